"""A run for scenarios, in no time: a fleet whose ACS serves so many sessions per second."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import suppress
from math import inf
from typing import Any

from caretaker.scenarios import Criterion, FleetPlan, ScenarioReport, parse
from caretaker.scenarios.actions import find
from caretaker.scenarios.arguments import checked
from caretaker.stats.results import Results
from caretaker.stats.timeline import Timeline
from caretaker.stats.worker_snapshot import WorkerSnapshot
from helpers.snapshots import usage, worker_snapshot


class Over(Exception):
    """The run has ended."""


class FakeRun:
    """
    A run that is over after so many seconds.

    Args:
        seconds: it lasts.
        capacity: sessions per second that the ACS serves; it sheds the rest.
        each_second: is called with this run after every second.
        cpu, lag, planned: of the generator beyond 100 Informs per second: percent, seconds, and
            which part of the Informs it manages.
    """

    def __init__(
        self,
        seconds: float = 200.0,
        capacity: float = inf,
        *,
        each_second: Callable[[FakeRun], None] | None = None,
        cpu: float = 10.0,
        lag: float = 0.001,
        planned: float = 1.0,
    ) -> None:
        self.seconds = seconds
        self.capacity = capacity
        self.each_second = each_second
        self.cpu = cpu
        self.lag = lag
        self.planned = planned
        self.at = 0
        self.rate = 0.0
        self.line = Timeline()
        self.counts = Results()
        self.acts: list[tuple[float, str, dict[str, Any]]] = []
        self.marks: list[str] = []
        self.grown: tuple[int, float] | None = None
        self.is_finished = False
        self._due = self._good = 0.0

    def now(self) -> float:
        return float(self.at)

    def wait(self, seconds: float) -> None:
        for _ in range(max(1, round(seconds))):
            if self.at >= self.seconds:
                raise Over
            self._second()

    def _second(self) -> None:
        point = self.line._find(self.at)
        strained = self.rate > 100
        rate = self.rate * self.planned if strained else self.rate
        self._due, self._good = self._due % 1 + rate, self._good % 1 + min(rate, self.capacity)
        point.informs_planned = point.informs = int(self._due)
        sheds = rate > self.capacity  # by rounding alone it would also shed what it holds
        point.sessions_succeeded = min(point.informs, int(self._good)) if sheds else point.informs
        point.sessions_shed = point.informs - point.sessions_succeeded
        for _ in range(min(3, point.sessions_succeeded)):
            point.from_plan.add(0.01)
        self.line.sample(self.at, 100, 0)
        self.counts.time("generator.loop_lag", self.lag if strained else 0.001)
        self.at += 1
        if self.each_second is not None:
            self.each_second(self)

    def act(self, name: str, **arguments: Any) -> None:
        values = checked(name, find(name).arguments, arguments)
        self.acts.append((self.now(), name, values))
        if name == "inform_rate":
            self.rate = values["rate"]

    def mark(self, text: str) -> None:
        self.marks.append(text)

    def settle(self) -> None:
        self.wait(2)

    def catch_up(self) -> None:
        self.wait(3)

    def timeline(self) -> Timeline:
        return Timeline.total([self.line])

    def results(self) -> Results:
        copy = Results()
        copy.merge(self.counts)
        return copy

    def workers(self) -> Sequence[WorkerSnapshot]:
        cpu = self.cpu if self.rate > 100 else 10.0
        return [worker_snapshot(cpes=100, usage=usage(cpu_now=cpu, rss_mb=50.0 + self.at / 100))]

    def plan(self) -> FleetPlan:
        return FleetPlan(cpes=100, up_after=2.0, download_seconds=60.0)

    def grow(self, cpes: int, rate: float) -> None:
        self.grown = (cpes, rate)

    def finish(self) -> None:
        self.is_finished = True


def criterion_of(text: str, run: FakeRun) -> Criterion:
    """What the scenario of a text was judged by, after a run."""
    criterion = played(text, run).criterion
    assert criterion is not None
    return criterion


def played(text: str, run: FakeRun) -> ScenarioReport:
    """The report of the scenario of a text, after a run."""
    (step,) = parse(text)
    with suppress(Over):
        step.scenario.play(run)
        if not run.is_finished:
            run.wait(run.seconds)
    return step.scenario.report(run)
