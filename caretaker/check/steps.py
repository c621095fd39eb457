"""
The steps of a check: what each does with the CPE and the ACS, and what it shows.

A step has an outcome in the words of a run: held, failed, or not shown where it could not be tried.
"""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import NamedTuple

from caretaker.check.checked_cpe import CheckedCPE
from caretaker.connection_request.clients import CLIENTS
from caretaker.connection_request.command import step_lines
from caretaker.connection_request.steps import Step as Attempt
from caretaker.cwmp.outcome import Outcome
from caretaker.device.events import CONNECTION_REQUEST, PERIODIC
from caretaker.errors import LimitError, TransportError
from caretaker.http.endpoint import Address
from caretaker.http.ip_addresses import is_loopback, parsed_address
from caretaker.http.tls_settings import SYSTEM_TRUST, TLSSettings
from caretaker.north_bound_client import NorthBoundClient
from caretaker.quoting import quoted
from caretaker.reasons import cure
from caretaker.reporting.outcomes import RunOutcome
from caretaker.stats.records import SessionRecord
from caretaker.stats.task_outcomes import WORDS, TaskOutcome, TaskResult

SESSION_SECONDS = 600.0
"""Seconds until a session has ended: an ACS may read a device of 90 000 parameters at first."""
REQUEST_SECONDS = 2.0
"""Seconds for what must have come already, as the other side says that it is done."""
GET = "GetParameterValues"


class Finding(NamedTuple):
    """
    What a step has shown.

    Args:
        outcome: held, failed, or not shown.
        meaning: what was seen, in a sentence.
        cure: what helps; empty if nothing needs to.
    """

    outcome: RunOutcome
    meaning: str
    cure: str = ""


class Subjects(NamedTuple):
    """
    Who is checked.

    Args:
        cpe: our CPE.
        acs_url: where it informs.
        api: the ACS's north-bound API; None where none is given.
        advertised: whether the host in the ConnectionRequestURL was given by the user.
        cr_tls: of a Connection Request from here, where that is over https.
    """

    cpe: CheckedCPE
    acs_url: str
    api: NorthBoundClient | None
    advertised: bool = False
    cr_tls: TLSSettings = SYSTEM_TRUST


# -- first contact --------------------------------------------------------------------------------


def first_contact(subjects: Subjects) -> Finding:
    """The first session, with 0 BOOTSTRAP."""
    cpe = subjects.cpe
    cpe.start()
    if not cpe.wait_until(lambda: bool(cpe.sessions), SESSION_SECONDS):
        return _failed(f"the session has no end within {SESSION_SECONDS:.0f} s")
    record = cpe.sessions[0]
    if record.outcome is not Outcome.SUCCEEDED:
        return _failed(record.reason or record.outcome.value)
    asked = ", ".join(dict.fromkeys(cpe.requests)) or "nothing"
    return _held(f"the ACS takes {cpe.device().device_id}; it asks: {asked}")


def settings(subjects: Subjects) -> Finding:
    """What the ACS has set of what decides how a fleet informs, and who may ask it to."""
    before, after = subjects.cpe.first_values, subjects.cpe.management_values()
    changed = [name for name in SETTINGS if before[name] != after[name]]
    meanings, cures = [], []
    for name in changed:
        setting = SETTINGS[name]
        values = {"before": quoted(before[name]), "after": quoted(after[name])}
        meanings.append(setting.meaning.format(**values))
        cures.append(setting.cure)
    if not {"ConnectionRequestUsername", "ConnectionRequestPassword"} & set(changed):
        meanings.append("the ACS sets no credentials for Connection Requests")
        cures.append("a preset that sets ConnectionRequestUsername and -Password, if it sends any")
    return Finding(RunOutcome.HELD, "; ".join(meanings), "; ".join(filter(None, cures)))


class Setting(NamedTuple):
    """What it means that the ACS has set a parameter, and what helps; no secret is in it."""

    meaning: str
    cure: str = ""


SETTINGS: dict[str, Setting] = {
    "PeriodicInformEnable": Setting(
        "the ACS sets PeriodicInformEnable to {after}",
        "without periodic Informs a fleet has little load; see the ACS's presets"),
    "PeriodicInformInterval": Setting(
        "the ACS sets PeriodicInformInterval to {after} (it was {before})",
        "--inform-interval holds only until then: set the interval in the ACS's preset"),
    "URL": Setting(
        "the ACS sends CPEs to {after}",
        "use it as --host; --allow-host if its host is another"),
    "ConnectionRequestUsername": Setting("the ACS sets the username for Connection Requests"),
    "ConnectionRequestPassword": Setting("the ACS sets the password for Connection Requests"),
}  # fmt: skip
"""Each parameter of ``MANAGEMENT``."""

# -- Connection Requests --------------------------------------------------------------------------


def from_here(subjects: Subjects) -> Finding:
    """A Connection Request that this machine sends, as ``--cr-driver direct`` does."""
    cpe = subjects.cpe
    url = cpe.device().connection_request_url
    if _is_only_here(url, subjects.acs_url):
        return _failed(
            f"the ACS is told {url}, which leads to the ACS's own machine",
            "--cr-host with an address of this machine that the ACS reaches",
        )
    seen = cpe.seen()
    attempts: list[Attempt] = []

    def show(attempt: Attempt) -> None:
        attempts.append(attempt)
        for mark, line in zip("><", step_lines(attempt), strict=False):
            cpe.trace.show(f"{mark} {line}")

    try:
        reason = CLIENTS["tolerant"](url, cpe.credentials(), show, subjects.cr_tls)
    except LimitError as error:
        reason = error.reason
    if reason is not None:
        why = (attempts[-1].error if attempts else "") or reason
        outcome = RunOutcome.NOT_SHOWN if subjects.advertised else RunOutcome.FAILED
        return Finding(outcome, f"this machine does not reach {url}: {why}", _way_to_reach(why))
    return _session_of(cpe, seen.sessions, CONNECTION_REQUEST)


_ADDRESS = (
    "--cr-host must be an address of this machine, and --cr-advertise the one at which the ACS "
    "reaches it"
)
_CERTIFICATE = (
    "the certificate of --cr-tls-cert must be of the host in that URL (--cr-advertise), and of a "
    "CA of --cr-tls-ca"
)


def _way_to_reach(why: str) -> str:
    """What helps where a CPE is not reached at its URL for this reason."""
    return _CERTIFICATE if why.startswith("TLS:") else _ADDRESS


def by_acs(subjects: Subjects) -> Finding:
    """A Connection Request that the ACS sends, as its north-bound API is asked to."""
    cpe, api = subjects.cpe, subjects.api
    if api is None:
        return _NO_API
    seen, device_id = cpe.seen(), cpe.device().device_id
    cpe.trace.show(f"> API: Connection Request to {device_id}")
    result = _shown(cpe, api.connection_request(device_id))
    if result.outcome is not TaskOutcome.DONE:
        return _refused(cpe, seen.verdicts, result)
    came = cpe.wait_until(lambda: "accepted" in cpe.verdicts[seen.verdicts :], REQUEST_SECONDS)
    if not came:
        url = cpe.device().connection_request_url
        return _failed(
            f"the API says that it is done, but no Connection Request came to {url}",
            "is --nbi-url the API of this ACS? Does the ACS use another way, as STUN or XMPP?",
        )
    return _session_of(cpe, seen.sessions, CONNECTION_REQUEST)


def _refused(cpe: CheckedCPE, since: int, result: TaskResult) -> Finding:
    """What the API said of a Connection Request, beside what the CPE saw of it."""
    reason = _reason(result)
    if result.outcome is TaskOutcome.API_ERROR:
        return _failed(reason)
    verdicts = cpe.verdicts[since:]
    url = cpe.device().connection_request_url
    saw = f"the CPE answered: {', '.join(verdicts)}" if verdicts else f"nothing came to {url}"
    return _failed(f"the API says: {reason}; {saw}", cure(reason))


# -- tasks ----------------------------------------------------------------------------------------


def task_at_once(subjects: Subjects) -> Finding:
    """A task with a Connection Request, as ``--cr-driver nbi`` posts them."""
    cpe, api = subjects.cpe, subjects.api
    if api is None:
        return _NO_API
    seen, task = cpe.seen(), _task(cpe)
    cpe.trace.show(f"> API: {task['name']}, with a Connection Request")
    result = _shown(cpe, api.post_task(cpe.device().device_id, task))
    if result.outcome is not TaskOutcome.DONE:
        return _refused(cpe, seen.verdicts, result)
    return _asked(cpe, seen.requests, "the task is done")


def task_later(subjects: Subjects) -> Finding:
    """A task without a Connection Request, which the next session of the CPE takes."""
    cpe, api = subjects.cpe, subjects.api
    if api is None:
        return _NO_API
    seen, task = cpe.seen(), _task(cpe)
    cpe.trace.show(f"> API: {task['name']}, without a Connection Request")
    result = _shown(cpe, api.post_task(cpe.device().device_id, task, connection_request=False))
    if result.outcome not in (TaskOutcome.QUEUED, TaskOutcome.DONE):
        return _refused(cpe, seen.verdicts, result)
    cpe.inform()
    session = _session_of(cpe, seen.sessions, PERIODIC)
    if session.outcome is not RunOutcome.HELD:
        return session
    return _asked(cpe, seen.requests, "the next session takes the task")


def _task(cpe: CheckedCPE) -> dict[str, object]:
    path = cpe.management_path("PeriodicInformInterval")
    return {"name": "getParameterValues", "parameterNames": [path]}


def _asked(cpe: CheckedCPE, since: int, meaning: str) -> Finding:
    if cpe.wait_until(lambda: GET in cpe.requests[since:], REQUEST_SECONDS):
        return _held(meaning)
    return _failed(
        f"the API has taken the task, but no {GET} came to the CPE",
        "is --nbi-url the API of this ACS?",
    )


# -- in common ------------------------------------------------------------------------------------


def _session_of(cpe: CheckedCPE, since: int, event: str) -> Finding:
    """Whether a session with this event came, and how it ended."""

    def records() -> list[SessionRecord]:
        return [record for record in cpe.sessions[since:] if event in record.events]

    if not cpe.wait_until(lambda: bool(records()), SESSION_SECONDS):
        return _failed(f"no session with {event} within {SESSION_SECONDS:.0f} s")
    record = records()[0]
    if record.outcome is not Outcome.SUCCEEDED:
        return _failed(
            f"the session with {event} failed: {record.reason}", cure(record.reason or "")
        )
    return _held(f"a session with {event} came, and succeeded")


def _shown(cpe: CheckedCPE, result: TaskResult) -> TaskResult:
    cpe.trace.show(f"< API: {_reason(result)}")
    return result


def _reason(result: TaskResult) -> str:
    said = f": {result.quoted}" if result.quoted else ""
    return f"{result.reason or WORDS[result.outcome]}{said}"


def _is_only_here(url: str, acs_url: str) -> bool:
    """Whether a URL leads to loopback, and the ACS is on another machine."""
    return _is_loopback(Address.of(url)) and not _is_this_machine(Address.of(acs_url))


def _is_loopback(address: Address) -> bool:
    """Whether a host means this machine to itself only: loopback, or the wildcard address."""
    found = parsed_address(address.host)
    return is_loopback(address.host) or (found is not None and found.is_unspecified)


def _is_this_machine(address: Address) -> bool:
    """Whether a host is this machine: only its own addresses can be bound."""
    try:
        family, resolved = address.resolve()[0]
        with socket.socket(family) as probe:
            probe.bind((resolved[0], 0, *resolved[2:]))
    except (OSError, TransportError):
        return False
    return True


def _held(meaning: str) -> Finding:
    return Finding(RunOutcome.HELD, meaning)


def _failed(meaning: str, helps: str = "") -> Finding:
    """A failure; where nothing else is said, what helps is that of its reason."""
    return Finding(RunOutcome.FAILED, meaning, helps or cure(meaning))


_NO_API = Finding(RunOutcome.NOT_SHOWN, "no --nbi-url is given")

# -- the table ------------------------------------------------------------------------------------


class Step(NamedTuple):
    """
    A step of the check.

    Args:
        name: for people.
        act: takes it.
        needs: the name of the step that must have held; empty for none.
    """

    name: str
    act: Callable[[Subjects], Finding]
    needs: str = ""


_CONTACT, _BY_ACS = "first contact", "Connection Request by the ACS"
STEPS = (
    Step(_CONTACT, first_contact),
    Step("what the ACS has set", settings, _CONTACT),
    Step("Connection Request from here", from_here, _CONTACT),
    Step(_BY_ACS, by_acs, _CONTACT),
    Step("task at once", task_at_once, _BY_ACS),
    Step("task in the next session", task_later, _CONTACT),
)
"""All steps, in order."""
