"""Runs at a moment, as a terminal shows them."""

from __future__ import annotations

import io
from collections.abc import Mapping
from typing import Any

from rich.console import Console

from caretaker.engine.cpe_states import STATES
from caretaker.stats.results import Results
from caretaker.stats.worker_snapshot import FailureExample
from caretaker.swarm.locust_runner import LOCAL
from caretaker.swarm.terminal.live_state import LiveState
from caretaker.swarm.terminal.progress import Phase, Progress
from caretaker.swarm.terminal.screen import screen
from caretaker.swarm.web.run_state import RunStates
from helpers.run_states import master, snapshot
from helpers.summaries import results

RUNNING = Progress(Phase.RUNNING, 62.0, 180.0, "the fleet is on", "end of the run", 118.0)
DARK = RUNNING._replace(
    step="power cut: 50% of the fleet without power for 20 s, back within 5 s",
    next="next step of power-cut",
    next_in=13.0,
)


def live_state(
    progress: Progress = RUNNING,
    made: Results | None = None,
    cpes: Mapping[str, int] | None = None,
    **changes: Any,
) -> LiveState:
    """A run of one worker, with these results and so many CPEs in each state."""
    fleet = master()
    fleet.begin()
    states = dict.fromkeys(STATES, 0) | dict(cpes or {"idle": 10})
    fleet.run.reports.take(LOCAL, snapshot(made or results(), states=states, **changes))
    return LiveState(progress, RunStates(fleet).now(), "http://acs.example.com:7547/")


def failures(**at: float) -> Mapping[str, FailureExample]:
    """The first failed session of each reason, by the second of the run."""
    return {
        reason.replace("_", " "): FailureExample("CPE-1", seconds, ["1 BOOT"])
        for reason, seconds in at.items()
    }


def shown(state: LiveState, columns: int = 80, rows: int = 24) -> list[str]:
    """The screen as text, row by row."""
    file = io.StringIO()
    console = Console(file=file, width=columns, height=rows, force_terminal=True, color_system=None)
    console.print(screen(state, rows), end="")
    return [line.rstrip() for line in file.getvalue().removesuffix("\n").split("\n")]
