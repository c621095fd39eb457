"""What the master gives to the workers of a run: its profiles, its devices and its secrets."""

from __future__ import annotations

import logging
from typing import TYPE_CHECKING

from caretaker.device.listed_devices import ACS_CREDENTIALS
from caretaker.profiles.loader import chosen
from caretaker.swarm.devices_file import DevicesOffer
from caretaker.swarm.given_credentials import GivenCredentials
from caretaker.swarm.options import Settings
from caretaker.swarm.profile_offer import ProfileOffer, offers
from caretaker.swarm.profile_sender import ProfileSender
from caretaker.swarm.worker_messages import ProfilePart, ProfilePartRequest, RunSecrets

if TYPE_CHECKING:
    from locust.env import Environment

_log = logging.getLogger(__name__)


class FleetOffer:
    """
    What workers get of the master of a run.

    Args:
        environment: Locust's, as the command line has made it; the secrets do not stay there.
    """

    def __init__(self, environment: Environment) -> None:
        self._environment = environment
        self._given = GivenCredentials.take(environment)
        self._files = ProfileSender(())
        self.secrets = RunSecrets({})
        """Of the run; none before the first one."""

    def begin(self) -> None:
        """Choose the secrets of a run, which depend on its ACS, before its settings are read."""
        self.secrets = RunSecrets(self._given.put(self._environment))

    def name_files(
        self, settings: Settings
    ) -> tuple[tuple[ProfileOffer, ...], DevicesOffer | None]:
        """The profiles and devices of a run; workers ask for the files of them that they lack."""
        choices, file, devices = chosen(settings.profiles), settings.devices, None
        files = [each for choice in choices for each in choice.source.files]
        if file is not None:
            files += [each for choice in file.profiles for each in choice.source.files]
            files.append(file.source)
            devices = DevicesOffer.of(file, self._withheld())
        self._files = ProfileSender(files)
        return offers(choices), devices

    def part(self, request: ProfilePartRequest) -> ProfilePart | None:
        """The part of a file that a worker lacks; None of a file that the run does not have."""
        return self._files.part(request)

    def _withheld(self) -> tuple[str, ...]:
        """The columns of the devices that are not for the ACS of this run."""
        if self._given.are_for(self._environment):
            return ()
        _log.warning(
            "The ACS credentials of --devices are for %s, so %s is not shown them; name it with "
            "--host at the start",
            *(self._given.acs.host, self._environment.host),
        )
        return ACS_CREDENTIALS
