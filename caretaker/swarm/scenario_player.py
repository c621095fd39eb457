"""
Plays the scenarios of a run, on the master (``caretaker.scenarios``).

They play one after the other, those with a time of their own beside the others. When the run is
over each of them reports, from what all workers have reported.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import replace
from typing import Any, NamedTuple, Protocol

import gevent

from caretaker.device.events import BOOT
from caretaker.errors import InputError
from caretaker.reporting.outcomes import RunOutcome
from caretaker.reporting.summary_types import CriterionSection, ScenarioSection
from caretaker.scenarios import Criterion, FleetPlan, Scenario, ScenarioReport, Step
from caretaker.scenarios.scenario import RunControl
from caretaker.stats.recovery import open_sessions
from caretaker.stats.results import Results
from caretaker.stats.timeline import Timeline
from caretaker.stats.timeline_point import Point
from caretaker.stats.worker_snapshot import WorkerSnapshot

_log = logging.getLogger(__name__)

SETTLE_SECONDS = 120.0
"""How long the fleet has to settle; then the scenario goes on as it is."""
CATCH_UP_SECONDS = 15.0
"""How long the player waits for a worker that does not report."""
_POLL_SECONDS = 0.5


class LiveRun(RunControl, Protocol):
    """What the player needs of the master's run."""

    def seconds(self) -> float:
        """Seconds since the start of the run."""

    def act(self, name: str, /, **arguments: Any) -> None:
        """Do something to the whole fleet."""

    def is_fleet_up(self) -> bool:
        """Whether no users are being spawned, and all CPEs that are leased have power."""

    def heard_since(self, at: float) -> bool:
        """Whether every worker that is there has reported since (``time.monotonic``)."""


class ScenarioStep(NamedTuple):
    """
    What the scenarios of a run do now.

    Args:
        name: of the one that began last, among those that play; empty for none.
        is_settling: whether it waits for the fleet to settle.
        until: the second of the run until which it does nothing; None if it did not say.
    """

    name: str = ""
    is_settling: bool = False
    until: float | None = None


class _Played(NamedTuple):
    """A scenario of the run, with its report; ``prefix`` begins the names of its figures."""

    scenario: Scenario
    label: str
    prefix: str
    report: ScenarioReport

    def criteria(self) -> Iterator[CriterionSection]:
        if self.report.criterion is not None:
            outcome, finding = self.report.criterion
            section: CriterionSection = {
                "scenario": self.label,
                "outcome": outcome,
                "finding": finding,
            }
            if self.scenario.is_search:
                section["is_search"] = True
            yield section

    def findings(self) -> Iterator[str]:
        if self.report.criterion is not None:
            yield f"{self.report.criterion.finding}."
        yield from self.report.findings


class ScenarioPlayer:
    """
    The run as scenarios see it (``caretaker.scenarios.ScenarioRun``), and their players.

    Args:
        live: the run that goes on.
        steps: the scenarios in their order.
        text: as the user has given them.
    """

    def __init__(self, live: LiveRun, steps: Sequence[Step], text: str) -> None:
        self._live = live
        self._steps = steps
        self._text = text
        self._stopped: set[Scenario] = set()
        self._ended: float | None = None
        self._playing: list[str] = []
        self.step = ScenarioStep()
        self._player = gevent.spawn(self._play_all)
        self._others = [
            gevent.spawn_later(step.at, self._play, step.scenario)
            for step in steps
            if step.at is not None
        ]

    def _play_all(self) -> None:
        for step in self._steps:
            if step.at is None:
                self._play(step.scenario)

    def _play(self, scenario: Scenario) -> None:
        self._playing.append(scenario.name)
        self._step()
        try:
            scenario.play(self)
        except InputError as error:
            _log.error("scenario %s: %s", scenario.name, error)  # no traceback for it
            self._stopped.add(scenario)
        except Exception:  # noqa: BLE001  # a scenario may be a user's own; the run goes on, and says so
            _log.exception("scenario %s", scenario.name)
            self._stopped.add(scenario)
        self._playing.remove(scenario.name)
        self._step()

    def _step(self, *, is_settling: bool = False, until: float | None = None) -> None:
        name = self._playing[-1] if self._playing else ""
        self.step = ScenarioStep(name, is_settling, until)

    def stop(self) -> None:
        """The run ends: do nothing more to the fleet."""
        self._ended = self.now()
        gevent.killall([self._player, *self._others], block=False)

    # What scenarios see and do.

    def now(self) -> float:
        """The present time; that of the end when the run is over."""
        return self._live.seconds() if self._ended is None else self._ended

    def wait(self, seconds: float) -> None:
        """Let the run go on for so long."""
        self._step(until=self.now() + seconds)
        gevent.sleep(seconds)

    def act(self, name: str, **arguments: Any) -> None:
        """Do something to the whole fleet."""
        self._live.act(name, **arguments)

    def mark(self, text: str) -> None:
        """Note on the timeline what happens now."""
        self._live.mark(text)

    def settle(self) -> None:
        """Wait until all CPEs have delivered 1 BOOT and none waits for a session or a retry."""
        self._step(is_settling=True)
        self._until(self._is_settled, SETTLE_SECONDS)
        self._step()

    def _is_settled(self) -> bool:
        if not self._live.is_fleet_up():
            return False
        line = self.timeline()
        last = sorted(line.points)[-3:-1]  # workers have yet to report some of the very last step
        opened = open_sessions(line)
        rests = len(last) == 2 and all(_rests(line.points[n], opened[n]) for n in last)
        return rests and not _undelivered(self.results(), BOOT)

    def catch_up(self) -> None:
        """Wait until all workers have reported everything up to now."""
        asked = time.monotonic()
        self._until(lambda: self._live.heard_since(asked), CATCH_UP_SECONDS)

    def _until(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            gevent.sleep(_POLL_SECONDS)

    def timeline(self) -> Timeline:
        """The reports of all workers so far, second by second."""
        return self._live.timeline()

    def results(self) -> Results:
        """Counters and histograms of the whole run, as reported so far."""
        return self._live.results()

    def workers(self) -> Sequence[WorkerSnapshot]:
        """The newest report of each worker that is there."""
        return self._live.workers()

    def plan(self) -> FleetPlan:
        """What was known of the fleet before the run."""
        return self._live.plan()

    def grow(self, cpes: int, rate: float) -> None:
        """
        Add new CPEs, so many per second.

        Raises:
            InputError: the list of the fleet's devices has not so many.
        """
        self._live.grow(cpes, rate)

    def finish(self) -> None:
        """End the run; with the web UI the test is stopped, and another can be started."""
        self._live.finish()

    # The reports of the scenarios.

    def report(self) -> ScenarioSection:
        """``summary["scenario"]``; where several played, the names of KPIs begin with theirs."""
        played = list(self._played())
        return {
            "name": self._text,
            "kpis": {
                f"{own.prefix}{key}": kpi for own in played for key, kpi in own.report.kpis.items()
            },
            "criteria": [criterion for own in played for criterion in own.criteria()],
            "findings": [finding for own in played for finding in own.findings()],
            "curves": {
                f"{own.prefix}{key}": curve
                for own in played
                for key, curve in own.report.curves.items()
            },
            "marks": [
                {"at": round(at, 1), "text": text}
                for own in played
                for at, text in own.report.marks
            ],
        }

    def _played(self) -> Iterator[_Played]:
        """Each scenario; one that plays again has its number behind its name."""
        seen: Counter[str] = Counter()
        for step in self._steps:
            name = step.scenario.name
            seen[name] += 1
            label = name if seen[name] == 1 else f"{name} {seen[name]}"
            figures = label.replace("-", "_").replace(" ", "_")
            prefix = f"{figures}_" if len(self._steps) > 1 else ""
            yield _Played(step.scenario, label, prefix, self._report_of(step.scenario))

    def _report_of(self, scenario: Scenario) -> ScenarioReport:
        try:
            report = scenario.report(self)
        except Exception:  # noqa: BLE001  # as above; the summary must be made
            _log.exception("report of scenario %s", scenario.name)
            failed = f"The report of {scenario.name} was stopped by an error"
            return ScenarioReport(criterion=Criterion(RunOutcome.FAILED, failed))
        if scenario in self._stopped:
            failed = f"The scenario {scenario.name} was stopped by an error"
            return replace(report, criterion=Criterion(RunOutcome.FAILED, failed))
        return report


def _undelivered(results: Results, code: str) -> int:
    """How many events of a code were raised, and neither delivered nor discarded."""
    ends = results.counters[f"events.delivered.{code}"] + sum(
        number
        for name, number in results.with_prefix("events.discarded").items()
        if name.partition(".")[2] == code
    )
    return results.counters[f"events.raised.{code}"] - ends


def _rests(point: Point, opened: int) -> bool:
    return point.retrying <= 0 and point.absent <= 0 and opened <= max(2, point.informs)
