"""
What makes a run a success: the standard checks of its summary, and its service levels.

Exit codes: 0 all is well; 3 a service level is broken, whatever else; 1 a check failed; Locust's
``--exit-code-on-error`` when nothing failed but users other than ours.
"""

from __future__ import annotations

from caretaker.engine import outages
from caretaker.errors import Blame
from caretaker.reporting.lost_workers import losses
from caretaker.reporting.metrics import exact
from caretaker.reporting.outcomes import RunOutcome
from caretaker.reporting.summary_types import LevelVerdict, SessionsSection, Summary
from caretaker.stats.task_outcomes import failed_parts

BROKEN_LEVEL = 3
"""The exit code of a run with a broken service level."""

_LEFT_TO_LEVELS = {
    "no session failed": ("sessions.failed", "sessions.failed_ratio"),
    "no task failed": ("tasks.failed", "tasks.failed_ratio"),
}
"""Checks that are not made when a service level says how many failures may be."""


def _failed(sessions: SessionsSection, failed: int) -> str:
    limits = sessions["blame"].get(Blame.GENERATOR.value, 0)
    ours = f", {limits} of them at the limits of this machine (docs/limits.md)" if limits else ""
    return f"{failed} sessions failed{ours}"


def checks(summary: Summary) -> dict[str, str | None]:
    """Each standard check by name, with the sentence that says what is wrong, None if nothing."""
    sessions, crs, tasks = summary["sessions"], summary["connection_requests"], summary["tasks"]
    fleet = summary["fleet"]
    others = summary.get("other_failures", ())
    twice = fleet["duplicate_serial_numbers"]
    failed = sessions["failed"] - sessions["reasons"].get(outages.REASON, 0)  # we did that
    rows = (
        ("nothing else failed", bool(others), "; ".join(others)),
        ("no session failed", failed > 0, _failed(sessions, failed)),
        (
            "all sessions ended",
            sessions["unfinished"] > 0,
            f"{sessions['unfinished']} sessions were still unfinished",
        ),
        ("sessions succeeded", sessions["succeeded"] == 0, "no session succeeded"),
        (
            "no task failed",
            tasks["failed"] > 0,
            f"{tasks['failed']} of {tasks['posted']} tasks failed: {failed_parts(tasks)}",
        ),
        (
            "tasks were done",
            tasks["posted"] > 0 and tasks["done"] == 0,
            "not one of the driver's tasks was done",
        ),
        (
            "the books of Connection Requests balance",
            not crs["books_balance"],
            "the books of Connection Requests do not balance",
        ),
        (
            "the books of events balance",
            not summary["events"]["books_balance"],
            "the books of events do not balance",
        ),
        (
            "no worker was lost",
            not all(lost["taken_over"] for lost in fleet["lost"]),
            losses(fleet["lost"], taken_over=False),
        ),
        (
            "workers stayed to the end",
            fleet["workers_left"] > 0 and fleet["cpes"] == 0,
            "all workers left before the end",
        ),
        ("no serial number lived twice", twice > 0, f"{twice} serial numbers were in use twice"),
    )
    left = _left_to_levels(summary)
    return {name: text if wrong else None for name, wrong, text in rows if name not in left}


def _left_to_levels(summary: Summary) -> set[str]:
    """The checks in whose place a service level has an upper bound."""
    levels = [verdict["level"] for verdict in summary.get("service_levels", ())]
    return {
        name
        for name, metrics in _LEFT_TO_LEVELS.items()
        if any(level.startswith(f"{metric} <") for metric in metrics for level in levels)
    }


def broken_levels(summary: Summary) -> list[str]:
    """Each service level that does not hold, with what was measured."""
    return [
        f"service level broken: {described(verdict)}"
        for verdict in summary.get("service_levels", ())
        if verdict["outcome"] != RunOutcome.HELD
    ]


def described(verdict: LevelVerdict) -> str:
    """A verdict's level and what was measured, in one line."""
    actual = "no data" if verdict["actual"] is None else exact(verdict["actual"])
    when = f", ended the run after {verdict['broken_at']:g} s" if "broken_at" in verdict else ""
    return f"{verdict['level']} ({actual}{when})"


def failures(summary: Summary) -> list[str]:
    """What keeps the run from being a success, each as a sentence; none if it was one."""
    return [*filter(None, checks(summary).values()), *broken_levels(summary)]


def exit_code(summary: Summary, on_other_failures: int) -> int:
    """
    The exit code of a run.

    Args:
        summary: of the run, with its verdicts.
        on_other_failures: when nothing failed but users other than ours.
    """
    if broken_levels(summary):
        return BROKEN_LEVEL
    wrong = [name for name, sentence in checks(summary).items() if sentence is not None]
    if wrong == ["nothing else failed"]:
        return on_other_failures
    return 1 if wrong else 0
