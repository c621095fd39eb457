"""
How a run stands: the newest snapshots of its workers as one.

The Fleet page and the metrics for Prometheus both show this. It is made once for each report that
has come, however many ask.
"""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypedDict

from caretaker.engine.cpe_states import STATES
from caretaker.reporting.generator_limits import GeneratorFigures, generator_limits
from caretaker.reporting.summary import summarize
from caretaker.reporting.summary_types import Percentiles, Summary
from caretaker.stats.results import Results
from caretaker.stats.timeline import Timeline, TimelineColumns
from caretaker.stats.window import Window
from caretaker.stats.worker_snapshot import WorkerSnapshot

if TYPE_CHECKING:
    from caretaker.swarm.master import Master
    from caretaker.swarm.worker_reports import WorkerReports

UNSETTLED = 40
"""The newest points of the timeline, which late reports may still change."""

Version = tuple[int, bool, int]
"""Number of a run, whether it goes on, and the reports that have come."""


class WorkerState(TypedDict):
    """A worker as the Fleet page shows it."""

    name: str
    """Locust's name of it."""
    heard_at: float
    """When its last report came, in seconds since 1970."""
    worker: int
    """Locust's index of it."""
    cpes: int
    states: Mapping[str, int]
    """How many CPEs are in each of ``cpe_states.STATES``."""
    cpu_now: float | None
    cpu_mean: float
    rss_mb: float


@dataclass(frozen=True)
class RunState:
    """
    How a run stands.

    Args:
        run: its number, 0 if there was none.
        running: whether it goes on.
        seconds: since its start, or how long it took.
        results: counters and histograms of the whole run so far.
        summary: what ``summarize`` makes of them (``docs/summary.md``), with ``service_levels``.
        cpes: how many CPEs are in each of ``cpe_states.STATES``.
        workers: each that is there, in the order of their indices.
        window: what was counted of late, in the last seconds; in the whole run when it is over.
        limits: why the generator itself may be the limit, each a sentence; none if it is not.
    """

    run: int
    running: bool
    seconds: float
    results: Results
    summary: Summary
    cpes: Mapping[str, int]
    workers: Sequence[WorkerState]
    window: WindowFigures
    limits: Sequence[str]


class WindowFigures(TypedDict):
    """What was counted of late: for the Fleet page, with the names that the summary has."""

    seconds: float
    rates: Mapping[str, float | None]
    """Per second: Informs planned and written, sessions, Connection Requests."""
    failed: int
    shed: int
    """Sessions."""
    from_plan_ms: Percentiles
    to_inform_ms: Percentiles
    to_informresponse_ms: Percentiles
    to_session_end_ms: Percentiles
    latency_ms: Percentiles
    """Of tasks."""
    loop_lag_ms: Percentiles


_RATES = {
    "informs_planned": "informs.planned",
    "informs": "informs.total",
    "sessions": "sessions.succeeded",
    "connection_requests": "connection_requests.accepted",
}
"""The rates by name, with their counters."""


def _window(reports: WorkerReports, *, running: bool) -> Window:
    """What was counted of late; nothing until all workers of a new run have reported."""
    before = reports.before_window if running else {}
    is_partial = running and not before and not reports.have_all_begun
    return Window(before, {} if is_partial else reports.newest)


def _figures(window: Window) -> WindowFigures:
    results = window.results

    def times(name: str) -> Percentiles:
        return results.histogram(name).summary(50, 95, 99)

    return {
        "seconds": round(window.seconds, 1),
        "rates": {name: _rounded(window.rate(counter)) for name, counter in _RATES.items()},
        "failed": results.counters["sessions.failed"],
        "shed": results.counters["sessions.shed"],
        "from_plan_ms": times("informs.from_plan"),
        "to_inform_ms": times("connection_requests.to_inform"),
        "to_informresponse_ms": times("connection_requests.to_informresponse"),
        "to_session_end_ms": times("connection_requests.to_session_end"),
        "latency_ms": times("tasks.latency"),
        "loop_lag_ms": times("generator.loop_lag"),
    }


def _rounded(rate: float | None) -> float | None:
    return None if rate is None else round(rate, 1)


class RunStates:
    """
    Makes the state of a master's run.

    Args:
        master: whose run it is.
    """

    def __init__(self, master: Master) -> None:
        self._master = master
        self._made: tuple[Version, RunState] | None = None
        self._curves: tuple[Version, TimelineColumns] | None = None

    def _version(self) -> Version:
        return self._master.run.number, self._master.summary is None, self._master.run.reports.count

    def now(self) -> RunState:
        """The present state."""
        version = self._version()
        if self._made is None or self._made[0] != version:
            self._made = (version, self._make())
        return self._made[1]

    def _make(self) -> RunState:
        master = self._master
        results = master.run.reports.results()
        workers = [
            _worker(master, name, snapshot) for name, snapshot in master.run.reports.present.items()
        ]
        summary = master.summary or self._summary()
        running = master.run.seconds() > 0
        window = _window(master.run.reports, running=running)
        figures = GeneratorFigures.since(Results(), window.results, master.run.workers())
        return RunState(
            run=master.run.number,
            running=running,
            seconds=summary["seconds"],
            results=results,
            summary=summary,
            cpes={
                state: sum(worker["states"].get(state, 0) for worker in workers) for state in STATES
            },
            workers=sorted(workers, key=lambda worker: worker["worker"]),
            window=_figures(window),
            limits=[
                f"The generator is the limit, not the ACS: {limit}."
                for limit in generator_limits(figures)
                if running
            ],
        )

    def _summary(self) -> Summary:
        master = self._master
        summary = summarize(
            list(master.run.reports.newest.values()),
            master.run.reports.seconds,
            warm_up=master.settings.warm_up.seconds,
        )
        return {**summary, "service_levels": master.run.verdicts(summary)}

    def timeline(self) -> TimelineColumns:
        """
        The columns of the timeline so far.

        Only points that can have changed since are made anew: making all of them for every look
        would stop the loop.
        """
        version = self._version()
        if self._curves is None or self._curves[0] != version:
            is_same_run = self._curves is not None and self._curves[0][0] == version[0]
            old = self._curves[1] if self._curves and is_same_run else Timeline().summary()
            self._curves = (version, self._continued(old))
        return self._curves[1]

    def curves(self, first: int = 0) -> dict[str, object]:
        """The columns of the timeline from a point on; ``first`` is the number of that point."""
        columns = self.timeline()
        first = max(0, min(first, len(columns["at"])))
        return {"first": first, **_from(columns, first)}

    def _continued(self, old: TimelineColumns) -> TimelineColumns:
        marks = self._master.run.marks
        settled = max(0, len(old["at"]) - UNSETTLED)
        line = self._master.run.reports.timeline(settled)
        if line.step != old["step"]:
            return self._master.run.reports.timeline().summary(marks)
        joined: TimelineColumns = _joined(old, line.summary(marks, settled), settled)
        return joined


def _from(value: Any, first: int) -> Any:
    """Columns without their first entries; marks are no column."""
    return {
        name: _from(column, first) if isinstance(column, Mapping)
        else column[first:] if isinstance(column, list) and name != "marks"
        else column
        for name, column in value.items()
    }  # fmt: skip


def _joined(old: Any, new: Any, settled: int) -> Any:
    """Columns that begin as the old ones and go on as the new ones."""
    return {
        name: _joined(old[name], column, settled) if isinstance(column, Mapping)
        else old[name][:settled] + column if isinstance(column, list) and name != "marks"
        else column
        for name, column in new.items()
    }  # fmt: skip


def _worker(master: Master, name: str, snapshot: WorkerSnapshot) -> WorkerState:
    return {
        "name": name,
        "heard_at": round(time.time() - master.run.reports.silence(name), 3),
        "worker": snapshot.worker,
        "cpes": snapshot.cpes,
        "states": snapshot.states,
        "cpu_now": snapshot.usage.cpu_now,
        "cpu_mean": snapshot.usage.cpu_mean,
        "rss_mb": snapshot.usage.rss_mb,
    }
