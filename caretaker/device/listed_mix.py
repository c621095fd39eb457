"""Which profile each device of a list has."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

from caretaker.device.listed_devices import ListedDevices
from caretaker.device.listed_profile import with_listed
from caretaker.profiles import ProfileMix
from caretaker.profiles.profile import Profile


class ListedMix(ProfileMix):
    """
    The profiles of a run whose CPEs are the devices of a list.

    Args:
        mix: of devices that have no profile of their own.
        devices: the list.
        own: the profiles of devices, in the order of ``ListedDevices.profiles``.
        withheld: columns of the list that are not used in this run.
    """

    def __init__(
        self,
        mix: ProfileMix,
        devices: ListedDevices,
        own: Sequence[Profile],
        withheld: Sequence[str] = (),
    ) -> None:
        prepare = partial(with_listed, devices=devices, withheld=withheld)
        self._mix = mix
        self.profiles = list(map(prepare, (*mix.profiles, *own)))
        self.devices = devices

    def place_of(self, index: int) -> int:
        """Where the profile of the CPE with this index is among ``profiles``."""
        number = self.devices.profile_number(index)
        return len(self._mix.profiles) + number - 1 if number else self._mix.place_of(index)

    def places_of(self, indices: range) -> list[int]:
        """``place_of`` for neighbouring CPEs."""
        listed, before = self.devices.profile_numbers(indices), len(self._mix.profiles) - 1
        return [
            before + number if number else place
            for number, place in zip(listed, self._mix.places_of(indices), strict=True)
        ]
