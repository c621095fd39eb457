"""One run of a master: its reports and marks, what is done to its fleet, and how it ends itself."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import gevent
from locust.runners import STATE_RUNNING

from caretaker.closed_output import say
from caretaker.errors import InputError
from caretaker.reporting.level_watch import LevelWatch
from caretaker.reporting.summary_types import LevelVerdict, Summary
from caretaker.scenarios import FleetPlan
from caretaker.scenarios.actions import find
from caretaker.scenarios.arguments import checked
from caretaker.stats.results import Results
from caretaker.stats.timeline import Mark, Timeline
from caretaker.stats.worker_snapshot import WorkerSnapshot
from caretaker.swarm.index_ledger import IndexLedger
from caretaker.swarm.locust_runner import LocustRunner
from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import LocustOptions, RunStart
from caretaker.swarm.run_length import fleet_plan
from caretaker.swarm.scenario_player import ScenarioPlayer, ScenarioStep
from caretaker.swarm.worker_messages import FleetAction, Message
from caretaker.swarm.worker_reports import WorkerReports

if TYPE_CHECKING:
    from locust.env import Environment

LEVELS_AFTER = 10.0
"""Seconds of the measured part before the first look: a few reports have come by then."""
LEVELS_INTERVAL = 1.0
"""Seconds between two looks at the service levels of a run."""


class MasterRun:
    """
    A run as its master, the pages and the scenarios see it; before the first one, none.

    Args:
        environment: Locust's.
        settings: of the run.
        start: of the run; that of number 0 before the first one.
        ledger: of the indices that workers have leased.
        send: a message to all workers.
    """

    def __init__(
        self,
        environment: Environment,
        settings: Settings,
        start: RunStart,
        ledger: IndexLedger,
        send: Callable[[Message], None],
    ) -> None:
        self.settings = settings
        self.start = start
        self.reports = WorkerReports(start.number)
        self.marks: list[Mark] = []
        """What was done to the fleet."""
        self.refused: list[str] = []
        """Workers that could not take part, and why."""
        self.ends_itself = False
        self.player: ScenarioPlayer | None = None
        self._environment = environment
        self._locust = LocustRunner(environment)
        self._ledger = ledger
        self._send = send
        self._levels = LevelWatch(settings.service_levels())
        self._began = 0.0
        self._acts = 0
        self._most_leased = 0
        self._watchers: list[gevent.Greenlet[..., None]] = []

    @property
    def number(self) -> int:
        """From 1; 0 before the first run."""
        return self.start.number

    @property
    def goes_on(self) -> bool:
        """Whether it has begun and was not stopped."""
        return self._began > 0.0

    def begin(self, so_far: Callable[[], Summary]) -> None:
        """
        Begin: play the scenarios, and watch the service levels.

        Args:
            so_far: the figures of the run that service levels can name.
        """
        self._began = time.monotonic()
        text, steps = self.settings.scenario
        self.player = ScenarioPlayer(self, steps, text) if steps else None
        warm_up = self.settings.warm_up.seconds
        if warm_up:
            mark = "end of the warm-up: what follows is measured"
            self._watchers.append(gevent.spawn_later(warm_up, self.mark, mark))
        if self._levels.levels:
            after = warm_up + LEVELS_AFTER
            self._watchers.append(gevent.spawn_later(after, self._watch_levels, so_far))

    def stop(self) -> None:
        """Play and watch no more."""
        self._began = 0.0
        self.stop_watching()

    def stop_watching(self) -> None:
        """End what goes on by itself."""
        if self.player is not None:
            self.player.stop()
        gevent.killall(self._watchers)
        self._watchers.clear()

    def seconds(self) -> float:
        """Since the start of the run; 0 if it does not go on."""
        return time.monotonic() - self._began if self.goes_on else 0.0

    # What is reported.

    def timeline(self) -> Timeline:
        """The reports of all workers so far, second by second."""
        return self.reports.timeline()

    def results(self) -> Results:
        """Counters and histograms, as all workers have reported them so far."""
        return self.reports.results()

    def workers(self) -> list[WorkerSnapshot]:
        """The newest snapshots of the workers that are there."""
        return list(self.reports.present.values())

    def heard_since(self, at: float) -> bool:
        """Whether every worker that is there has reported since (``time.monotonic``)."""
        return self.reports.heard_since(at)

    def verdicts(self, summary: Summary) -> list[LevelVerdict]:
        """What the service levels say of a summary."""
        return self._levels.verdicts(summary)

    @property
    def scenario_step(self) -> ScenarioStep | None:
        """What the scenarios do now; None without any."""
        return None if self.player is None else self.player.step

    # The fleet.

    def plan(self) -> FleetPlan:
        """What the options said of the fleet."""
        options: Any = self._environment.parsed_options
        return fleet_plan(self.settings, LocustOptions.of(options))

    def count_leases(self) -> None:
        """Note how many indices workers hold."""
        self._most_leased = max(self._most_leased, self._ledger.total)

    def users_not_started(self) -> int:
        """Users that Locust has still to start, or whose worker never leased indices for them."""
        users = self._locust.wanted_users() - self._most_leased // self.settings.cpes_per_user
        return max(self._locust.users_not_started(), users)

    def is_fleet_up(self) -> bool:
        """Whether no users are being spawned, and the CPEs of all users have power."""
        runner: Any = self._environment.runner
        wanted = self._locust.wanted_users() * self.settings.cpes_per_user
        powered, leased = sum(worker.cpes for worker in self.workers()), self._ledger.total
        return runner.state == STATE_RUNNING and 0 < wanted <= leased <= powered

    # What is done to it.

    def mark(self, text: str) -> None:
        """Note on the timeline what is done to the fleet now."""
        self.marks.append({"at": round(self.seconds(), 1), "text": text})

    def act(self, name: str, /, **arguments: Any) -> None:
        """
        Do something to the whole fleet now (``caretaker.scenarios.actions.ACTIONS``).

        Raises:
            InputError: the run does not go on, no such action, or an argument can't be used.
        """
        note = note_of(name, **arguments)
        if not self.goes_on:
            raise InputError(f"{name}: no test is running; start one first")
        self._acts += 1
        self.mark(note)
        values = checked(name, find(name).arguments, arguments)
        self._send(FleetAction(name, values, self._acts))

    def grow(self, cpes: int, rate: float) -> None:
        """
        Add new CPEs by adding users, so many CPEs per second.

        Raises:
            InputError: ``--devices`` has not so many.
        """
        runner: Any = self._environment.runner
        per_user = self.settings.cpes_per_user
        users = runner.target_user_count + max(1, round(cpes / per_user))
        self.settings.check_users(users)
        self.mark(f"{cpes} new CPEs at {rate:g} per second")
        runner.start(users, max(rate / per_user, 0.01))

    def finish(self) -> None:
        """End the run now, and then what Locust ends at its run time."""
        self.ends_itself = True
        gevent.spawn(self._finish)

    def _finish(self) -> None:
        runner: Any = self._environment.runner
        options = LocustOptions.of(self._environment.parsed_options)  # type: ignore[arg-type]
        web_ui: Any = self._environment.web_ui
        if web_ui is None:
            runner.quit()
            return
        runner.stop()
        if options.autostart and options.autoquit >= 0:  # else the UI stays for the next run
            gevent.sleep(options.autoquit)
            runner.quit()
            web_ui.stop()

    def _watch_levels(self, so_far: Callable[[], Summary]) -> None:
        """See when levels break; with ``--slo-abort``, the first one ends the run."""
        while True:
            broken = self._levels.look(so_far(), self.seconds())
            if broken is not None and self.settings.slo_abort:
                self._levels.end_by(broken)
                say(f"Service level {broken}: the run ends here")
                self.finish()
                return
            gevent.sleep(LEVELS_INTERVAL)


def note_of(name: str, /, **arguments: Any) -> str:
    """
    What an action does, as the timeline says it, without doing it.

    Raises:
        InputError: no such action, or an argument can't be used.
    """
    action = find(name)
    return action.note(checked(name, action.arguments, arguments))
