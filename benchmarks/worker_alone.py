"""
A worker as it is in a load test, in a process of its own and without a master.

Everything that a worker of a real run does for its CPEs is on: ``swarm.worker.Worker`` with its
shard, transports, file transfers, Connection Request server, generator health, and the sink that
fires Locust's request event. Locust's own listener and statistics take that event, and every 3 s
the report to the master is made and packed. No master reads it; leases are granted here.
"""

from __future__ import annotations

import argparse
import gc
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from typing import Any, NoReturn

import gevent
import psutil
from locust.env import Environment
from locust.event import Events
from locust.rpc.protocol import Message
from locust.runners import WORKER_REPORT_INTERVAL, Runner
from locust.stats import RequestStats, setup_distributed_stats_event_listeners

from benchmarks.first_contact import credentials, quick_contact, quick_session
from benchmarks.processes import MeasurementError, cpu_seconds, unique_bytes
from benchmarks.tls_clients import without_compiled_tls
from caretaker.engine.due_times import NOBODY
from caretaker.errors import InputError
from caretaker.stats.results import Results
from caretaker.swarm.devices_file import DevicesOffer
from caretaker.swarm.index_ledger import IndexLedger
from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import RunStart
from caretaker.swarm.profile_offer import offers
from caretaker.swarm.worker import Worker
from caretaker.swarm.worker_messages import REPORT_KEY, LeaseRenewal, StateRecords
from caretaker.swarm.worker_run import WorkerRun
from chaos.greenlet_count import greenlets

CPES_PER_USER = 100
USERS_AT_ONCE = 100
"""Locust starts those of a second together."""
MAX_CPES = 10_000_000
ONE_DAY = 86_400.0


def _refuse(error: InputError) -> NoReturn:
    raise error


class _Runner(Runner):
    """The parts of Locust's ``WorkerRunner`` that take time while a run goes on."""

    worker_index = 0

    def __init__(self, environment: Environment) -> None:
        super().__init__(environment)
        environment.runner = self
        environment.stats = RequestStats(use_response_times_cache=False)
        setup_distributed_stats_event_listeners(environment.events, environment.stats)
        self.cpu_warning_emitted = True  # it is meant to be busy
        self.ledger = IndexLedger(ONE_DAY)
        self.worker: Worker | None = None
        self.greenlet.spawn(self._report)

    def start(self, *_: Any, **__: Any) -> None:
        """Start nothing: CPEs are powered on without users."""

    def send_message(self, msg_type: str, data: Any = None, client_id: str | None = None) -> None:
        """Renew a lease at once, and keep any state; other messages to the master are dropped."""
        del client_id
        if msg_type == LeaseRenewal.NAME and self.worker is not None:
            renewal = LeaseRenewal.from_wire(data)
            answer = self.ledger.renew("alone", renewal, 0.0, MAX_CPES)
            assert answer is not None
            self.worker.renewed(answer)
        elif msg_type == StateRecords.NAME and self.worker is not None:
            self.worker.state_kept(data["number"])

    def _report(self) -> None:
        while True:
            gevent.sleep(WORKER_REPORT_INTERVAL)
            data: dict[str, Any] = {}
            fire: Any = self.environment.events.report_to_master.fire
            fire(client_id="alone", data=data)
            snapshot = None if self.worker is None else self.worker.report()
            if snapshot is not None:
                data[REPORT_KEY] = snapshot.to_wire()
            message: Any = Message
            message("stats", data, "alone").serialize()


class _Turns:
    """The CPU time of turns of the loop, of one with a greenlet or many."""

    def __init__(self) -> None:
        self.longest = 0.0
        """In ms."""
        self._began = time.thread_time()
        loop: Any = gevent.get_hub().loop
        self._watcher = loop.check(ref=False)
        self._watcher.start(self._turn)

    def _turn(self) -> None:
        began, self._began = self._began, time.thread_time()
        self.longest = max(self.longest, 1000 * (self._began - began))

    def stop(self) -> None:
        """Look at no more turns."""
        self._watcher.close()


class WorkerAlone:
    """
    A worker with CPEs that are powered on; they act from ``start`` on.

    Args:
        url: the ACS.
        cpes: how many; powered on by the hundred, as for users with ``--cpes-per-user 100``.
        profiles: of the CPEs, as texts of ``--profile``.
        interval: their PeriodicInformInterval in seconds.
        max_sessions: how many run at once; 0: CPEs accept Connection Requests, but no session runs.
        contacted: whether each CPE has had its first contact, and has credentials for Connection
            Requests.
        running: whether CPEs have been running; else they come from the factory.
        answer_timeout: seconds that a session waits for an answer; the default if None.
        record: folder for recorded sessions; None records none.
        keeps_state: whether the state of CPEs goes to the master, as with ``--state``.
        tls_ca: PEM file of the certificates to trust; those of the system if None.
        compiled_tls: whether TLS is compiled, where it can be; else it is the ssl module's.
        others: options of a run beside these, by their names.
    """

    def __init__(
        self,
        *,
        url: str,
        cpes: int,
        profiles: Sequence[str] = ("tr181",),
        interval: int = 1,
        max_sessions: int = 1000,
        contacted: bool = True,
        running: bool = False,
        answer_timeout: float | None = None,
        record: str | None = None,
        keeps_state: bool = False,
        tls_ca: str | None = None,
        compiled_tls: bool = True,
        **others: Any,
    ) -> None:
        if not compiled_tls:
            without_compiled_tls()
        options = argparse.Namespace(
            profiles=profiles,
            inform_interval=interval,
            start="running" if running else "factory",
            cr_driver="off",
            cr_rate=0.0,
            record=record,
            tls_ca=tls_ca,
            **{"cpes_per_user": CPES_PER_USER, **others},
        )
        if answer_timeout is not None:
            options.answer_timeout = answer_timeout
        events: Any = Events
        environment = Environment(events=events(), host=url, parsed_options=options)
        runner = _Runner(environment)
        settings = Settings.of(options)
        self._worker = runner.worker = Worker(environment, settings)
        self._run = self._begun(
            replace(settings, max_sessions=max_sessions), keeps_state=keeps_state
        )
        self._shard = self._run.shard
        self._shard.drain(0)
        self._now = self._shard._clock
        self._runs_sessions = max_sessions > 0
        gc.collect()
        before = unique_bytes(), cpu_seconds()
        self._start_users(-(-cpes // settings.cpes_per_user))
        self._power_on_cpu = cpu_seconds() - before[1]
        if contacted:
            self._contact()
        gc.collect()
        self._bytes = unique_bytes() - before[0]
        gc.freeze()  # as after the ramp of a run

    def _begun(self, settings: Settings, *, keeps_state: bool) -> WorkerRun:
        """The run of the worker, as a master begins it."""
        file = settings.devices
        devices = None if file is None else DevicesOffer.of(file, ())
        start = RunStart(1, time.time(), keeps_state, offers(settings.profiles), devices)
        self._worker.begin(start, settings, _refuse)
        self._worker.has_begun.wait()
        assert self._worker._run is not None
        return self._worker._run

    def _contact(self) -> None:
        """Have each CPE after its first contact."""
        for cpe in self._shard.cpes.values():
            quick_contact(cpe, self._now())
            self._shard.schedule(cpe)
            for changed in self._shard.context.reach_watchers:
                changed.discard(cpe.index)  # as in a run, where it is looked at meanwhile

    def _start_users(self, count: int) -> None:
        """Have users take their CPEs, ``USERS_AT_ONCE`` in a turn of the loop as Locust does."""
        holdings = [self._worker.new_holding() for _ in range(count)]
        for first in range(0, count, USERS_AT_ONCE):
            together = holdings[first : first + USERS_AT_ONCE]
            gevent.joinall([gevent.spawn(self._worker.fill, each) for each in together])

    def power_on_figures(self) -> dict[str, float]:
        """The ``cpu`` seconds of powering on, the ``bytes`` of all CPEs, and how many ``cpes``."""
        return {"cpes": len(self._shard.cpes), "cpu": self._power_on_cpu, "bytes": self._bytes}

    # Sessions.

    def start(self) -> None:
        """Let sessions begin, if any may run; a run has always room for one at least."""
        self._shard.start()
        if not self._runs_sessions:
            self._shard.scheduler.stop()

    def pause(self) -> None:
        """Begin no more sessions, and wait for the running ones."""
        self._shard.drain(5.0)

    def catch_up(self) -> None:
        """Run the sessions that became due during a pause, without network, outside the figures."""
        cpes, due_times = self._shard.cpes, self._shard.scheduler._due_times
        while due_times.next <= self._now():
            index = due_times.pop(self._now())
            if index != NOBODY:
                quick_session(cpes[index], self._now())
                self._shard.schedule(cpes[index])

    def saturated(self, warm_up: float, seconds: float) -> dict[str, Any]:
        """``measure`` with all due sessions still to run, then pause."""
        self.start()
        gevent.sleep(warm_up)
        figures = self.measure(seconds)
        self.pause()
        return figures

    def steady(self, warm_up: float, seconds: float) -> dict[str, Any]:
        """``measure`` with only the sessions that fall due in that time, then pause."""
        self.catch_up()
        return self.saturated(warm_up, seconds)

    def measure(self, seconds: float) -> dict[str, Any]:
        """
        Measure for some seconds.

        Returns the ``count`` of succeeded sessions, the ``failed`` ones, the ``cpu`` seconds, and
        ``p50`` and ``p99`` of the lateness in ms.
        """
        results = self._run.results.current
        self._run.sink.flush()
        results.counters.clear()
        results.histograms.clear()
        before = cpu_seconds()
        gevent.sleep(seconds)
        self._run.sink.flush()
        cpu = cpu_seconds() - before
        counters = results.counters
        return {
            "count": counters["sessions.succeeded"],
            "succeeded": counters["sessions.succeeded"],
            "failed": counters["sessions.failed"] + counters["sessions.shed"],
            "cpu": cpu,
            **results.histogram("generator.lateness").summary(50, 99),
        }

    def carriage(self) -> dict[str, int]:
        """
        How the sessions so far were carried.

        Those that the I/O engine has ``carried``, those of them that were ``handed_over`` to a
        greenlet, and those that one ran from their begin (``by_greenlet``).
        """
        results = Results()
        self._shard.book(results)
        kinds = Counter[str]()
        for name, number in results.counters.items():
            section, _, kind = name.partition(".")
            if section == "engine":
                kinds[kind.partition(".")[0]] += number
        return {kind: kinds[kind] for kind in ("carried", "handed_over", "by_greenlet")}

    def holds(self) -> dict[str, float]:
        """What this process holds between sessions: descriptors, greenlets, and KiB of memory."""
        gc.collect()
        return {
            "descriptors": psutil.Process().num_fds(),
            "greenlets": sum(greenlets().values()),
            "KiB": unique_bytes() / 1024,
        }

    def longest_turn(self, seconds: float) -> float:
        """The most CPU ms of a turn of the loop, from the begin of sessions on."""
        turns = _Turns()
        self.start()
        gevent.sleep(seconds)
        turns.stop()
        if not self.measure(0.1)["count"]:
            raise MeasurementError("no session has succeeded")
        return turns.longest

    def cpu(self) -> float:
        """CPU seconds of this process so far."""
        return cpu_seconds()

    def loop_lag(self) -> float:
        """The 99th percentile of how late the loop ran, in ms, since ``measure`` began."""
        self._run.sink.flush()
        lag = self._run.results.current.histogram("generator.loop_lag")
        return float(lag.summary(99)["p99"] or 0.0)

    # Connection Requests.

    def targets(self, count: int) -> list[list[str]]:
        """ConnectionRequestURL, user name and password of the first CPEs."""
        cpes = [self._shard.cpes[index] for index in range(count)]
        url = self._worker.server.device_url
        return [[url(cpe.serial_number), *credentials(cpe)] for cpe in cpes]

    def set_apart(self, count: int, url: str) -> None:
        """Have the first CPEs inform another ACS, and only after a Connection Request."""
        for index in range(count):
            cpe = self._shard.cpes[index]
            prefix = cpe.profile.management_server
            own = [(f"{prefix}URL", url), (f"{prefix}PeriodicInformEnable", "0")]
            cpe.set_values(own, self._now())
            self._shard.reschedule(cpe)
