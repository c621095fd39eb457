"""
The standard checks of every run: a table of what may go wrong, and of what follows from it.

A check that finds something is a ground of the verdict (decision 0026). Its sentence says what was
seen and, where there is one, the cure.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import NamedTuple

from caretaker.engine import outages
from caretaker.errors import Blame
from caretaker.reporting.generator_limits import (
    GeneratorFigures,
    added_ms,
    generator_limits,
    in_words,
)
from caretaker.reporting.lost_workers import losses
from caretaker.reporting.outcomes import RunOutcome
from caretaker.reporting.reach_findings import (
    no_binding,
    no_login,
    not_connected,
    unanswered,
)
from caretaker.reporting.summary_types import SessionFailure, Summary, UnfinishedWait
from caretaker.stats.task_outcomes import failed_parts

_Number = Callable[[Summary], int]
_Text = Callable[[Summary], str]


class Check(NamedTuple):
    """
    Something that may go wrong in a run.

    Args:
        name: what is well when it did not.
        outcome: of a run in which it did; held where that is only told.
        seen: what tells that it did, as a number or a text; 0 or empty when it did not.
        sentence: what a person reads; ``{}`` stands for what was seen.
        replaced_by: metrics; a service level that bounds one of them from above judges instead.
        replaced_by_search: whether a search, which overloads the ACS on purpose, judges instead.
    """

    name: str
    outcome: RunOutcome
    seen: _Number | _Text
    sentence: str
    replaced_by: tuple[str, ...] = ()
    replaced_by_search: bool = False

    def found(self, summary: Summary) -> str:
        """The sentence on a run; empty when nothing went wrong."""
        seen = self.seen(summary)
        text = f"{seen:,}" if isinstance(seen, int) else seen
        return self.sentence.format(text) if seen else ""


def session_failures(summary: Summary) -> list[SessionFailure]:
    """The failures of sessions by reason, without those that a scenario made."""
    failures = summary["sessions"]["failures"]
    return [failure for failure in failures if failure["reason"] != outages.REASON]


def _failed(summary: Summary, blame: Blame) -> int:
    """Sessions that failed by somebody's fault; by the ACS's where it is nobody else's."""
    sessions = summary["sessions"]
    if blame is not Blame.ACS:
        return sessions["blame"].get(blame.value, 0)
    others = sum(sessions["blame"].get(other.value, 0) for other in (Blame.OURS, Blame.GENERATOR))
    return sessions["failed"] - others - sessions["reasons"].get(outages.REASON, 0)


def _ended(summary: Summary) -> int:
    """Sessions that ended by themselves."""
    sessions = summary["sessions"]
    return sessions["succeeded"] + sessions["failed"] + sessions["shed"]


def _failed_by(blame: Blame) -> _Text:
    def seen(summary: Summary) -> str:
        number = _failed(summary, blame)
        found = [one for one in session_failures(summary) if one["blame"] == blame.value]
        of = f"{number:,} of {_ended(summary):,} sessions failed"
        return f"{of}{_reasons(found)}" if number > 0 else ""

    return seen


def _reasons(failures: Sequence[SessionFailure]) -> str:
    frequent_first = sorted(failures, key=lambda failure: -failure["number"])
    told = ", ".join(f"{failure['number']:,} x {failure['reason']}" for failure in frequent_first)
    return f": {told}" if told else ""


def _waits(summary: Summary, *, acs: bool) -> list[UnfinishedWait]:
    """
    What unfinished sessions waited for, of the ACS or of others.

    Where the generator was the limit, the answer of an ACS may have come, and was not noticed yet.
    """
    added = added_ms(GeneratorFigures.of_run(summary))
    return [
        wait
        for wait in summary["sessions"]["unfinished_waits"]
        if (wait["blame"] == Blame.ACS.value and wait["longest_ms"] >= added) is acs
    ]


def _waiting_for_others(summary: Summary) -> int:
    return sum(wait["number"] for wait in _waits(summary, acs=False))


def _waiting_for_the_acs(summary: Summary) -> str:
    """Sessions that were unfinished at the end and waited for nobody else."""
    number = summary["sessions"]["unfinished"] - _waiting_for_others(summary)
    waits = _waits(summary, acs=True)
    for_what = ", ".join(f"{wait['number']:,} x {wait['waited_for']}" for wait in waits)
    text = f"{number:,} sessions still waited for the ACS at the end"
    return f"{text}: {for_what}" if for_what else text if number else ""


def _in_vain(summary: Summary) -> int:
    """Sessions that the ACS could have let succeed, in a run in which none did."""
    sessions = summary["sessions"]
    tried = _failed(summary, Blame.ACS) + sessions["shed"] + sessions["unfinished"]
    return 0 if sessions["succeeded"] else tried


def _why_in_vain(summary: Summary) -> str:
    """How many sessions the ACS could have let succeed, in a run in which none did, and why."""
    number = _in_vain(summary)
    theirs = (Blame.ACS.value, Blame.SHED.value)
    found = [failure for failure in session_failures(summary) if failure["blame"] in theirs]
    return f"{number:,}{_reasons(found)}" if number else ""


def _not_tried(summary: Summary) -> str:
    """Whether no session came so far that it says anything about the ACS."""
    sessions = summary["sessions"]
    if sessions["succeeded"] or _in_vain(summary):
        return ""
    return f"{sessions['started']:,} sessions began" if sessions["started"] else "no session began"


def _late_devices(summary: Summary) -> int:
    """Tasks whose device was offline to the ACS, where the generator may have answered too late."""
    return summary["tasks"]["offline"] if _limits(summary) else 0


def _tasks_failed(summary: Summary) -> str:
    tasks, late = summary["tasks"], _late_devices(summary)
    number, offline = tasks["failed"] - late, tasks["offline"] - late
    of = f"{number:,} of {tasks['posted']:,} tasks failed"
    return f"{of}: {failed_parts({**tasks, 'offline': offline})}" if number else ""


def _tasks_in_vain(summary: Summary) -> int:
    tasks = summary["tasks"]
    unjudged = tasks["device_down"] + tasks["unreachable"] + tasks["cut"] + _late_devices(summary)
    return 0 if tasks["done"] else tasks["posted"] - unjudged


def _interrupted(summary: Summary) -> str:
    stated = summary.get("settings", {}).get("--run-time")
    of = f" of {stated:g} s" if isinstance(stated, int | float) else ""
    return f"{summary['seconds']:.0f} s{of}" if summary.get("interrupted") else ""


def _not_started(summary: Summary) -> str:
    number = summary.get("users_not_started", 0)
    return f"{number:,} users were still to be started" if number else ""


def _refused(summary: Summary) -> str:
    return "; ".join(summary.get("workers_refused", ()))


def _router_ended(summary: Summary) -> str:
    times = summary.get("router_ended", 0)
    return f"{times} {'times' if times > 1 else 'time'}" if times else ""


def _limits(summary: Summary) -> str:
    return in_words(generator_limits(GeneratorFigures.of_run(summary)))


def _all_left(summary: Summary) -> int:
    fleet = summary["fleet"]
    return 0 if fleet["cpes"] else fleet["workers_left"]


_FAILURES = ("sessions.failed", "sessions.failed_ratio")
_UNFINISHED = ("sessions.unfinished", "sessions.unfinished_ratio")
_TASKS = ("tasks.failed", "tasks.failed_ratio")

OTHER_FAILURES = Check(
    "nothing else failed",
    RunOutcome.FAILED,
    lambda summary: "; ".join(summary.get("other_failures", ())),
    "{}",
)
"""The check on users that are not ours; Locust's ``--exit-code-on-error`` is its exit code."""

FAILED_BY_THE_ACS = Check(
    "no session failed by the ACS",
    RunOutcome.BROKEN,
    _failed_by(Blame.ACS),
    "{} (by the ACS or the way to it)",
    _FAILURES,
    replaced_by_search=True,
)
"""The check on the sessions of the ACS."""

CHECKS = (
    OTHER_FAILURES,
    Check(
        "all files of results were written",
        RunOutcome.FAILED,
        lambda summary: "; ".join(summary.get("unwritten", ())),
        "not written: {}; name a place that can be written",
    ),
    Check(
        "all sessions were exported",
        RunOutcome.FAILED,
        lambda summary: summary["export"]["unwritten"],
        "{} rows of --export were not written; name a place that has room for them",
    ),
    Check(
        "the state of all CPEs was kept",
        RunOutcome.FAILED,
        lambda summary: summary["state"]["unwritten"],
        "the last state of {} CPEs is not in the file of --state; name a place that has room",
    ),
    Check(
        "the books of Connection Requests balance",
        RunOutcome.FAILED,
        lambda summary: not summary["connection_requests"]["books_balance"],
        "the books of Connection Requests do not balance: please report the bug",
    ),
    Check(
        "the books of events balance",
        RunOutcome.FAILED,
        lambda summary: not summary["events"]["books_balance"],
        "the books of events do not balance: please report the bug",
    ),
    Check(
        "no serial number lived twice",
        RunOutcome.FAILED,
        lambda summary: summary["fleet"]["duplicate_serial_numbers"],
        "{} serial numbers were in use twice: please report the bug",
    ),
    Check(
        "no CPE was lost with its worker",
        RunOutcome.FAILED,
        lambda summary: losses(summary["fleet"]["lost"], taken_over=False),
        "{}",
    ),
    Check("all workers took part", RunOutcome.FAILED, _refused, "not in the run: {}"),
    Check(
        "the router went on",
        RunOutcome.FAILED,
        _router_ended,
        "the run's own router ended {} (the log says why): Connection Requests failed by it",
    ),
    Check("workers stayed to the end", RunOutcome.FAILED, _all_left, "all {} workers left early"),
    Check(
        "no session failed by our fault",
        RunOutcome.FAILED,
        _failed_by(Blame.OURS),
        "{} (ours: please report the bug)",
        _FAILURES,
    ),
    FAILED_BY_THE_ACS,
    Check(
        "all sessions ended",
        RunOutcome.BROKEN,
        _waiting_for_the_acs,
        "{}",
        _UNFINISHED,
        replaced_by_search=True,
    ),
    Check("sessions succeeded", RunOutcome.BROKEN, _why_in_vain, "no session succeeded, of {}"),
    Check(
        "no task failed",
        RunOutcome.BROKEN,
        _tasks_failed,
        "{}",
        _TASKS,
        replaced_by_search=True,
    ),
    Check("tasks were done", RunOutcome.BROKEN, _tasks_in_vain, "no task was done, of {}"),
    Check(
        "CPEs logged in to XMPP",
        RunOutcome.NOT_SHOWN,
        no_login,
        "no CPE was reachable by XMPP, as no login succeeded: {}",
    ),
    Check(
        "CPEs found their NAT bindings",
        RunOutcome.NOT_SHOWN,
        no_binding,
        "no CPE was reachable by UDP, as no STUN request was answered: {}",
    ),
    Check(
        "nearly all CPEs were connected to XMPP",
        RunOutcome.NOT_SHOWN,
        partial(not_connected, many=True),
        "{}",
    ),
    Check(
        "nearly all CPEs kept their NAT bindings",
        RunOutcome.NOT_SHOWN,
        partial(unanswered, many=True),
        "{}",
    ),
    Check(
        "no session waited for the generator",
        RunOutcome.NOT_SHOWN,
        _waiting_for_others,
        "{} sessions still waited for the generator at the end",
        _UNFINISHED,
        replaced_by_search=True,
    ),
    Check(
        "no device was offline by the generator",
        RunOutcome.NOT_SHOWN,
        _late_devices,
        "{} tasks found their device offline, which may have answered too late by the generator",
        _TASKS,
        replaced_by_search=True,
    ),
    Check("sessions came to an end", RunOutcome.NOT_SHOWN, _not_tried, "{}, and none ended"),
    Check(
        "the generator was not the limit",
        RunOutcome.NOT_SHOWN,
        _limits,
        "the generator was the limit, and the ACS may be better than it looks: {}",
        replaced_by_search=True,
    ),
    Check(
        "no worker was lost",
        RunOutcome.HELD,
        lambda summary: losses(summary["fleet"]["lost"], taken_over=True),
        "{}",
    ),
    Check(
        "all CPEs were connected to XMPP",
        RunOutcome.HELD,
        partial(not_connected, many=False),
        "{}",
    ),
    Check(
        "all CPEs kept their NAT bindings",
        RunOutcome.HELD,
        partial(unanswered, many=False),
        "{}",
    ),
    Check(
        "all users were started",
        RunOutcome.NOT_SHOWN,
        _not_started,
        "the run ended before its fleet was complete: {} (a longer --run-time, a higher "
        "--spawn-rate, or workers that answer)",
    ),
    Check("the run took its time", RunOutcome.NOT_SHOWN, _interrupted, "interrupted after {}"),
)
"""All checks, in the order in which a person reads them."""
