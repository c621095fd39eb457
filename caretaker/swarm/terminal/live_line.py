"""A run that goes on as lines, where there is no terminal for a screen."""

from __future__ import annotations

from collections.abc import Iterator

from caretaker.reporting.number_text import NO_DATA
from caretaker.swarm.terminal.live_state import LiveState, newest_failures
from caretaker.swarm.terminal.progress import Progress

WIDTH = 100
"""Characters of the longest line."""


def live_line(state: LiveState) -> str:
    """
    A run as one line.

    Rates and percentiles are of the last seconds (``WINDOW_SECONDS``), failures of the whole run.
    What does not fit is left out from the right.
    """
    line, *parts = _parts(state)
    for part in parts:
        if len(line) + len(part) + 3 > WIDTH:
            break
        line = f"{line} | {part}"
    return line


def news(before: LiveState, now: LiveState) -> Iterator[str]:
    """Lines on what is new: another step of the run, reasons of failures that were not there."""
    begin = _time(now.progress)
    if now.progress.step != before.progress.step:
        yield f"{begin} | {now.progress.step}"[:WIDTH]
    known = {failure["reason"] for failure in before.run.summary["sessions"]["failures"]}
    for failure in newest_failures(now):
        if failure["reason"] not in known or before.run.run != now.run.run:
            yield f"{begin} | failure: {failure['number']} x {failure['reason']}"[:WIDTH]


def _parts(state: LiveState) -> Iterator[str]:
    run, window = state.run, state.run.window
    rates, no_power = window["rates"], run.cpes["no_power"]
    yield _time(state.progress)
    yield f"CPEs {sum(run.cpes.values())}" + (f" ({no_power} off)" if no_power else "")
    sessions = run.summary["sessions"]
    shed = f" shed {sessions['shed']}" if sessions["shed"] else ""
    yield f"failed {sessions['failed']}{shed}"
    if run.limits:
        yield "GENERATOR LIMIT"
    informs = f"{_rate(rates['informs'])}/{_rate(rates['informs_planned'])}"
    yield f"Inform/s {informs} p99 {_ms(window['from_plan_ms']['p99'])}"
    crs = _rate(rates["connection_requests"])
    yield f"CR/s {crs} p99 {_ms(window['to_inform_ms']['p99'])}"
    yield f"lag {_ms(window['loop_lag_ms']['p99'])}"


def _time(progress: Progress) -> str:
    total = "" if progress.total is None else f"/{progress.total:.0f}"
    return f"{progress.seconds:.0f}{total}s"


def _rate(rate: float | None) -> str:
    return NO_DATA if rate is None else f"{rate:.1f}" if rate < 1000 else f"{rate:.0f}"


def _ms(value: float | None) -> str:
    if value is None:
        return NO_DATA
    return f"{value:.1f}ms" if value < 10 else f"{value:.0f}ms" if value < 1000 else (
        f"{value / 1000:.1f}s"
    )  # fmt: skip
