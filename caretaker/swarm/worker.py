"""
What a worker does: hosts a shard of the fleet and its Connection Request server.

A run has a fresh shard and fresh books (``worker_run``); the server and the lease of indices last
as long as the worker.
"""

from __future__ import annotations

import gc
import logging
import time
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import gevent
from gevent.event import Event
from gevent.lock import Semaphore
from locust.runners import WorkerRunner

from caretaker.errors import DeviceBusy, DeviceNotFound, InputError
from caretaker.http.credentials import Credentials
from caretaker.index_set import IndexSet, Ranges
from caretaker.scenarios.actions import act
from caretaker.stats.worker_snapshot import WorkerSnapshot
from caretaker.swarm.cr_server import start_cr_server
from caretaker.swarm.fence import Fence
from caretaker.swarm.index_lease import RENEWAL_SECONDS, IndexLease
from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import RunStart, live_cr_rate
from caretaker.swarm.profile_receiver import ProfileReceiver
from caretaker.swarm.state_receiver import StateReceiver
from caretaker.swarm.web.devices import QUERIES, DeviceDetails, DevicePage, WorkerView
from caretaker.swarm.worker_messages import (
    CRServerAddress,
    FleetAction,
    LeaseRenewed,
    Message,
    WorkerProcess,
    WorkerQuery,
    WorkerWaits,
)
from caretaker.swarm.worker_run import WorkerRun
from caretaker.way import Way

if TYPE_CHECKING:
    from locust.env import Environment

_log = logging.getLogger(__name__)


class Holding:
    """
    The indices that one user holds.

    ``term`` is that of the lease which the indices belong to, and ``filling`` the greenlet that
    gives the user others when its first ones were lost.
    """

    def __init__(self) -> None:
        self.term = 0
        self.ranges: Ranges = []
        self.filling: gevent.Greenlet[..., None] | None = None


class Worker:
    """
    A Locust worker, or the one process of a local run.

    Args:
        environment: Locust's.
        settings: of the command line; those of a run come with its start.

    Raises:
        InputError: the Connection Request server's address can't be bound.
    """

    def __init__(self, environment: Environment, settings: Settings) -> None:
        self.environment = environment
        self.index: int = environment.runner.worker_index  # type: ignore[union-attr]
        self.source_addresses = settings.source_addresses
        self.lease = IndexLease(self.send, WorkerProcess.own(), self._start_over)
        self.is_suspended = False
        """Whether its lease is over, and its CPEs do nothing until the master answers."""
        self._holdings: set[Holding] = set()
        self._emptied = Event()
        self._emptied.set()
        self._emptying = Semaphore()
        self.stored = StateReceiver()
        self.profiles = ProfileReceiver(self.send, self._say_what_it_waits_for)
        self._run: WorkerRun | None = None
        self._beginning: gevent.Greenlet[..., None] | None = None
        self.has_begun = Event()
        """Set when the present run has its profiles, and users can fill it."""
        self.server = start_cr_server(settings, self.index, self._accept, self._credentials, self)
        self._fence: Fence | None = None
        if isinstance(environment.runner, WorkerRunner):  # else the master is this process
            self._fence = Fence(self._is_to_stop, self._suspend)

    @property
    def cr_rate(self) -> float:
        """Of the whole fleet, as it is now: the web UI can change it during a run."""
        return live_cr_rate(self.environment.parsed_options)  # type: ignore[arg-type]

    @property
    def is_in_run(self) -> bool:
        """Whether a run goes on here."""
        return self._run is not None and self._run.last is None

    @property
    def share(self) -> float:
        """Which part of the whole fleet is here."""
        own = len(self.lease.held)
        return own / max(1, own, self.lease.fleet_total)

    # The lease of its indices.

    def start(self) -> None:
        """Begin to renew the lease; from now on the master may answer."""
        gevent.spawn(self._renew)

    def _renew(self) -> None:
        while True:
            self.lease.renew()
            gevent.sleep(RENEWAL_SECONDS)

    def renewed(self, answer: LeaseRenewed) -> None:
        """Take the master's answer to a renewal: CPEs that have stopped may go on."""
        self.lease.answered(answer)
        self._limit_sessions()
        self._resume()

    def _limit_sessions(self) -> None:
        """Tell the sessions of the run until when they may send."""
        if self._run is not None and self._fence is not None:
            until = time.monotonic() + self.lease.seconds_left
            self._run.shard.may_send_until(until)

    def _is_to_stop(self) -> bool:
        return not self.is_suspended and self.lease.is_over()

    def _suspend(self) -> None:
        """Stop all CPEs where they are. Called in the loop, so it does not wait."""
        self.is_suspended = True
        if self._run is not None and self._run.last is None:
            self._run.suspend()
        gevent.spawn(_log.warning, "No word of the master: all CPEs of this worker stop.")

    def _resume(self) -> None:
        """Let the CPEs go on, if they have stopped and may."""
        if not self.is_suspended or self.lease.is_over() or not self._emptied.is_set():
            return
        self.is_suspended = False
        if self._run is None:
            return
        self._run.resume()
        if self._run.shard.cpes:  # else it has begun anew, and said so
            _log.warning("The master answers again: the CPEs of this worker go on.")

    def _start_over(self) -> None:
        """Forget all CPEs, whose indices the master has freed, and lease others for the users."""
        self._emptied.clear()
        self.stored.clear()
        gevent.spawn(self._empty)

    def _empty(self) -> None:
        with self._emptying:
            if self._run is not None and self._run.last is None:
                _log.warning(
                    "The master has freed the CPEs of this worker: it begins anew, without any."
                )
                self._run.forget()
            self._emptied.set()
        for holding in self._holdings:
            if holding.ranges and holding.term != self.lease.term:
                holding.ranges = []
                holding.filling = gevent.spawn(self.fill, holding)
        self._resume()

    def new_holding(self) -> Holding:
        """What a user that starts will hold; nothing yet."""
        holding = Holding()
        self._holdings.add(holding)
        return holding

    def fill(self, holding: Holding) -> None:
        """Lease the indices of one user's CPEs and power them on."""
        self.has_begun.wait()
        run, lease = self._run, self.lease
        assert run is not None
        holding.term, holding.ranges = lease.take(run.settings.cpes_per_user)
        self._emptied.wait()  # of CPEs with the same indices, perhaps
        indices = IndexSet(holding.ranges)
        run.power_on(indices, self.stored, lambda: lease.term == holding.term)

    def release(self, holding: Holding) -> None:
        """
        Power the CPEs of a user off, each after its session, and give the indices back.

        It does not wait for that: Locust counts a user that is about to stop as one that runs.
        """
        self._holdings.discard(holding)
        if holding.filling is not None:
            holding.filling.kill(block=False)
        gevent.spawn(self._retire, self._run, holding.term, holding.ranges)

    def _retire(self, run: WorkerRun | None, term: int, ranges: Ranges) -> None:
        def is_held() -> bool:
            return self.lease.term == term

        if run is not None and run.last is None:
            run.retire(IndexSet(ranges), is_held)
        if is_held():
            self.stored.discard(ranges)
        self.lease.give_back(term, ranges)

    # The Connection Request server asks the shard of the present run.

    def _accept(self, serial_number: str) -> None:
        if self._run is None or self._run.last is not None:
            raise DeviceBusy("no run")
        self._run.shard.connection_request(serial_number)

    def _credentials(self, serial_number: str) -> Credentials:
        if self._run is None:
            raise DeviceNotFound(serial_number)
        return self._run.shard.credentials(serial_number)

    def connection_request(self, verdict: str, seconds: float, way: Way) -> None:
        """Hand on what was answered to a Connection Request."""
        if self._run is not None and self._run.last is None:
            self._run.sink.connection_request(verdict, seconds, way)
            self._run.shard.timeline.connection_request(time.monotonic(), verdict)

    # A run.

    def begin(
        self, start: RunStart, settings: Settings, refuse: Callable[[InputError], None]
    ) -> None:
        """
        Begin a run with a fresh shard, as soon as its profiles are there.

        Args:
            start: of the run; the timelines of all workers begin there.
            settings: of the run.
            refuse: called if the run can't begin, as a setting or a profile can't be used.
        """
        self.has_begun.clear()
        self._stop_beginning()
        if self._run is not None:
            self._run.end()
            self._run = None
            gc.unfreeze()  # the last fleet goes
        self.send(CRServerAddress(self.server.base_url))
        self._beginning = gevent.spawn(self._begin, start, settings, refuse)

    def _begin(
        self, start: RunStart, settings: Settings, refuse: Callable[[InputError], None]
    ) -> None:
        try:
            mix = self.profiles.mix(start.profiles, start.devices)
            self._run = WorkerRun(self, start, settings, mix)
        except InputError as error:
            refuse(error)
            return
        self._limit_sessions()
        if self.is_suspended:
            self._run.suspend()
        self.has_begun.set()

    def _stop_beginning(self) -> None:
        if self._beginning is not None:
            self._beginning.kill(block=False)

    def _say_what_it_waits_for(self, what: str) -> None:
        _log.warning("Worker %s %s", self.index, what)
        self.send(WorkerWaits(what))

    def state_kept(self, number: int) -> None:
        """The master has the records of this message in its file."""
        if self._run is not None and self._run.state is not None:
            self._run.state.kept(number)

    def act(self, action: FleetAction) -> None:
        """Do something to the CPEs of this worker, as the master says."""
        if self._run is not None and self._run.last is None:
            act(self._run.action_target, action.name, action.arguments, action.nth)

    def answer(self, query: WorkerQuery) -> DevicePage | DeviceDetails | None:
        """
        The answer to a query of the Fleet page; None if there is no run.

        Nor is there one while the CPEs have stopped, as others may have them by now.
        """
        run = self._run
        if run is None or run.last is not None or self.is_suspended:
            return None
        view = WorkerView(run.shard, self.lease.held, run.logs)
        return QUERIES[query.what](view, query.details)

    def send(self, message: Message) -> None:
        """Send a message to the master."""
        cast(Any, self.environment.runner).send_message(message.NAME, message.to_wire())

    def drain(self) -> WorkerSnapshot | None:
        """End the run and return its last snapshot; None if there was no run."""
        self._stop_beginning()
        return self._run.drain() if self._run is not None else None

    def stop_waiting(self) -> None:
        """Wait no longer for what is under way when the run ends."""
        if self._run is not None:
            self._run.stop_waiting.set()

    def report(self) -> WorkerSnapshot | None:
        """The snapshot for the master: how the run stands, or how it ended."""
        return self._run.report() if self._run is not None else None
