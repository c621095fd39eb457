"""The CPEs of one process: their power, their Connection Requests, and what runs their sessions."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence

import gevent
import gevent.event

from caretaker.device.context import FleetContext
from caretaker.device.cpe import CPE
from caretaker.device.persistent_state import PersistentState, restore
from caretaker.engine.accounting import Accounting
from caretaker.engine.carried_sessions import CarriedSessions
from caretaker.engine.cpe_states import CPEStates
from caretaker.engine.cpe_store import CPEStore
from caretaker.engine.cr_rate_limit import RateLimit
from caretaker.engine.engine_use import EngineUse
from caretaker.engine.file_transfer import FileTransferClient
from caretaker.engine.loop_budget import LoopBudget
from caretaker.engine.open_transport import OpenTransport
from caretaker.engine.outages import PowerCuts
from caretaker.engine.power_switch import PowerSwitch
from caretaker.engine.recorder import Recorder
from caretaker.engine.scheduler import Scheduler
from caretaker.engine.session_export import SessionExport
from caretaker.engine.session_runner import SessionRunner
from caretaker.engine.transfer_runner import TransferRunner
from caretaker.errors import DeviceBusy, DeviceNotFound
from caretaker.http.credentials import BasicCredentials, Credentials, OldDigestCredentials
from caretaker.profiles import ProfileMix, quirks
from caretaker.reasons import FENCED
from caretaker.stats.records import Sink
from caretaker.stats.results import Results
from caretaker.stats.timeline import Timeline
from caretaker.stats.worker_snapshot import FailureExample
from caretaker.way import Way

LOOK_SECONDS = 0.05
"""How often it is looked whether the session of a CPE that is about to go is over."""


class Shard:
    """
    The CPEs of this process, and the whole of the parts that run them.

    ``Scheduler`` decides when a session runs, ``SessionRunner`` runs one, ``TransferRunner`` moves
    the files of real transfers, ``Accounting`` counts, ``CPEStates`` shows what each CPE does.

    Args:
        mix: which profile a CPE has.
        context: what the CPEs share.
        open_transport: a transport for a session of this CPE at this time.
        sink: takes the records.
        clock: seconds, going forward.
        max_sessions: how many run at once, to protect this machine; further ones wait for a
            place.
        rate_limit: of Connection Requests.
        sleep: waits that many seconds; for devices that are slow.
        transfer_client: moves the bytes of real transfers, at most ``max_sessions`` at once.
        timeline: takes what happens, second by second.
        recorder: keeps sessions in files; it has opened their transports.
        exports: write a row for each session.
        loop_budget: how long answers are spread over turns of the loop.
        engine: which sessions an I/O engine carries; None: greenlets run all of them.
    """

    def __init__(
        self,
        mix: ProfileMix,
        context: FleetContext,
        open_transport: OpenTransport,
        sink: Sink,
        *,
        clock: Callable[[], float] = time.monotonic,
        max_sessions: int = 1000,
        rate_limit: RateLimit | None = None,
        sleep: Callable[[float], object] = gevent.sleep,
        transfer_client: FileTransferClient | None = None,
        timeline: Timeline | None = None,
        recorder: Recorder | None = None,
        exports: Sequence[SessionExport] = (),
        loop_budget: LoopBudget | None = None,
        engine: EngineUse | None = None,
    ) -> None:
        self.cpes = CPEStore(context)
        self.context = context
        self.timeline = timeline or Timeline(clock())
        self._clock = clock
        self._rate_limit = rate_limit or RateLimit()
        self._refusal = ""
        self._loop_budget = loop_budget or LoopBudget()
        self._power_cuts = PowerCuts()
        self._accounting = Accounting(
            context, self.timeline, sink, recorder=recorder, exports=exports
        )
        self._transfers = TransferRunner(transfer_client, max_sessions, clock, self.reschedule)
        self._runner = SessionRunner(
            open_transport=open_transport,
            sink=sink,
            accounting=self._accounting,
            accepted=context.accepted,
            transfers=self._transfers,
            power_cuts=self._power_cuts,
            loop_budget=self._loop_budget,
            clock=clock,
            sleep=sleep,
        )
        self.scheduler = Scheduler(self.cpes, self._runner, self.timeline, clock, max_sessions)
        self._switch = PowerSwitch(mix, context, self.cpes, self.scheduler, clock)
        self._carried = None if engine is None else self._carry(engine, max_sessions)
        self._states = CPEStates(
            self.cpes,
            in_session=self.scheduler.active,
            waiting=self.scheduler.waiting,
            retrying=self._runner.retrying,
            no_power=self._power_cuts,
        )

    def _carry(self, engine: EngineUse, max_sessions: int) -> CarriedSessions:
        """Have sessions carried by an I/O engine."""
        carried = self.scheduler.carrier = CarriedSessions(
            engine,
            self.cpes,
            self._runner,
            most=max_sessions,
            clock=self._clock,
            ended=self.scheduler.end_carried,
            go_on=self.scheduler.go_on,
        )
        return carried

    # Power.

    def power_on(self, index: int, delay: float = 0.0) -> None:
        """Switch on the CPE of this index; its first session is after ``delay`` seconds."""
        cpe = self._switch.add(index)
        cpe.power_on(self._clock(), delay)
        self.schedule(cpe)

    def resume(self, index: int) -> None:
        """Take up the CPE of this index as one that has been running for days."""
        cpe = self._switch.add(index)
        cpe.resume(self._clock())
        self.schedule(cpe)

    def switch_on(self, indices: range, *, is_running: bool) -> Counter[str]:
        """As ``PowerSwitch.switch_on``."""
        return self._switch.switch_on(indices, is_running=is_running)

    def take_up(
        self, index: int, state: PersistentState, *, acs_is_new: bool, is_running: bool
    ) -> None:
        """
        Switch on the CPE of this index with what it had before.

        Args:
            index: of the CPE.
            state: what it had.
            acs_is_new: whether the fleet has another ACS now (``persistent_state.restore``).
            is_running: whether it is taken up as if it had been running; else as after a power
                cut.
        """
        cpe, now = self._switch.add(index), self._clock()
        restore(cpe, state, acs_is_new=acs_is_new)
        if is_running:
            cpe.resume(now)
        else:
            cpe.powered = True
            cpe.power_cut(now, now)
        unsaved = self.context.unsaved
        if unsaved is not None and not acs_is_new and not state.after_session:
            unsaved.discard(index)  # it has what is kept
        self.schedule(cpe)

    def power_off(self, indices: Iterable[int]) -> None:
        """Switch off and forget CPEs; a session that runs is cut, as without power."""
        gone = [cpe for index in indices if (cpe := self.cpes.pop(index)) is not None]
        self._cut(gone)
        for cpe in gone:
            self._power_cuts.discard(cpe.index)
            cpe.power_off(self._clock())

    def power_cut(self, until: Mapping[int, float]) -> None:
        """Cut the power of CPEs until a time each; a session that runs is cut, too."""
        affected = [cpe for index in until if (cpe := self.cpes.get(index)) is not None]
        self._cut(affected)
        for cpe in affected:
            if self.cpes.get(cpe.index) is cpe:  # not switched off for good meanwhile
                cpe.powered = True
                cpe.power_cut(self._clock(), until[cpe.index])
                self._power_cuts.add(cpe.index, until[cpe.index])
                self.schedule(cpe)

    def _cut(self, cpes: list[CPE]) -> None:
        """Take the power of CPEs: their sessions and transfers end where they are."""
        for cpe in cpes:
            self._runner.retrying.discard(cpe.index)
            self._transfers.cut(cpe.index)
            cpe.powered = False
        self.scheduler.cut(cpes)

    # CPEs and their states.

    def cpe(self, serial_number: str) -> CPE:
        """The CPE of a serial number; DeviceNotFound if this shard has none."""
        return self._held(serial_number, self.context.index_of(serial_number))

    def _called(self, url_name: str) -> CPE:
        """The CPE that its ConnectionRequestURL calls so; DeviceNotFound if this shard has none."""
        return self._held(url_name, self.context.identities.index_of(url_name))

    def _held(self, name: str, index: int | None) -> CPE:
        cpe = self.cpes.get(index) if index is not None else None
        if cpe is None:
            raise DeviceNotFound(name)
        return cpe

    def in_state(self, state: str) -> Collection[int]:
        """The CPEs in a state, in no order; for ``idle`` all CPEs, whatever their state."""
        return self._states.members(state)

    def state_of(self, index: int) -> str:
        """Which of ``cpe_states.STATES`` a CPE is in."""
        return self._states.state_of(index)

    def states(self) -> dict[str, int]:
        """How many CPEs are in each of ``cpe_states.STATES``."""
        return self._states.counts(self._clock())

    def sample(self) -> None:
        """Note the present state of the fleet on the timeline, without a walk over the fleet."""
        now = self._clock()
        on = len(self.cpes) - self._power_cuts.count(now)
        self.timeline.sample(now, on, len(self._runner.retrying), len(self._power_cuts.absent))

    # Connection Requests.

    def credentials(self, url_name: str) -> Credentials:
        """
        The credentials a Connection Request must show, as they are now (TR-069 3.2.2.2).

        Args:
            url_name: what the ConnectionRequestURL calls the CPE.
        """
        cpe = self._called(url_name)
        now = self._clock()
        kinds = [kind for quirk, kind in _CREDENTIALS.items() if quirk in cpe.profile.quirks]
        return (kinds or [Credentials])[0](
            cpe.management_value("ConnectionRequestUsername", now),
            cpe.management_value("ConnectionRequestPassword", now),
        )

    def connection_request(self, url_name: str, way: Way = Way.HTTP) -> None:
        """
        Accept an authenticated Connection Request; its session begins when the caller yields.

        Args:
            url_name: what the ConnectionRequestURL calls the CPE.
            way: that the request came by.

        Raises:
            DeviceNotFound: this shard has no such CPE.
            DeviceBusy: the CPE refuses just now.
        """
        cpe = self._called(url_name)
        now = self._clock()
        if self._refusal:
            raise DeviceBusy(self._refusal)
        if now >= self._runner.until:
            raise DeviceBusy(FENCED)
        if not self._rate_limit.allows(cpe.index, now):
            raise DeviceBusy("too many Connection Requests")
        self.scheduler.catch_up(cpe.index)  # a session may have told of the one before by now
        cpe.connection_request(now, way)
        self.scheduler.schedule(cpe)

    # Sessions.

    def start(self) -> None:
        """Begin to run sessions, or go on after ``suspend``."""
        self._refusal = ""
        self.scheduler.start()

    def schedule(self, cpe: CPE) -> None:
        """Take up the due time of a CPE, which has changed; its session begins if it is due."""
        self.scheduler.schedule(cpe)

    def reschedule(self, cpe: CPE) -> None:
        """Take up events that were raised on a CPE."""
        cpe.reschedule(self._clock())
        self.scheduler.schedule(cpe)

    def may_send_until(self, until: float) -> None:
        """From that time of the clock on, sessions send nothing, and CPEs accept nothing."""
        self._runner.until = until
        if self._carried is not None:
            self._carried.may_send_until(until)

    def may_send(self, now: float) -> bool:
        """Whether CPEs may send anything at that time, be it outside of sessions."""
        return not self._refusal and now < self._runner.until

    def suspend(self, reason: str) -> None:
        """
        End all sessions now, and begin none and accept no Connection Request until ``start``.

        For callbacks of the loop: it does not wait.

        Args:
            reason: why the sessions fail, and what is said of refused Connection Requests.
        """
        self._refusal = reason
        self.scheduler.suspend(reason)

    def wait_for_sessions_of(self, indices: Iterable[int], seconds: float) -> None:
        """Wait until these CPEs are in no session, for that many seconds at most."""
        deadline = self._clock() + seconds
        for index in indices:
            while index in self.scheduler.active and self._clock() < deadline:
                gevent.sleep(LOOK_SECONDS)

    def drain(self, seconds: float, stop_waiting: gevent.event.Event | None = None) -> None:
        """Begin no more sessions, and wait that long for those that run, or until the event."""
        self._refusal = "the fleet is stopping"
        self.scheduler.stop()
        self.scheduler.wait_for_sessions(seconds, stop_waiting)

    def stop(self) -> None:
        """Switch off all CPEs."""
        self.drain(0)
        self.power_off(list(self.cpes))
        self._release()

    def abandon(self) -> None:
        """Cut what still runs and forget all CPEs; the books are closed, and stay as they are."""
        self.drain(0)
        self.power_off([*self.scheduler.active, *self._transfers.running])
        self.cpes.clear()
        self.scheduler.clear()
        self._release()

    def _release(self) -> None:
        self._loop_budget.stop()
        if self._carried is not None:
            self._carried.close()

    # The books.

    @property
    def examples(self) -> dict[str, FailureExample]:
        """The first session that failed for each reason."""
        return self._accounting.examples

    def book(self, results: Results) -> None:
        """Add what has become of events, transfers and sessions so far (decision D9)."""
        scheduler = self.scheduler
        scheduler.catch_up_all()
        if self._carried is not None:
            self._carried.book(results)
        self._accounting.book(results, self._clock(), scheduler.active.values(), scheduler.waiting)
        results.count("informs.not_begun", scheduler.not_begun)

    def close_books(self, results: Results) -> None:
        """Add the books at the end of a run, with what is pending."""
        self.book(results)
        self._accounting.book_pending(results, self.cpes)


_CREDENTIALS = {
    quirks.CR_BASIC: BasicCredentials,
    quirks.CR_NO_QOP: OldDigestCredentials,
}
"""The credentials of devices that do not ask for them as the standard says."""
