"""``python -m caretaker check --host URL``: whether an ACS works with a CPE of ours."""

from __future__ import annotations

import argparse
import signal
from collections.abc import Callable, Mapping, Sequence

from caretaker.check.checked_cpe import CheckedCPE
from caretaker.check.steps import STEPS, Finding, Step, Subjects
from caretaker.closed_output import say
from caretaker.console.arguments import add_cpe_arguments, fleet_settings
from caretaker.console.trace import Trace
from caretaker.errors import InputError
from caretaker.http.endpoint import Address
from caretaker.masking import masked
from caretaker.north_bound_client import NorthBoundClient
from caretaker.reporting.outcomes import EXIT_CODES, RunOutcome
from caretaker.stats.task_outcomes import TaskOutcome

Show = Callable[[str], object]
"""Takes a line for people."""
SERIAL = ("CHECK", 0)
"""The prefix and the index of the serial number: always the same, so an ACS keeps one device."""


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
        "--first-contact", action="store_true", help="check no Connection Requests and tasks"
    )
    parser.add_argument("--brief", action="store_true", help="show the last line only")
    add_cpe_arguments(parser, SERIAL)


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
    cpe = CheckedCPE(trace, options.acs_url, **fleet_settings(options))
    subjects = Subjects(cpe, options.acs_url, api, advertised=options.cr_advertise is not None)
    try:
        findings = _take(STEPS[:2] if options.first_contact else STEPS, subjects, show)
        device_id = cpe.device().device_id
    finally:
        cpe.stop()
    if any(record.informed is not None for record in cpe.sessions):
        show(_remove(api, device_id))
    outcome, line = verdict(findings)
    Trace(lambda text: say(text.rstrip())).print(line)
    return outcome


def _api(url: str | None) -> NorthBoundClient | None:
    if not url:
        return None
    Address.of(url)  # it is refused if it can't be used
    return NorthBoundClient(url)


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


def _remove(api: NorthBoundClient | None, device_id: str) -> str:
    """Remove the device from the ACS, where its API can; what became of it."""
    if api is not None and api.delete_device(device_id).outcome is TaskOutcome.DONE:
        return f"{device_id} is removed from the ACS."
    return f"{device_id} stays in the ACS: remove it there."
