"""
Plays the scenarios of a run, on the master (``caretaker.scenarios``).

They play one after the other, those with a time of their own beside the others. When the run is
over each reports, from what all workers have told.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable, Sequence
from typing import TYPE_CHECKING, Any

import gevent
from locust.runners import STATE_RUNNING

from caretaker.device.events import BOOT
from caretaker.reporting.summary_types import ScenarioSection
from caretaker.scenarios import Scenario, ScenarioReport, Step
from caretaker.stats.recovery import open_sessions
from caretaker.stats.results import Results
from caretaker.stats.timeline import Mark, Point, Timeline
from caretaker.stats.worker_snapshot import WorkerSnapshot

if TYPE_CHECKING:
    from caretaker.swarm.master import Master

_log = logging.getLogger(__name__)

SETTLE_SECONDS = 120.0
"""How long the fleet has to become calm; then the scenario goes on as it is."""
CATCH_UP_SECONDS = 15.0
"""How long is waited for a worker that does not report."""
_LOOK_SECONDS = 0.5


class ScenarioPlayer:
    """
    The run as scenarios see it (``caretaker.scenarios.ScenarioRun``), and their players.

    Args:
        master: whose run it is.
        steps: the scenarios in their order.
        text: as the user has given them.
    """

    def __init__(self, master: Master, steps: Sequence[Step], text: str) -> None:
        self._master = master
        self._steps = steps
        self._text = text
        self._stopped: list[str] = []
        self._ended: float | None = None
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
        try:
            scenario.play(self)
        except Exception:  # noqa: BLE001  # a scenario may be a user's own; the run goes on, and says so
            _log.exception("scenario %s", scenario.name)
            self._stopped.append(f"The scenario {scenario.name} was stopped by an error.")

    def stop(self) -> None:
        """The run ends: do nothing more to the fleet."""
        self._ended = self.now()
        gevent.killall([self._player, *self._others], block=False)

    # What scenarios see and do.

    def now(self) -> float:
        """The present time; that of the end when the run is over."""
        return self._master.seconds() if self._ended is None else self._ended

    def wait(self, seconds: float) -> None:
        """Let the run go on for so long."""
        gevent.sleep(seconds)

    def act(self, name: str, **arguments: Any) -> None:
        """Do something to the whole fleet."""
        self._master.act(name, **arguments)

    def mark(self, text: str) -> None:
        """Note on the timeline what happens now."""
        self._master.mark(text)

    def settle(self) -> None:
        """Wait until all CPEs have told of their boot and none waits for a session or a retry."""
        self._until(self._is_calm, SETTLE_SECONDS)

    def _is_calm(self) -> bool:
        runner: Any = self._master.environment.runner
        on, leased = sum(worker.cpes for worker in self.workers()), self._master.ledger.live
        if runner.state != STATE_RUNNING or not 0 < leased <= on:
            return False
        line = self.timeline()
        last = sorted(line.points)[-3:-1]  # of the very last step not all is told
        opened = open_sessions(line)
        rests = len(last) == 2 and all(_rests(line.points[n], opened[n]) for n in last)
        return rests and not _untold(self.results(), BOOT)

    def catch_up(self) -> None:
        """Wait until all workers have told of everything up to now."""
        asked = time.monotonic()
        self._until(lambda: self._master.heard_since(asked), CATCH_UP_SECONDS)

    def _until(self, condition: Callable[[], bool], seconds: float) -> None:
        deadline = time.monotonic() + seconds
        while not condition() and time.monotonic() < deadline:
            gevent.sleep(_LOOK_SECONDS)

    def timeline(self) -> Timeline:
        """What was told so far, second by second."""
        return self._master.timeline()

    def results(self) -> Results:
        """Counters and histograms of the whole run, as told so far."""
        return self._master.results()

    def workers(self) -> Sequence[WorkerSnapshot]:
        """The newest report of each worker that is there."""
        return self._master.workers()

    def grow(self, cpes: int, rate: float) -> None:
        """Add new CPEs, so many per second."""
        runner: Any = self._master.environment.runner
        each = self._master.settings.cpes_per_user
        users = runner.target_user_count + max(1, round(cpes / each))
        self.mark(f"{cpes} new CPEs at {rate:g} per second")
        runner.start(users, max(rate / each, 0.01))

    def finish(self) -> None:
        """End the run; with the web UI the test is stopped, and another can be started."""
        self._master.finish()

    # What they found.

    def report(self) -> ScenarioSection:
        """What ``summary["scenario"]`` holds; names of KPIs are told apart where several played."""
        findings, marks = list(self._stopped), list[Mark]()
        kpis: dict[str, float | None] = {}
        curves: dict[str, Sequence[Sequence[float]]] = {}
        seen: Counter[str] = Counter()
        for step in self._steps:
            found = self._found(step.scenario)
            name = step.scenario.name
            seen[name] += 1
            suffix = "" if seen[name] == 1 else f"_{seen[name]}"
            prefix = f"{name.replace('-', '_')}{suffix}_" if len(self._steps) > 1 else ""
            kpis |= {f"{prefix}{key}": value for key, value in found.kpis.items()}
            curves |= {f"{prefix}{key}": curve for key, curve in found.curves.items()}
            findings += found.findings
            marks += [{"at": round(at, 1), "text": text} for at, text in found.marks]
        return {
            "name": self._text,
            "kpis": kpis,
            "findings": findings,
            "curves": curves,
            "marks": marks,
        }

    def _found(self, scenario: Scenario) -> ScenarioReport:
        try:
            return scenario.report(self)
        except Exception:  # noqa: BLE001  # as above; the summary must be made
            _log.exception("report of scenario %s", scenario.name)
            return ScenarioReport(
                findings=[f"The report of {scenario.name} was stopped by an error."]
            )


def _untold(results: Results, code: str) -> int:
    """How many events of a code the ACS has not heard of."""
    ends = results.counters[f"events.delivered.{code}"] + sum(
        number
        for name, number in results.with_prefix("events.discarded").items()
        if name.partition(".")[2] == code
    )
    return results.counters[f"events.raised.{code}"] - ends


def _rests(point: Point, opened: int) -> bool:
    return point.retrying <= 0 and point.absent <= 0 and opened <= max(2, point.informs)
