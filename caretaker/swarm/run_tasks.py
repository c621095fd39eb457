"""What a worker has the ACS do in a run: the tasks of its driver and of its actions."""

from __future__ import annotations

import time
from random import Random

from gevent.event import Event

from caretaker.connection_request.xmpp_sender import XMPPSender
from caretaker.engine.shard import Shard
from caretaker.http.tls_settings import TLSSettings
from caretaker.scenarios.tasks import Operator, Tasks, TaskSink
from caretaker.stats.results import Results
from caretaker.swarm.cr_driver import CRDriver
from caretaker.swarm.operators import DirectOperator, NorthBoundOperator
from caretaker.swarm.options import Settings
from caretaker.swarm.run_context import HostWorker
from caretaker.swarm.stages import value_at

TASKS_SECONDS = 5.0
"""How long the end of a run waits for tasks that are under way."""


class RunTasks:
    """
    Tasks of one run on a worker, who posts them, and the driver that plans them.

    Args:
        worker: that the run goes on in.
        shard: its CPEs.
        settings: of the run.
        sink: takes the records of tasks.
        results: counts what the driver planned.
    """

    def __init__(
        self,
        worker: HostWorker,
        shard: Shard,
        settings: Settings,
        sink: TaskSink,
        results: Results,
    ) -> None:
        self._worker = worker
        self._settings = settings
        self._shard = shard
        account, tls = settings.cr_xmpp, TLSSettings(settings.cr_tls_ca)
        self._xmpp_sender = XMPPSender(account, tls) if account is not None else None
        self.tasks = Tasks(sink)
        self.operator = self._make_operator(tls)
        self._driver = self._make_driver(results)

    def _make_operator(self, tls: TLSSettings) -> Operator:
        """Has the ACS send Connection Requests; without a north-bound API sends them itself."""
        settings = self._settings
        if settings.nbi_url and settings.cr_driver != "direct":
            return NorthBoundOperator(settings.nbi_url)
        return DirectOperator(self._shard, settings.cr_client, tls, xmpp=self._xmpp_sender)

    def _make_driver(self, results: Results) -> CRDriver | None:
        worker, settings = self._worker, self._settings
        if settings.cr_driver == "off" or (settings.cr_driver == "nbi" and not settings.nbi_url):
            return None
        return CRDriver(
            self.operator,
            self._shard,
            self.tasks,
            results,
            held=lambda: worker.lease.held,
            rate=lambda: 0.0 if worker.is_suspended else self._cr_rate() * worker.share,
            arrivals=settings.cr_arrivals,
            rng=Random(f"{settings.seed}/driver/{worker.index}"),
        )

    def _cr_rate(self) -> float:
        """Connection Requests per second of the whole fleet, as it is now."""
        if not self._settings.cr_stages:
            return self._worker.cr_rate
        return value_at(self._settings.cr_stages, self._shard.timeline.seconds(time.monotonic()))

    def suspend(self) -> None:
        """Drop the tasks that are under way; called in the loop, so it does not wait."""
        self.tasks.suspend()

    def stop(self, stop_waiting: Event) -> None:
        """Plan no more, and wait for the tasks under way, unless ``stop_waiting`` is set."""
        if self._driver is not None:
            self._driver.stop()
        self.tasks.stop(TASKS_SECONDS, stop_waiting)

    def close(self) -> None:
        """Close the connection to the XMPP server, if there is one."""
        if self._xmpp_sender is not None:
            self._xmpp_sender.close()

    def book(self, results: Results) -> None:
        """Put what has become of the tasks into results."""
        self.tasks.book(results)
