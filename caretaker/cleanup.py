"""
``caretaker cleanup``: deletes the devices of a run's fleet, and their tasks, from an ACS.

A device is the fleet's if the run gave its serial number, and its ProvisioningCode says that it is
simulated. All others stay. Without ``--delete`` nothing is changed.
"""

from __future__ import annotations

import argparse
import re
import signal
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing
from typing import Any, NamedTuple

from caretaker.closed_output import say
from caretaker.device.identity import Identities, serial_prefix
from caretaker.errors import InputError, TransportError
from caretaker.http.endpoint import Address
from caretaker.north_bound_client import NorthBoundClient
from caretaker.profiles.profile import NAMESPACES, SIMULATED
from caretaker.quoting import quoted
from caretaker.reasons import cure
from caretaker.reporting.kept_runs import read_run
from caretaker.reporting.summary_types import Summary
from caretaker.stats.task_outcomes import TaskOutcome, TaskResult

_SERIAL = "_deviceId._SerialNumber"
_CODES = [f"{root}DeviceInfo.ProvisioningCode" for root in NAMESPACES]
_NAMES_SHOWN = 3
_PROGRESS = 1_000
"""Deletions after which a line tells how far they are."""
_MAX_FAILURES = 10
"""Failures one after the other that end the deletions."""
_CURES = {"north-bound API: HTTP 503": "end the run that has them in session, and try again"}
"""What helps here against a reason that means something else elsewhere."""


class Fleet(NamedTuple):
    """
    The serial numbers of a run.

    Args:
        identities: that they were made of.
        cpes: how many the run had at most; None where no run is given.
    """

    identities: Identities
    cpes: int | None

    def has(self, serial_number: str) -> bool:
        """Whether the run gave this serial number."""
        index = self.identities.index_of(serial_number)
        return index is not None and (self.cpes is None or index < self.cpes)


class Found(NamedTuple):
    """What an ACS has: ids of the fleet's devices and their tasks, and what is not the fleet's."""

    devices: Sequence[str]
    tasks: Sequence[str]
    other_serials: Sequence[str]
    """Serial numbers with the prefix that the run did not give."""
    unmarked: Sequence[str]
    """Serial numbers of the run on devices that do not say that they are simulated."""

    def lines(self) -> Iterator[str]:
        """Counts and first names, for people."""
        yield f"{len(self.devices)} devices of the fleet{_first(self.devices)}"
        yield f"{len(self.tasks)} tasks of theirs"
        if self.other_serials:
            yield f"{len(self.other_serials)} stay, not of the run{_first(self.other_serials)}"
        if self.unmarked:
            why = f"ProvisioningCode is not {SIMULATED}"
            yield f"{len(self.unmarked)} stay, their {why}{_first(self.unmarked)}"


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "--nbi-url",
        required=True,
        metavar="URL",
        help="north-bound API of the ACS, in GenieACS's form, like http://acs:7557",
    )
    parser.add_argument(
        "--serial-prefix", required=True, metavar="PREFIX", help="of the fleet's serial numbers"
    )
    parser.add_argument(
        "--summary",
        metavar="FILE",
        help="of the run: the file of --summary-json, or the run's folder in --runs; it tells how "
        "many CPEs the fleet had (default: none; devices are only listed then)",
    )
    parser.add_argument(
        "--delete", action="store_true", help="delete the devices; without it they are only listed"
    )


def run(options: argparse.Namespace) -> int:
    """
    List or delete, and return the exit code: 1 if the API failed, or a device had to stay.

    Ctrl-C gives what a shell says of it; what is deleted by then stays deleted.

    Raises:
        InputError: an option can't be used.
    """
    fleet = fleet_of(options.serial_prefix, options.summary)
    if options.delete and fleet.cpes is None:
        wanted = "give --summary, the file or the folder of the run whose fleet it is"
        raise InputError(f"--delete: no run says which devices were its own; {wanted}")
    Address.of(options.nbi_url)  # it is refused if it can't be used
    try:
        with closing(NorthBoundClient(options.nbi_url)) as api:
            found = find(api, fleet)
            say("\n".join(found.lines()))
            return delete(api, found) if options.delete else _hint(found)
    except TransportError as error:
        _complain(error)
        return 1
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def fleet_of(prefix: str, path: str | None) -> Fleet:
    """
    The fleet of a run.

    Args:
        prefix: of its serial numbers.
        path: of the run's summary, or of the folder that has it.

    Raises:
        InputError: the prefix is none, or not that of the run, or the fleet was a list of devices.
    """
    try:
        serial_prefix(prefix)
    except InputError as error:
        raise InputError(f"--serial-prefix {error}; give that of the run") from error
    if path is None:
        return Fleet(Identities(prefix=prefix), None)
    summary = read_run(path)
    settings = summary.get("settings", {})
    if settings.get("--devices"):
        why = "the fleet was a list of your own devices (--devices); delete them in the ACS"
        raise InputError(f"--summary {path}: {why}")
    known = settings.get("--serial-prefix")
    if known != prefix:
        wanted = f"its fleet has {quoted(str(known))}" if known else "it does not tell its own"
        raise InputError(f"--summary {path}: no run with --serial-prefix {prefix}; {wanted}")
    return Fleet(Identities(prefix=prefix), _most_cpes(summary, settings))


def _most_cpes(summary: Summary, settings: Mapping[str, object]) -> int:
    """The most CPEs that a run had: at its end, as it was started, and in between."""
    users, each = settings.get("--users"), settings.get("--cpes-per-user")
    started = users * each if isinstance(users, int) and isinstance(each, int) else 0
    between = summary["timeline"]["cpes_on"] if "timeline" in summary else []
    return max(summary["fleet"]["cpes"], started, *(count or 0 for count in between), 0)


def find(api: NorthBoundClient, fleet: Fleet) -> Found:
    """
    What an ACS has of a fleet.

    Raises:
        TransportError: the API does not say.
    """
    begin = {"$regex": f"^{re.escape(fleet.identities.prefix)}-"}
    documents = api.documents("devices", {_SERIAL: begin}, [_SERIAL, *_CODES])
    devices: list[str] = []
    others: list[str] = []
    unmarked: list[str] = []
    for document in documents:
        serial = _text(document, _SERIAL)
        if not fleet.has(serial):
            others.append(serial)
        elif not is_simulated(document):
            unmarked.append(serial)
        else:
            devices.append(document["_id"])
    return Found(sorted(devices), _tasks(api, devices), sorted(others), sorted(unmarked))


def is_simulated(document: Mapping[str, Any]) -> bool:
    """Whether a device of an ACS has the mark of CPEs of Caretaker."""
    return any(_text(document, f"{path}._value").split(" ")[0] == SIMULATED for path in _CODES)


def _tasks(api: NorthBoundClient, devices: Sequence[str]) -> list[str]:
    known = set(devices)
    tasks = api.documents("tasks", {}, ["device"]) if known else []
    return [task["_id"] for task in tasks if task.get("device") in known]


def _text(document: Mapping[str, Any], path: str) -> str:
    """The text at a dotted path of a document; empty where there is none."""
    at: Any = document
    for name in path.split("."):
        at = at.get(name) if isinstance(at, dict) else None
    return at if isinstance(at, str) else ""


def delete(api: NorthBoundClient, found: Found) -> int:
    """
    Delete devices, then those of their tasks that the ACS has left, and return the exit code.

    Raises:
        TransportError: the API does not say what it has left.
    """
    failures = _delete_each(api.delete_device, found.devices, "devices")
    failures += _delete_each(api.delete_task, _tasks(api, found.devices), "tasks")
    return 1 if failures else 0


def _delete_each(act: Callable[[str], TaskResult], ids: Sequence[str], what: str) -> int:
    """Delete things by their ids, tell how far it is, and return how many were left."""
    deleted = in_a_row = 0
    failed: TaskResult | None = None
    for each in ids:
        result = act(each)
        if result.outcome is TaskOutcome.DONE:
            deleted, in_a_row = deleted + 1, 0
            if deleted % _PROGRESS == 0:
                say(f"{deleted} of {len(ids)} {what} deleted")
        else:
            failed, in_a_row = result, in_a_row + 1
            if in_a_row == _MAX_FAILURES:
                break
    say(f"{deleted} {what} deleted")
    if failed is not None:
        error = TransportError(failed.reason or failed.outcome, failed.quoted)
        _complain(error, f"{len(ids) - deleted} {what} stay: ")
    return len(ids) - deleted


def _hint(found: Found) -> int:
    if found.devices:
        say("nothing was deleted; --summary of the run and --delete do it")
    return 0


def _complain(error: TransportError, before: str = "") -> None:
    cured = _CURES.get(error.reason) or cure(error.reason)
    print(f"caretaker: {before}{error}; {cured}", file=sys.stderr)  # noqa: T201


def _first(names: Sequence[str]) -> str:
    """The first of some names, behind a colon; nothing if there are none."""
    more = ", ..." if len(names) > _NAMES_SHOWN else ""
    return f": {', '.join(map(quoted, names[:_NAMES_SHOWN]))}{more}" if names else ""
