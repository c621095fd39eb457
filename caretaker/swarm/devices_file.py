"""The file of ``--devices``: the devices that the fleet is, and how workers get them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from hashlib import sha256
from pathlib import Path
from typing import Any, NamedTuple, Self

from caretaker.device.device_csv import read_devices
from caretaker.device.listed_devices import ListedDevices
from caretaker.device.listed_profile import check_columns
from caretaker.errors import ContentUnknownError, InputError
from caretaker.input_file import read_input
from caretaker.profiles.loader import ProfileChoice, chosen
from caretaker.profiles.profile_source import SourceFile
from caretaker.swarm.profile_offer import ProfileOffer

MAX_DEVICES_BYTES = 512 * 1024 * 1024
"""Of a file of devices: some millions of them."""


@dataclass(frozen=True)
class DevicesFile:
    """
    A file of devices.

    Args:
        text: which named it.
        source: its content, by the hash.
        devices: that it has.
        profiles: those that devices have, in the order of ``ListedDevices.profiles``.
    """

    text: str
    source: SourceFile
    devices: ListedDevices = field(compare=False, repr=False)
    profiles: tuple[ProfileChoice, ...] = field(compare=False, repr=False)

    @classmethod
    def parse(cls, text: str) -> DevicesFile:
        """
        The file of this name, read once in a process.

        Raises:
            InputError: it can't be used, or a profile in it can't.
        """
        return _read_file(text)

    def __str__(self) -> str:
        return self.text

    @property
    def identity(self) -> str:
        """What makes it the same fleet in another run: the serial numbers, in their order."""
        serials = map(self.devices.serial_number, range(len(self.devices)))
        digest = sha256("\n".join(serials).encode()).hexdigest()
        return f"{len(self.devices)} devices ({digest[:12]})"

    def check(self, choices: Sequence[ProfileChoice], cpes: int | None) -> None:
        """
        Check that it fits a run.

        Args:
            choices: the profiles of the run.
            cpes: how many there will be; None where nobody has said it.

        Raises:
            InputError: it has fewer devices, or a column that no profile has a parameter for.
        """
        if cpes is not None:
            self.check_size(cpes)
        every = {choice.source: choice.profile for choice in (*chosen(choices), *self.profiles)}
        try:
            check_columns(self.devices, list(every.values()))
        except InputError as error:
            raise InputError(f"--devices {self.text}: {error}") from error

    def check_size(self, cpes: int) -> None:
        """
        Check that there is a device for each CPE.

        Raises:
            InputError: there are too few.
        """
        if cpes > len(self.devices):
            raise InputError(
                f"--devices {self.text}: {len(self.devices)} devices, and the run has {cpes} CPEs; "
                "give a longer file, or fewer --users"
            )


@lru_cache(1)
def _read_file(text: str) -> DevicesFile:
    source = SourceFile.of(Path(text).name, read_input(text, MAX_DEVICES_BYTES))
    devices = devices_of(source)
    return DevicesFile(text, source, devices, tuple(map(_choice, devices.profiles)))


def _choice(name: str) -> ProfileChoice:
    try:
        return ProfileChoice.parse(name)
    except InputError as error:
        raise InputError(f"column 'profile': {error}") from error


@lru_cache(1)
def devices_of(source: SourceFile) -> ListedDevices:
    """
    The devices of a file; read only once in a process, and in those forked from it.

    Raises:
        InputError: it is not what it must be.
        ContentUnknownError: it was not read before, and its content is not known.
    """
    if source.content is None:
        raise ContentUnknownError(source.name)
    return read_devices(source.name, source.content)


class DevicesOffer(NamedTuple):
    """
    The devices of a run as the master names them to its workers.

    Args:
        source: the file, without its content.
        profiles: those that devices have.
        withheld: columns that are not used in this run.
    """

    source: SourceFile
    profiles: tuple[ProfileOffer, ...]
    withheld: tuple[str, ...] = ()

    @classmethod
    def of(cls, file: DevicesFile, withheld: tuple[str, ...]) -> Self:
        """The offer of a file that this process has read."""
        return cls(file.source, tuple(map(ProfileOffer.of, file.profiles)), withheld)

    def to_wire(self) -> dict[str, Any]:
        """As plain data."""
        source = self.source
        profiles = [offer.to_wire() for offer in self.profiles]
        file = (source.name, source.digest, source.size)
        return {"file": file, "profiles": profiles, "withheld": self.withheld}

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        """What ``to_wire`` made."""
        profiles = tuple(map(ProfileOffer.from_wire, wire["profiles"]))
        return cls(SourceFile(*wire["file"]), profiles, tuple(wire["withheld"]))
