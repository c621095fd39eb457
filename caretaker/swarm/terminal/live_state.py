"""All that a terminal shows of a run that goes on: screen and lines are functions of it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from caretaker.reporting.summary_types import SessionFailure
from caretaker.stats.timeline import TimelineColumns
from caretaker.swarm.terminal.progress import Progress
from caretaker.swarm.web.run_state import RunState

FAILURES = 3
"""How many reasons are shown."""


@dataclass(frozen=True)
class LiveState:
    """
    A run at a moment.

    Args:
        progress: how far it has come.
        run: its figures, the same that the Fleet page shows.
        host: URL of the ACS.
        log: the newest lines of all processes, in their order.
        timeline: of the run so far; None where nothing shows it.
    """

    progress: Progress
    run: RunState
    host: str = ""
    log: Sequence[str] = ()
    timeline: TimelineColumns | None = None


def newest_failures(state: LiveState) -> list[SessionFailure]:
    """The reasons for which sessions failed first of late, the newest first."""
    failures = state.run.summary["sessions"]["failures"]
    by_time = sorted(failures, key=lambda each: each["example"]["at"] if each["example"] else 0.0)
    return by_time[: -FAILURES - 1 : -1]
