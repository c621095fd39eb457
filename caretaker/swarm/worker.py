"""
What a worker does: hosts a shard of the fleet and its Connection Request server.

A run has a fresh shard and fresh books (``worker_run``); the server and the lease of indices last
as long as the worker.
"""

from __future__ import annotations

import gc
import time
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any, cast

from caretaker.connection_request.server import ConnectionRequestServer
from caretaker.errors import DeviceBusy, DeviceNotFound
from caretaker.http.credentials import Credentials
from caretaker.index_set import IndexSet, Ranges
from caretaker.scenarios.actions import act
from caretaker.stats.worker_snapshot import WorkerSnapshot
from caretaker.swarm.index_lease import IndexLease
from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import RunStart, live_cr_rate
from caretaker.swarm.state_receiver import StateReceiver
from caretaker.swarm.web.devices import QUERIES, DeviceDetails, DevicePage, WorkerView
from caretaker.swarm.worker_messages import (
    CRServerAddress,
    FleetAction,
    LeaseRequest,
    Message,
    WorkerQuery,
)
from caretaker.swarm.worker_run import WorkerRun

if TYPE_CHECKING:
    from locust.env import Environment


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
        self.fleet_total = 0
        self.source_addresses = settings.source_addresses
        self.lease = IndexLease(self._send_lease)
        self.stored = StateReceiver()
        self._run: WorkerRun | None = None
        port = settings.cr_port + self.index if settings.cr_port else 0
        self.server = ConnectionRequestServer(
            port,
            self._accept,
            self._credentials,
            host=settings.cr_host,
            advertise=settings.cr_advertise,
            allow_basic=settings.cr_allow_basic,
            sink=self,
        ).start()

    @property
    def cr_rate(self) -> float:
        """Of the whole fleet, as it is now: the web UI can change it during a run."""
        return live_cr_rate(self.environment.parsed_options)  # type: ignore[arg-type]

    @property
    def share(self) -> float:
        """Which part of the whole fleet is here."""
        own = len(self.lease.held)
        return own / max(1, own, self.fleet_total)

    # The Connection Request server asks the shard of the present run.

    def _accept(self, serial_number: str) -> None:
        if self._run is None or self._run.last is not None:
            raise DeviceBusy("no run")
        self._run.shard.connection_request(serial_number)

    def _credentials(self, serial_number: str) -> Credentials:
        if self._run is None:
            raise DeviceNotFound(serial_number)
        return self._run.shard.credentials(serial_number)

    def connection_request(self, verdict: str, seconds: float) -> None:
        """Hand on what the Connection Request server answered."""
        if self._run is not None and self._run.last is None:
            self._run.sink.connection_request(verdict, seconds)
            self._run.shard.timeline.connection_request(time.monotonic(), verdict)

    # A run.

    def begin(self, start: RunStart, settings: Settings) -> None:
        """
        Begin a run with a fresh shard.

        Args:
            start: of the run; the timelines of all workers begin there.
            settings: of the run.

        Raises:
            InputError: a setting can't be used.
        """
        if self._run is not None:
            self._run.end()
            gc.unfreeze()  # the last fleet goes
        self.send(CRServerAddress(self.server.base_url))
        self._run = WorkerRun(self, start, settings)

    def lease_indices(self) -> Sequence[tuple[int, int]]:
        """Lease the indices of one user's CPEs."""
        return self.lease.take(self._run.settings.cpes_per_user) if self._run is not None else ()

    def power_on(self, ranges: Sequence[tuple[int, int]]) -> None:
        """Power the CPEs of these indices on."""
        if self._run is not None:
            self._run.power_on(IndexSet(ranges), self.stored)

    def power_off(self, ranges: Sequence[tuple[int, int]]) -> None:
        """Power the CPEs of these indices off and give the indices back."""
        if self._run is not None and self._run.last is None:
            self._run.power_off(IndexSet(ranges))
        self.stored.discard(ranges)
        self.lease.give_back(ranges)

    def state_kept(self, number: int) -> None:
        """The master has the records of this message in its file."""
        if self._run is not None and self._run.state is not None:
            self._run.state.kept(number)

    def act(self, action: FleetAction) -> None:
        """Do something to the CPEs of this worker, as the master says."""
        if self._run is not None and self._run.last is None:
            act(self._run.action_target, action.name, action.arguments, action.nth)

    def answer(self, query: WorkerQuery) -> DevicePage | DeviceDetails | None:
        """The answer to a query of the Fleet page; None if there is no run."""
        run = self._run
        if run is None or run.last is not None:
            return None
        view = WorkerView(run.shard, self.lease.held, run.logs)
        return QUERIES[query.what](view, query.details)

    def _send_lease(self, want: int, returned: Ranges) -> None:
        self.send(LeaseRequest(want, returned))

    def send(self, message: Message) -> None:
        """Send a message to the master."""
        cast(Any, self.environment.runner).send_message(message.NAME, message.to_wire())

    def drain(self) -> WorkerSnapshot | None:
        """End the run and return its last snapshot; None if there was no run."""
        return self._run.drain() if self._run is not None else None

    def stop_waiting(self) -> None:
        """Wait no longer for what is under way when the run ends."""
        if self._run is not None:
            self._run.stop_waiting.set()

    def report(self) -> WorkerSnapshot | None:
        """The snapshot for the master: how the run stands, or how it ended."""
        return self._run.report() if self._run is not None else None
