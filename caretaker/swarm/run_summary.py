"""The summary of a run, of what its workers have reported and what its master and Locust know."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from caretaker.build import build_name
from caretaker.reporting.summary import WorkersSeen, summarize
from caretaker.reporting.summary_types import Summary
from caretaker.stats.timeline import Mark
from caretaker.swarm.embedded_acs import EmbeddedACS
from caretaker.swarm.locust_runner import LocustRunner
from caretaker.swarm.options import Settings, without_login
from caretaker.swarm.parsed_options import LocustOptions, RunStart
from caretaker.swarm.repeat_command import command
from caretaker.swarm.scenario_player import ScenarioPlayer
from caretaker.swarm.stages import StagedUsers
from caretaker.swarm.state_store import StateStore
from caretaker.swarm.take_overs import TakeOvers
from caretaker.swarm.worker_reports import WorkerReports

if TYPE_CHECKING:
    from locust.env import Environment

RUN_TIME_TOLERANCE = 1.0
"""Seconds by which a run may begin later than Locust's timer of its ``--run-time``."""


class RunSummary:
    """
    Makes the summary of one run, while it goes on and at its end.

    Args:
        environment: Locust's.
        settings: of the run.
        start: of the run.
        reports: of its workers.
        embedded: the embedded ACS; None if there is none.
        player: of the scenarios; None without any.
        state: of the fleet, which is kept; None if it is not.
        take_overs: of CPEs of workers that were dead or silent.
    """

    def __init__(
        self,
        environment: Environment,
        settings: Settings,
        start: RunStart,
        reports: WorkerReports,
        *,
        embedded: EmbeddedACS | None = None,
        player: ScenarioPlayer | None = None,
        state: StateStore | None = None,
        take_overs: TakeOvers | None = None,
    ) -> None:
        self._environment = environment
        self._runner = LocustRunner(environment)
        self._settings = settings
        self._start = start
        self._reports = reports
        self._embedded = embedded
        self._player = player
        self._state = state
        self._take_overs = take_overs or TakeOvers()

    def figures(self, seconds: float) -> Summary:
        """
        All that service levels can name.

        Args:
            seconds: that the run has taken so far.
        """
        newest = sorted(self._reports.newest.values(), key=lambda snapshot: snapshot.worker)
        summary = summarize(newest, seconds, self._workers_seen(), self._settings.warm_up.seconds)
        if self._player is not None:
            summary["scenario"] = self._player.report()
        if self._state is not None:
            summary["state"] = self._state.section(summary["state"])
        return summary

    def at_end(
        self,
        seconds: float,
        marks: Sequence[Mark],
        *,
        users_not_started: int = 0,
        workers_refused: Sequence[str] = (),
        router_ended: int = 0,
        ends_itself: bool = False,
        is_cut_short: bool = False,
    ) -> Summary:
        """
        The summary of a run that has ended, without what its service levels say of it.

        Args:
            seconds: that the run took.
            marks: what was done to the fleet.
            users_not_started: how many users had still to start.
            workers_refused: workers that could not take part, each with its reason.
            router_ended: how often the run's own router ended before the run.
            ends_itself: whether the run has ended by a decision of its own.
            is_cut_short: whether it had to end, as when the terminal is gone.
        """
        began = datetime.fromtimestamp(self._start.at, UTC)
        return {
            **self.figures(seconds),
            "timeline": self._reports.timeline().summary(marks),
            "settings": self.public_settings(),
            "version": build_name(),
            "started": began.isoformat(timespec="seconds"),
            "command": self._command(),
            "embedded_acs": self._is_embedded(),
            "interrupted": is_cut_short or (not ends_itself and self._ends_early(seconds)),
            "users_not_started": users_not_started,
            "workers_refused": workers_refused,
            "router_ended": router_ended,
            "other_failures": self._runner.other_failures(),
        }

    def public_settings(self) -> dict[str, Any]:
        """The options of the run by flag, Locust's and ours, without secrets."""
        host = without_login(self._environment.host or "")
        return {"--host": host, **self._locust_options().public(), **self._settings.public()}

    def _workers_seen(self) -> WorkersSeen:
        wanted = self._runner.wanted_users() * self._settings.cpes_per_user
        lost = self._reports.lost(wanted, self._take_overs)
        for each in lost:
            each["worker"] = self._runner.label(each["worker"])
        total = self._take_overs.total
        from_factory = total if self._state is None else 0
        return WorkersSeen(self._reports.joined, self._reports.left, lost, total, from_factory)

    def _ends_early(self, seconds: float) -> bool:
        """Whether the run comes to its end before the ``--run-time`` that was stated."""
        stated = self._locust_options().run_time
        shape = self._environment.shape_class
        if not stated or not (shape is None or isinstance(shape, StagedUsers)):
            return False
        return seconds < stated - RUN_TIME_TOLERANCE

    def _is_embedded(self) -> bool:
        return self._embedded is not None and self._environment.host == self._embedded.url

    def _command(self) -> str:
        """The command line that makes this run again; the embedded ACS is not named in it."""
        embedded = self._embedded
        own = (embedded.url, embedded.north_bound_url) if embedded is not None else ()
        given = {name: value for name, value in self.public_settings().items() if value not in own}
        return command(self._locust_options().locustfile, given)

    def _locust_options(self) -> LocustOptions:
        return LocustOptions.of(self._environment.parsed_options)  # type: ignore[arg-type]
