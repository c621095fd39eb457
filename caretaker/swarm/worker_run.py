"""
One run on a worker: its shard of the fleet, its driver, and their books.

A run ends in three steps: the driver plans no more and waits for its tasks; the shard begins no
more sessions and waits for those that run; then the last snapshot is taken, before Locust stops
the users and their CPEs lose power.
"""

from __future__ import annotations

import gc
import time
from collections import Counter
from collections.abc import Callable, Iterable

import gevent
from gevent.event import Event
from gevent.lock import Semaphore

from caretaker.device.listed_mix import ListedMix
from caretaker.engine.cr_rate_limit import RateLimit
from caretaker.engine.engine_use import EngineUse
from caretaker.engine.file_transfer import FileTransferClient
from caretaker.engine.loop_budget import LoopBudget
from caretaker.engine.outages import OutageSwitch
from caretaker.engine.shard import Shard
from caretaker.http.endpoint import Endpoint
from caretaker.http.io_engine import engine_module
from caretaker.http.resolver import Resolver
from caretaker.index_set import IndexSet
from caretaker.profiles import ProfileMix
from caretaker.profiles.reach_parameters import with_reach_parameters
from caretaker.reasons import FENCED
from caretaker.scenarios.action_target import ActionTarget
from caretaker.stats.results import Results
from caretaker.stats.run_results import RunResults
from caretaker.stats.timeline import Timeline
from caretaker.stats.worker_snapshot import WorkerSnapshot
from caretaker.swarm.generator_health import GeneratorHealth
from caretaker.swarm.host_limits import sessions_that_fit
from caretaker.swarm.kept_sessions import KeptSessions
from caretaker.swarm.locust_stats import LocustStats
from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import RunStart
from caretaker.swarm.run_context import HostWorker, acs_endpoint, fleet_context
from caretaker.swarm.run_nat_bindings import nat_bindings_of
from caretaker.swarm.run_tasks import RunTasks
from caretaker.swarm.run_xmpp import xmpp_connections_of
from caretaker.swarm.state_receiver import StateReceiver
from caretaker.swarm.state_sender import StateSender
from caretaker.swarm.web.exchange_log import ExchangeLogs

SESSIONS_SECONDS = 5.0
"""How long the end of a run waits for sessions that run, after its tasks."""
SAMPLE_SECONDS = 0.25
"""How often the timeline's gauges are read; the last reading of a second stands."""
POWER_SHARE = 0.4
"""Of each turn of the loop, for powering CPEs on and off; sessions have the rest."""
TOGETHER = 100
"""CPEs that are powered on in one turn of the loop at least."""
FREEZE_CPES = 20_000
"""After so many new CPEs the garbage collector is kept off them."""
YOUNG_OBJECTS = 20_000
"""
After so many new objects the garbage collector looks at them, which takes a millisecond. It would
look at each record of a session that waits to be counted, after Python's own 700.
"""


class WorkerRun:
    """
    One run on a worker: shard, driver, health, and their results.

    Args:
        worker: that it goes on in.
        start: of the run, where its timeline begins.
        settings: of the run.
        mix: the profiles of its CPEs.

    Raises:
        InputError: a setting can't be used.
    """

    def __init__(
        self, worker: HostWorker, start: RunStart, settings: Settings, mix: ProfileMix
    ) -> None:
        started = start.at - time.time() + time.monotonic()
        self.number = start.number
        self._index = worker.index
        self.settings = settings
        self.results = RunResults(has_warm_up=settings.warm_up.seconds > 0)
        self.sink = LocustStats(
            self.results.current, worker.environment.events.request, worker.environment.stats
        )
        devices = mix.devices if isinstance(mix, ListedMix) else None
        self._endpoint = endpoint = acs_endpoint(worker, settings, devices, self._passed_over)
        context = fleet_context(worker, settings, endpoint, devices)
        if context.reach is not None:
            mix = mix.prepared(with_reach_parameters)
        self._kept = KeptSessions(settings, worker.index, started, context.serial_number)
        outage = OutageSwitch(self._kept.open_transport(endpoint), settings.answer_timeout)
        self.logs = ExchangeLogs(outage.open)
        self.shard = Shard(
            mix,
            context,
            self.logs.open,
            self.sink,
            max_sessions=_max_sessions(settings, start.held),
            rate_limit=RateLimit(*settings.cr_limit),
            transfer_client=FileTransferClient(endpoint, settings.bandwidth),
            timeline=Timeline(started),
            recorder=self._kept.recorder,
            exports=self._kept.exports,
            engine=_engine_use(endpoint, settings, outage, self.logs),
        )
        resolver = Resolver()
        self.nat_bindings = nat_bindings_of(self.shard, worker, endpoint, settings, resolver)
        self.xmpp = xmpp_connections_of(
            self.shard, worker, endpoint, settings, resolver, worker_index=worker.index
        )
        self.health = GeneratorHealth(self.results.current, self.sink.flush)
        self.profiles: Counter[str] = Counter()
        self.reach: Counter[str] = Counter()
        self.last: WorkerSnapshot | None = None
        """The snapshot that ended it."""
        self.stop_waiting = Event()
        self._draining = Semaphore()
        self._ending = self._closing = False
        self._loop_budget = LoopBudget(POWER_SHARE)
        self._thawed = 0  # CPEs that the collector still looks at
        gc.set_threshold(YOUNG_OBJECTS)
        self.tasks = RunTasks(worker, self.shard, settings, self.sink, self.results.current)
        self.action_target = ActionTarget(
            self.shard,
            outage,
            self.tasks.operator,
            self.tasks.tasks,
            lambda: worker.share,
            bindings=self.nat_bindings,
        )
        self.state = _state_sender(worker, self.shard) if start.keeps_state else None
        """What sends the state of CPEs to the master; None where that does not keep it."""
        self.shard.start()
        self._greenlets = [gevent.spawn(self._sample)]
        if self.state is not None:
            self._greenlets.append(gevent.spawn(self.state.run))
        if settings.warm_up.seconds:
            self._greenlets.append(self._spawn_warm_up(started + settings.warm_up.seconds))

    def _passed_over(self, reason: str) -> None:
        """An address of a host has failed, and another one of the host has not."""
        self.results.current.count(f"addresses.passed_over.{reason}")

    def _spawn_warm_up(self, end: float) -> gevent.Greenlet[..., None]:
        # The warm-up is that of the whole run: a worker that joins late has less of it, or none.
        return gevent.spawn_later(max(0.0, end - time.monotonic()), self._end_warm_up)

    def _end_warm_up(self) -> None:
        self.sink.flush()
        self.results.end_warm_up(self.shard.timeline.count("informs_planned"))
        self.shard.examples.clear()

    def _sample(self) -> None:
        while True:
            self.shard.sample()
            gevent.sleep(SAMPLE_SECONDS)

    def suspend(self) -> None:
        """Stop all CPEs where they are; called in the loop, so it does not wait."""
        self.shard.suspend(FENCED)
        self.tasks.suspend()
        self.xmpp.suspend()

    def resume(self) -> None:
        """Go on after the shard was suspended, unless the run is ending."""
        if not self._ending:
            self.shard.start()
            self.xmpp.resume()

    def power_on(
        self, indices: IndexSet, stored: StateReceiver, is_held: Callable[[], bool]
    ) -> None:
        """
        Power CPEs on, so many in a turn of the loop that sessions and heartbeats go on.

        Args:
            indices: of the CPEs.
            stored: has what they had before.
            is_held: whether this worker still has the indices.
        """
        for start, stop in indices.ranges:
            for together in stored.parts(range(start, stop), TOGETHER):
                self._loop_budget.wait()
                if self._ending or not is_held():
                    return
                self._switch_on(together, stored)

    def _switch_on(self, indices: range, stored: StateReceiver) -> None:
        """Power on neighbouring CPEs; one alone with what it had before."""
        is_running, results = self.settings.start == "running", self.results.current
        index = indices.start
        if stored.take_up(index, self.shard, results, is_running=is_running):
            self.profiles[self.shard.cpes[index].profile.name] += 1
        else:
            self.profiles += self.shard.switch_on(indices, is_running=is_running)
        self.reach += self._kinds(indices)
        self._freeze(len(indices))

    def _kinds(self, indices: Iterable[int]) -> Counter[str]:
        """How CPEs can be reached, by kinds; nothing without ``--reach``."""
        mix = self.settings.reach
        return Counter() if mix is None else mix.counts(self.shard.context.identities, indices)

    def _freeze(self, new_cpes: int) -> None:
        """
        Keep the collector off CPEs, which live as long as the run.

        Looking at all of them in every full collection would stop the loop, the longer the larger
        the fleet is.
        """
        self._thawed += new_cpes
        if self._thawed >= FREEZE_CPES:
            self._thawed = 0
            gc.freeze()

    def retire(self, indices: IndexSet, is_held: Callable[[], bool]) -> None:
        """
        Power CPEs off that others will have, after their sessions if these end soon.

        Args:
            indices: of the CPEs.
            is_held: whether this worker still has the indices.
        """
        self.shard.wait_for_sessions_of(indices, SESSIONS_SECONDS)
        for index in indices:
            self._loop_budget.wait()
            if self._closing or not is_held():
                return
            if self.state is not None and index in self.shard.cpes:
                self.state.add(index)
            self._power_off(index)
        if self.state is not None:
            self.state.send()  # before the indices go back

    def forget(self) -> None:
        """Power off all CPEs, whose indices others may have by now."""
        for index in self.shard.cpes:
            self._loop_budget.wait()
            if not self._closing:
                self._power_off(index)

    def _power_off(self, index: int) -> None:
        cpe = self.shard.cpes.get(index)
        if cpe is not None:
            self.profiles[cpe.profile.name] -= 1
            self.reach -= self._kinds((index,))
            self.shard.power_off((index,))

    def end(self) -> None:
        """
        Let tasks and sessions under way end, unless ``stop_waiting`` is set.

        Once more changes nothing: the master's word, Locust's own and the next run may all end it.
        """
        self._ending = True
        self.action_target.stop()
        self.tasks.stop(self.stop_waiting)
        self.shard.drain(SESSIONS_SECONDS, self.stop_waiting)
        self.nat_bindings.close()
        self.xmpp.stop()
        self.tasks.close()
        self._kept.close_recordings(is_hasty=self.stop_waiting.is_set())
        gevent.killall(self._greenlets, block=False)
        self.health.stop()
        self.sink.flush()

    def drain(self) -> WorkerSnapshot:
        """End the run, unless it has ended, and return its last snapshot."""
        with self._draining:  # the master's word and Locust's own may both come
            if self.last is None:
                self.end()
                self._closing = True  # the books are read over several turns of the loop
                self.last = self._snapshot(final=True)
                if self.state is not None:
                    self.state.end()
                self._abandon()
        return self.last

    def report(self) -> WorkerSnapshot:
        """How the run stands, or how it ended."""
        return self.last or self._snapshot(final=False)

    def _snapshot(self, *, final: bool) -> WorkerSnapshot:
        self.sink.flush()
        results = self._books(final=final)
        return WorkerSnapshot(
            run=self.number,
            worker=self._index,
            at=self.shard.timeline.seconds(time.monotonic()),
            cpes=len(self.shard.cpes),
            states=self.shard.states(),
            profiles={name: n for name, n in self.profiles.items() if n},
            reach=dict(self.reach),
            results=results,
            examples=dict(self.shard.examples),
            timeline=self.shard.timeline.to_wire(final=final),
            final=final,
            held=self.shard.cpes.ranges if final else [],
            usage=self.health.usage(),
            measured=self.results.measured(results),
        )

    def _books(self, *, final: bool) -> Results:
        """The results so far with the books of all parts, which the final ones close."""
        if final:  # in one moment with the counting of the sessions that still run
            self._kept.stop_exports(self.shard.scheduler.active.values())
        results = self.results.whole()
        for name, number in self.action_target.tally.items():
            results.count(f"actions.{name}", number)
        for name, number in self._endpoint.tls_handshakes().items():
            results.count(f"tls.{name}", number)
        self.tasks.book(results)
        self.nat_bindings.book(results)
        self.xmpp.book(results)
        if final:
            self.shard.close_books(results)
            self._kept.close_exports(is_hasty=self.stop_waiting.is_set())
        else:
            self.shard.book(results)
        self._kept.book(results)
        return results

    def _abandon(self) -> None:
        """Drop the whole fleet at once: switching off a million CPEs one by one takes long."""
        self.shard.abandon()
        self._loop_budget.stop()


def _state_sender(worker: HostWorker, shard: Shard) -> StateSender:
    unsaved = shard.context.unsaved = set()
    return StateSender(shard.cpes, unsaved, worker.send)


def _max_sessions(settings: Settings, held: int) -> int:
    """Of sessions, and of transfers as well where they move bytes."""
    kinds = 1 + (settings.transfers == "real")
    return max(1, sessions_that_fit(settings.max_sessions * kinds, held) // kinds)


def _engine_use(
    endpoint: Endpoint, settings: Settings, outage: OutageSwitch, logs: ExchangeLogs
) -> EngineUse:
    """Which sessions of this worker its I/O engine carries."""
    off = {"switched off": settings.io_engine == "off", "recording": settings.record is not None}
    return EngineUse(
        engine_module(),
        endpoint,
        off=next((reason for reason, holds in off.items() if holds), ""),
        exceptions=(
            ("outage of the ACS", outage.concerns),
            ("watched CPE", logs.concerns),
        ),
    )
