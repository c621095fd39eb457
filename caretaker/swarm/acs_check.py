"""
The check of an ACS before a run: which CPE is taken to it, and ``caretaker check`` as a process.

The master says what to check (``ACSCheck``), and each host where it is to be reached there
(``CheckPlace``).
"""

from __future__ import annotations

import csv
import io
import os
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from subprocess import PIPE, Popen
from typing import Any, NamedTuple

from caretaker.device.listed_devices import MANUFACTURER, OUI, PRODUCT_CLASS
from caretaker.parent_death import end_at_parent_death
from caretaker.profiles.loader import ProfileChoice, chosen
from caretaker.profiles.profile import Profile
from caretaker.swarm.command_line import is_free
from caretaker.swarm.devices_file import DevicesFile
from caretaker.swarm.options import OPTIONS, Settings
from caretaker.swarm.worker_messages import ACSCheck

SHARED = (
    "seed",
    "acs_username",
    "answer_timeout",
    "ip_version",
    "allow_hosts",
    "tls_ca",
    "tls_insecure",
    "client_cert",
    "client_key",
    "any_id",
    "nbi_url",
)
"""The options that the command takes as the run does, by their names in ``Settings``."""
OF_HOST = ("cr_host", "cr_advertise", "cr_tls_cert", "cr_tls_key", "cr_tls_ca")
"""Those that each host has of its own."""
FIRST_CONTACT = "--first-contact"
_BUILT_IN = {"Device.": "tr181", "InternetGatewayDevice.": "tr098"}
"""A profile that each host has, by the root of the data model."""
NAMED = ("serial", MANUFACTURER, OUI, PRODUCT_CLASS, "mac", "acs_username", "acs_password",
         "cr_username", "cr_password")  # fmt: skip
"""The columns of a list that say who a device is, and how it and the ACS know each other."""


class CheckOutcome(NamedTuple):
    """
    What a check has said.

    Args:
        exit_code: of the command: 0, 1 if the ACS does not work, 2 for bad input.
        line: its verdict, or what the input is.
    """

    exit_code: int
    line: str


def acs_check(settings: Settings, host: str, *, by_workers: bool) -> ACSCheck:
    """
    The check of a run.

    Connection Requests and tasks are checked where the run's driver posts tasks, and where they
    come to the hosts themselves, not to a router.

    Args:
        settings: of the run.
        host: the URL of its ACS.
        by_workers: whether workers check, which have no files of profiles.
    """
    given = [f"--host={host}"]
    for name in SHARED:
        given += _argument(name, getattr(settings, name))
    posts_tasks = settings.cr_driver == "nbi" and settings.nbi_url
    if settings.cr_router or not posts_tasks:
        given.append(FIRST_CONTACT)
    choice = chosen(settings.profiles)[0]
    device = ""
    if settings.devices is None:
        given.append(f"--profile={_name(choice, by_workers=by_workers)}")
    else:
        device = last_device(settings.devices, choice, by_workers=by_workers)
        given.append("--devices=-")
    return ACSCheck(given, device, settings.acs_password)


def _argument(name: str, value: Any) -> Iterator[str]:
    option = OPTIONS[name]
    given = option.public(value)
    if given is True:
        yield option.flag
    elif isinstance(given, tuple):
        yield from (f"{option.flag}={one}" for one in given)
    elif given not in (None, "", False):
        yield f"{option.flag}={given}"


def _name(choice: ProfileChoice, *, by_workers: bool) -> str:
    return _BUILT_IN[choice.profile.model.root] if by_workers else choice.text


def last_device(file: DevicesFile, usual: ProfileChoice, *, by_workers: bool) -> str:
    """
    A list of the last device of a file alone, as CSV, without parameters by path.

    Args:
        file: of ``--devices``.
        usual: the profile of devices that have none of their own.
        by_workers: whether a built-in profile is to stand for a file.
    """
    devices, index = file.devices, len(file.devices) - 1
    number = devices.profile_number(index)
    choice = file.profiles[number - 1] if number else usual
    row = {column: devices.text(index, column) for column in NAMED}
    row |= {name: row[name] or text for name, text in _identity(choice.profile).items()}
    text = io.StringIO()
    writer = csv.DictWriter(text, [*NAMED, "profile"])
    writer.writeheader()
    writer.writerow({**row, "profile": _name(choice, by_workers=by_workers)})
    return text.getvalue()


def _identity(profile: Profile) -> dict[str, str]:
    """Of the profile itself, which the ACS knows the device by, as a built-in one would differ."""
    return {
        MANUFACTURER: profile.manufacturer,
        OUI: profile.oui,
        PRODUCT_CLASS: profile.product_class,
    }


@dataclass(frozen=True)
class CheckPlace:
    """
    Where a host checks: at which address it takes Connection Requests.

    Args:
        settings: of the command line of this process.
    """

    settings: Settings

    def arguments(self) -> Iterator[str]:
        """The arguments of the command for this host."""
        for name in OF_HOST:
            yield from _argument(name, getattr(self.settings, name))
        ports = self.settings.cr_port.of_worker(0)
        port = next((port for port in ports if is_free(self.settings.cr_host, port)), None)
        yield FIRST_CONTACT if port is None else f"--cr-port={port}"

    def run(self, check: ACSCheck) -> CheckOutcome:
        """Check from here, and wait until that has ended."""
        process = Popen(  # noqa: S603
            [sys.executable, "-m", "caretaker", "check", "--brief", *check.arguments,
             *self.arguments()],
            stdin=PIPE,
            stdout=PIPE,
            stderr=PIPE,
            text=True,
            env={**os.environ, **_secret(check)},
            preexec_fn=end_at_parent_death,  # noqa: PLW1509  # no thread has a lock that it takes
        )  # fmt: skip
        try:
            said, complaint = process.communicate(check.device)
        finally:
            process.kill()
        line = ((complaint if process.returncode else "") or said).strip().splitlines()[-1:]
        text = "".join(line).removeprefix("caretaker: ")
        return CheckOutcome(process.returncode, text or "the check has ended")


def _secret(check: ACSCheck) -> dict[str, str]:
    return {"CARETAKER_ACS_PASSWORD": check.acs_password} if check.acs_password else {}
