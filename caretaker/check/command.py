"""``python -m caretaker check --host URL``: whether an ACS works with a CPE of ours."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from typing import Any

from caretaker.check.checked_cpe import CheckedCPE
from caretaker.check.steps import STEPS, Finding, Step, Subjects
from caretaker.closed_output import say
from caretaker.console.arguments import add_cpe_arguments, fleet_settings, own_serial_number
from caretaker.console.trace import Trace
from caretaker.device.device_csv import read_devices
from caretaker.device.identity import CHECK_SERIAL
from caretaker.device.listed_devices import ListedDevices
from caretaker.errors import InputError
from caretaker.http.endpoint import Address
from caretaker.http.tls_settings import trusting
from caretaker.input_file import read_input
from caretaker.masking import masked
from caretaker.north_bound_client import NorthBoundClient
from caretaker.quoting import quoted
from caretaker.reporting.outcomes import EXIT_CODES, RunOutcome
from caretaker.stats.task_outcomes import TaskOutcome

Show = Callable[[str], object]
"""Takes a line for people."""
MAX_LIST_BYTES = 512 * 1024 * 1024
"""Of a list of devices: some millions of them."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """The arguments of the command."""
    parser.add_argument(
        "--host", required=True, metavar="URL", dest="acs_url", help="URL of the ACS"
    )
    parser.add_argument(
        "--nbi-url",
        metavar="URL",
        help="north-bound API of the ACS, in GenieACS's form, like http://acs:7557 (default: "
        "none; what needs it is not shown)",
    )
    parser.add_argument(
        "--devices",
        metavar="FILE.csv",
        help="list of devices that the ACS knows: the CPE is the last of them, or that of --serial "
        "(-: standard input; default: a serial number of its own)",
    )
    parser.add_argument(
        "--first-contact", action="store_true", help="check no Connection Requests and tasks"
    )
    parser.add_argument("--brief", action="store_true", help="show the last line only")
    add_cpe_arguments(parser)
    parser.add_argument(
        "--cr-tls-ca",
        metavar="FILE",
        help="certificates that the ACS trusts for Connection Requests, in PEM: that of "
        "--cr-tls-cert must be of one of them (default: it is not verified)",
    )
    parser.add_argument(
        "--serial",
        metavar="NUMBER",
        help="serial number of the CPE (default: CHECK-000001; with --devices that of the last)",
    )


def run(options: argparse.Namespace) -> int:
    """
    Check, and return the exit code: 0 if all that was tried held, 1 if something failed.

    Ctrl-C switches the CPE off, and gives what a shell says of it.

    Raises:
        InputError: an option can't be used.
    """
    try:
        return EXIT_CODES[_check(options)]
    except InputError as error:
        raise InputError(masked(str(error))) from None
    except KeyboardInterrupt:
        return 128 + signal.SIGINT


def _check(options: argparse.Namespace) -> RunOutcome:
    show: Show = (lambda _: None) if options.brief else say
    trace = Trace(lambda text: show(f"   {text.rstrip()}"), whole=options.trace)
    api = _api(options.nbi_url)
    who = _identity(options, show)
    cpe = CheckedCPE(trace, options.acs_url, **fleet_settings(options), **who)
    subjects = Subjects(
        cpe,
        options.acs_url,
        api,
        advertised=options.cr_advertise is not None,
        cr_tls=replace(trusting(options.cr_tls_ca), verify=options.cr_tls_ca is not None),
    )
    try:
        findings = _take(STEPS[:2] if options.first_contact else STEPS, subjects, show)
        device_id = cpe.device().device_id
    finally:
        cpe.stop()
    if any(record.informed is not None for record in cpe.sessions):
        show(_remains(device_id) if options.devices else _remove(api, device_id))
    outcome, line = verdict(findings)
    Trace(lambda text: say(text.rstrip())).print(line)
    return outcome


def _api(url: str | None) -> NorthBoundClient | None:
    if not url:
        return None
    Address.of(url)  # it is refused if it can't be used
    return NorthBoundClient(url)


def _identity(options: argparse.Namespace, show: Show) -> dict[str, Any]:
    """The arguments of ``Fleet`` that say which CPE it is."""
    if not options.devices:
        return own_serial_number(options.serial or CHECK_SERIAL)
    devices, serial = _read_list(options.devices), options.serial
    index = len(devices) - 1 if serial is None else devices.index_of(serial)
    if index is None:
        raise InputError(f"--serial {quoted(serial)}: no device of --devices {options.devices}")
    number, count = devices.serial_number(index), len(devices)
    show(f"The CPE is {quoted(number)}, the device {index + 1} of {count} in {options.devices}.")
    return {"devices": devices, "first_index": index}


def _read_list(name: str) -> ListedDevices:
    if name == "-":
        return read_devices("standard input", sys.stdin.buffer.read(MAX_LIST_BYTES))
    return read_devices(name, read_input(name, MAX_LIST_BYTES))


def _take(steps: Sequence[Step], subjects: Subjects, show: Show) -> dict[Step, Finding]:
    """Take the steps, each when the one that it needs has held, and show them."""
    held: set[str] = {""}
    findings: dict[Step, Finding] = {}
    for number, step in enumerate(steps, 1):
        show(f"{number}. {step.name}")
        if step.needs in held:
            finding = step.act(subjects)
        else:
            finding = Finding(RunOutcome.NOT_SHOWN, f"it needs: {step.needs}")
        if finding.outcome is RunOutcome.HELD:
            held.add(step.name)
            subjects.cpe.settle()
        findings[step] = finding
        subjects.cpe.trace.print(f"{finding.outcome}: {finding.meaning}")
        if finding.cure:
            subjects.cpe.trace.print(f"what helps: {finding.cure}")
    return findings


def verdict(findings: Mapping[Step, Finding]) -> tuple[RunOutcome, str]:
    """The outcome of a check, and the line that says it: what failed first, with what helps."""
    for step, finding in findings.items():
        if finding.outcome is RunOutcome.FAILED:
            helps = f"; {finding.cure}" if finding.cure else ""
            line = f"check failed: {step.name}: {finding.meaning}{helps}"
            return finding.outcome, " ".join(line.split())
    return RunOutcome.HELD, "check held: the ACS works with a CPE of Caretaker"


def _remains(device_id: str) -> str:
    return f"{device_id} stays in the ACS, as it is of the list."


def _remove(api: NorthBoundClient | None, device_id: str) -> str:
    """Remove the device from the ACS, where its API can; what became of it."""
    if api is not None and api.delete_device(device_id).outcome is TaskOutcome.DONE:
        return f"{device_id} is removed from the ACS."
    return f"{device_id} stays in the ACS: remove it there."
