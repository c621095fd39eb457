"""The outcomes of an operator's tasks: one vocabulary for driver, scenarios and reports."""

from __future__ import annotations

import enum
from collections.abc import Mapping
from typing import NamedTuple


class TaskOutcome(enum.StrEnum):
    """What became of a task; the values are keys of the summary."""

    DONE = "done"
    QUEUED = "queued"
    """The device did not come in time; the ACS keeps the task."""
    OFFLINE = "offline"
    """The ACS could not reach the device."""
    CREDENTIALS_REFUSED = "credentials_refused"
    """The device refused the credentials of the Connection Request, or the ACS its scheme."""
    FAULTED = "faulted"
    """The device answered the task's RPC with a fault."""
    UNEXPECTED_STATUS = "unexpected_status"
    """The device answered the Connection Request with another HTTP status, as 503 or 404."""
    API_ERROR = "api_error"
    """The north-bound API did not take the task: no connection, no answer, an error status."""
    DEVICE_DOWN = "device_down"
    """It rebooted or had no power meanwhile, as was wanted, or its worker stopped: no failure."""
    UNREACHABLE = "unreachable"
    """It is a device that no ACS reaches, as was wanted (``--reach``): no failure."""
    CUT = "cut"
    """The run ended before the task did."""
    NOT_POSTED = "not_posted"
    """A limit of the generator; such a task is not among those posted."""


WORDS: dict[TaskOutcome, str] = {
    TaskOutcome.DONE: "done",
    TaskOutcome.QUEUED: "queued",
    TaskOutcome.OFFLINE: "device offline",
    TaskOutcome.CREDENTIALS_REFUSED: "credentials refused",
    TaskOutcome.FAULTED: "faulted",
    TaskOutcome.UNEXPECTED_STATUS: "unexpected status",
    TaskOutcome.API_ERROR: "error of the north-bound API",
    TaskOutcome.DEVICE_DOWN: "device down",
    TaskOutcome.UNREACHABLE: "device unreachable",
    TaskOutcome.CUT: "cut by the end of the run",
    TaskOutcome.NOT_POSTED: "not posted",
}
"""Each outcome in words for people."""

POSTED = tuple(outcome for outcome in TaskOutcome if outcome is not TaskOutcome.NOT_POSTED)
"""The outcomes that posted tasks add up to."""
FAILED = (
    TaskOutcome.OFFLINE,
    TaskOutcome.CREDENTIALS_REFUSED,
    TaskOutcome.FAULTED,
    TaskOutcome.UNEXPECTED_STATUS,
    TaskOutcome.API_ERROR,
)
"""The outcomes that are failures: ``tasks.failed`` is their sum."""
UNJUDGED = (TaskOutcome.DEVICE_DOWN, TaskOutcome.UNREACHABLE, TaskOutcome.CUT)
"""The outcomes that say nothing of the ACS; ratios are of the others."""
OF_A_DOWN_DEVICE = (TaskOutcome.OFFLINE, TaskOutcome.FAULTED, TaskOutcome.UNEXPECTED_STATUS)
"""What operators see of a device that is down."""
OF_AN_UNREACHABLE_DEVICE = (TaskOutcome.OFFLINE, TaskOutcome.UNEXPECTED_STATUS)
"""What operators see of a device that no ACS reaches; one that answers a fault is there."""


class TaskResult(NamedTuple):
    """
    How a task ended.

    Args:
        outcome: what became of it.
        reason: why it failed; None if it did not. It is short, and the same for many tasks.
        quoted: what the API or the device said to it, if there is something to quote.
    """

    outcome: TaskOutcome
    reason: str | None = None
    quoted: str = ""


def failed_parts(tasks: Mapping[str, object]) -> str:
    """The failures in a summary's section of tasks: ``10 device offline, 2 faulted``."""
    return ", ".join(
        f"{tasks[outcome.value]} {WORDS[outcome]}" for outcome in FAILED if tasks[outcome.value]
    )
