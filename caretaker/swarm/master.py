"""
What the master does: the embedded ACS, the ledger, the summary, the exit code.

In a local run the one process is master and worker; messages then reach it without a network.
"""

from __future__ import annotations

import logging
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import gevent
from gevent.event import Event

from caretaker.reporting.outcomes import EXIT_CODES, RunOutcome
from caretaker.reporting.summary_types import Summary
from caretaker.run_token import RunToken
from caretaker.stats.worker_snapshot import WorkerSnapshot
from caretaker.swarm.fleet_leases import LOOK_SECONDS, FleetLeases
from caretaker.swarm.fleet_offer import FleetOffer
from caretaker.swarm.fleet_state import FleetState
from caretaker.swarm.host_checks import HostChecks
from caretaker.swarm.host_limits import held_sockets
from caretaker.swarm.locust_runner import LocustRunner
from caretaker.swarm.master_run import MasterRun
from caretaker.swarm.options import OPTIONS, Settings
from caretaker.swarm.parsed_options import LocustOptions, RunStart
from caretaker.swarm.run_files import write_files
from caretaker.swarm.run_length import check_run_time
from caretaker.swarm.run_servers import RunServers
from caretaker.swarm.run_summary import RunSummary
from caretaker.swarm.stages import StagedUsers
from caretaker.swarm.state_store import StateStore
from caretaker.swarm.web.queries import Answers, DeviceListQuery, DeviceQuery, Queries
from caretaker.swarm.worker_messages import (
    CRServerAddress,
    Drain,
    LeaseRenewal,
    Message,
    ProfilePartRequest,
    StateRecords,
    WorkerWaits,
)
from caretaker.swarm.worker_watch import WorkerWatch

if TYPE_CHECKING:
    from locust.env import Environment

_log = logging.getLogger(__name__)

DRAIN_SECONDS = 20.0
"""How long the end of a run waits for the workers' last snapshots."""
BOOKS_PER_SECOND = 50_000
"""CPEs whose books a busy worker closes in a second; the end of a run waits so much longer."""

IMPATIENT_SECONDS = 1.0
"""How long it still waits after a second Ctrl-C, or where the run has to end."""


class Master:
    """
    A Locust master, or the one process of a local run.

    Args:
        environment: Locust's.
        settings: of the command line; those of a run come with its start.
        token: of all processes of the run.
        tell: is given the summary of each run to print it.

    Raises:
        InputError: the settings do not fit together, the run is too short for its scenarios, or
            the embedded ACS can't start.
    """

    def __init__(
        self,
        environment: Environment,
        settings: Settings,
        token: RunToken,
        tell: Callable[[Summary], None],
    ) -> None:
        self.environment = environment
        self.token = token
        self._tell = tell
        options = self._locust_options()
        settings.check_warm_up(options.run_time)
        if options.begins_at_once:  # else the form of the web UI is checked
            check_run_time(settings, options)
        settings.check_devices(self._users_stated())
        settings.check_reach()
        self.leases = FleetLeases(settings.fence_after)
        self.ledger = self.leases.ledger
        self.run = self._run_of(settings, RunStart(0, 0.0))
        """That which goes on, or the last one."""
        self.summary: Summary | None = None
        """Of the last run that has ended."""
        self._locust = LocustRunner(environment)
        self._locust.check_starts(self._check_users)
        self._worker_watch = WorkerWatch(self._locust, self.leases)
        self.queries = Queries(self._send, self.present)
        self._ended = Event()
        self._ended.set()
        self.is_cut_short = False
        """Whether the run has to end, though nobody has asked for it."""
        self._stop_waiting = Event()
        self._servers = RunServers(environment)
        settings = self._servers.start_router(
            settings, self.ledger, self._locust.wanted_users, token
        )
        self.checks = HostChecks.of_run(environment, settings, self._send, self._locust.host)
        self._locust.hold_back(self._may_begin)
        self._state = self._open_state(settings)
        if not environment.host:
            self._servers.start_acs(settings)
        self._offer = FleetOffer(environment)
        self.run = self._run_of(self._servers.with_north_bound_api(settings), self.run.start)
        self._watching = gevent.spawn(self._watch)

    @property
    def settings(self) -> Settings:
        """Of the run; those of the command line before the first one."""
        return self.run.settings

    @property
    def is_acs_embedded(self) -> bool:
        """Whether the ACS of the next run is the embedded one."""
        return self._servers.is_acs_embedded

    def _run_of(self, settings: Settings, start: RunStart) -> MasterRun:
        return MasterRun(self.environment, settings, start, self.ledger, self._send)

    def _may_begin(self) -> bool:
        """Whether a run can begin: not before the ACS has worked from each host that is there."""
        return self.run.number > 0 or all(map(self.checks.has_held, self.present()))

    # The state of the fleet.

    def _open_state(self, settings: Settings) -> FleetState | None:
        """The file of ``--state``, if there is one."""
        if settings.state is None:
            return None
        state = FleetState(StateStore(settings.state), self.ledger, self._send)
        if self._locust_options().begins_at_once:  # else the web UI may change the fleet
            self._agree(state, settings)
        return state

    def _agree(self, state: FleetState, settings: Settings) -> None:
        host = None if self.is_acs_embedded else self.environment.host
        state.agree(settings, self._users_stated(), host)

    def _users_stated(self) -> int | None:
        """How many users the run will have; None where a shape of the load says it."""
        shape = self.environment.shape_class
        is_known = shape is None or isinstance(shape, StagedUsers)
        return self._locust_options().num_users if is_known else None

    def _check_users(self, users: int) -> None:
        """Check that there is a device for each CPE of so many users, also of the next run."""
        given = vars(self.environment.parsed_options).get("cpes_per_user")
        per_user = OPTIONS["cpes_per_user"].read(given)
        replace(self.settings, cpes_per_user=per_user).check_users(users)

    def keep_state(self, worker: str, message: StateRecords) -> None:
        """Keep the state of CPEs that a worker has sent."""
        if self._state is not None:
            self._state.keep(worker, message)

    # The profiles of the fleet.

    def send_profile(self, worker: str, request: ProfilePartRequest) -> None:
        """Send a worker the part of a file that it lacks."""
        part = self._offer.part(request)
        if part is not None:
            self._send(part, worker)

    def worker_waits(self, worker: str, waits: WorkerWaits) -> None:
        """A worker is late, and says why."""
        self._say_of(worker, waits.what)

    # The ledger.

    def renew(self, holder: str, renewal: LeaseRenewal) -> None:
        """
        Answer the renewal of a worker's lease: take back indices and hand them out.

        The state of their CPEs goes before them.
        """
        limit = self._locust.users_asked_for() * self.settings.cpes_per_user
        if self.settings.devices is not None:
            limit = min(limit, len(self.settings.devices.devices))
        if not self.checks.has_held(holder):
            renewal = replace(renewal, want=0)
        limit = self.checks.limited(limit)
        answer = self.leases.renew(holder, renewal, limit)
        if answer is None:
            return
        if answer.granted and self._state is not None:
            self._state.tell(holder, answer.granted)
        self._send(answer, holder)
        self.run.count_leases()
        self._servers.publish_routes()

    def tell_secrets(self, worker: str) -> None:
        """A worker has joined: tell it the secrets of the run, if there is one."""
        if self.run.number:
            self._send(self._offer.secrets, worker)

    def cr_server(self, worker: str, server: CRServerAddress) -> None:
        """A worker has said where its Connection Request server is."""
        self._servers.serves(worker, server.url)

    def refused(self, worker: str, reason: str) -> None:
        """A worker can't take part in the run, for this reason."""
        name = self._locust.label(worker)
        _log.error("Worker %s can't take part: %s", name, reason)
        self.run.refused.append(f"worker {name}: {reason}")

    def _send(self, message: Message, worker: str | None = None) -> None:
        """Send a message to a worker, or to all of them."""
        runner: Any = self.environment.runner
        runner.send_message(message.NAME, message.to_wire(), worker)

    def _watch(self) -> None:
        """Look who has died, left or fallen silent."""
        while True:
            gevent.sleep(LOOK_SECONDS)
            self._look_after_leases()

    def stop_watching(self) -> None:
        """Look no more who has died, nor at a run that goes on: all ends with this process."""
        self.run.stop_watching()
        self._watching.kill()

    def _look_after_leases(self) -> None:
        self.checks.look(self.present(), self.ledger.opened)
        self._locust.remember_missing()
        run = self.run
        if run.goes_on:
            self._locust.begin_missed_dispatch()
            if self._worker_watch.is_alone() and not run.ends_itself:
                _log.error("No worker is left: the run ends.")
                run.mark("no worker is left")
                run.finish()
        for worker, news in self._worker_watch.look(run.reports, has_run=run.goes_on):
            self._say_of(worker, news)
        self._servers.publish_routes()

    def _say_of(self, worker: str, text: str) -> None:
        """Log what became of a worker, and note it on the timeline."""
        what = f"worker {self._locust.label(worker)} {text}"
        _log.warning("%s", what)
        if self.run.goes_on:
            self.run.mark(what)

    # A run.

    def begin(self) -> None:
        """
        Begin a run.

        Raises:
            InputError: a setting typed into the web UI can't be used.
        """
        options: Any = self.environment.parsed_options
        self._servers.use_acs()
        self._offer.begin()
        self._send(self._offer.secrets)
        settings = self._servers.with_north_bound_api(Settings.of(options))
        settings.check_warm_up(self._locust_options().run_time)
        settings.check_devices(self._users_stated())
        if self._state is not None:
            self._agree(self._state, settings)
        number = self.run.number + 1
        if number > 1:  # it is started in the web UI, perhaps with another ACS
            self.checks = HostChecks(None, self._send, self._locust.host)
        files = self._offer.name_files(settings)
        users, workers = self._users_stated() or 0, len(self._locust.workers())
        held = held_sockets(settings, users, workers)
        start = RunStart(number, time.time(), self._state is not None, *files, held)
        start.put(options)
        self.summary = None
        self.run = self._run_of(settings, start)
        self._worker_watch.begin()
        self._stop_waiting.clear()
        self._servers.route(settings)
        self._ended.clear()
        self._worker_watch.count(self.run.reports)
        self.run.begin(self._so_far)

    def drained(self, worker: str, snapshot: WorkerSnapshot | None) -> None:
        """A worker has ended its run, or says that it had none."""
        self.run.reports.end(worker)
        if snapshot is not None:
            self.run.reports.take(worker, snapshot)

    def stop_waiting(self) -> None:
        """Wait no longer for what is under way, and hardly for the workers' last snapshots."""
        self._stop_waiting.set()
        self._send(Drain(waits=False))

    def present(self) -> set[str]:
        """The workers that are there."""
        return self._worker_watch.present()

    def ask(self, query: DeviceListQuery | DeviceQuery) -> Answers:
        """Ask all workers for what only they know."""
        return self.queries.ask(query)

    def end(self) -> None:
        """
        End the run: have all workers drain, and make the summary of what they say.

        Whoever asks while the run is ending waits for its summary, too.
        """
        if not self.run.goes_on:
            self._ended.wait()
            return
        try:
            self._end()
        finally:
            self._ended.set()

    def _end(self) -> None:
        run = self.run
        seconds, not_started = run.seconds(), run.users_not_started()
        self._worker_watch.count(run.reports)
        run.stop()
        self._send(Drain(waits=True))
        self._await_last_snapshots()
        run.reports.close()
        if self._state is not None:
            self._state.store.flush()
        summary = self._run_summary().at_end(
            seconds,
            run.marks,
            users_not_started=not_started,
            workers_refused=run.refused,
            router_ended=self._servers.router_ended,
            ends_itself=run.ends_itself,
            is_cut_short=self.is_cut_short,
        )
        summary["service_levels"] = run.verdicts(summary)
        self._write(summary)
        self.summary = summary

    def _await_last_snapshots(self) -> None:
        deadline = time.monotonic() + DRAIN_SECONDS + self.ledger.total / BOOKS_PER_SECOND
        while self.present() - self.run.reports.ended and time.monotonic() < deadline:
            if self._stop_waiting.is_set():
                deadline = min(deadline, time.monotonic() + IMPATIENT_SECONDS)
                self._stop_waiting.clear()
            gevent.sleep(0.05)

    def _so_far(self) -> Summary:
        """The figures of the run that goes on."""
        return self._run_summary().figures(self.run.reports.seconds)

    def _run_summary(self) -> RunSummary:
        return RunSummary(
            self.environment,
            self.settings,
            self.run.start,
            self.run.reports,
            embedded=self._servers.embedded,
            player=self.run.player,
            state=self._state.store if self._state is not None else None,
            take_overs=self.leases.take_overs,
        )

    def _locust_options(self) -> LocustOptions:
        return LocustOptions.of(self.environment.parsed_options)  # type: ignore[arg-type]

    def _write(self, summary: Summary) -> None:
        for line in write_files(self.settings, summary, datetime.now(UTC)):
            print(f"caretaker: {line}; the summary is in the output", file=sys.stderr)
        if self.environment.web_ui is not None:
            self._tell(summary)  # there may be more runs before the goodbye

    # The end.

    def exit_code(self) -> int:
        """The exit code of the last run; that of nothing shown if there was none."""
        if self.summary is None:
            return EXIT_CODES[RunOutcome.NOT_SHOWN]
        return self.summary["verdict"]["exit_code"]

    def say_goodbye(self) -> None:
        """Print the summary, unless each run's was, and end router and ACS."""
        if self.summary is not None and self.environment.web_ui is None:
            self._tell(self.summary)
        if self._state is not None:
            self._state.store.close()
            self._state = None
        self._servers.stop()
