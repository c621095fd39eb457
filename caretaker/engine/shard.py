"""
The CPEs of one process and the scheduler that runs their sessions (decision D2).

An idle CPE is an object and a due time in a heap. When it is due, or a Connection Request makes it
so, a greenlet runs its session and ends with it. One greenlet owns a CPE while its session runs;
the Connection Request server only adds an event and a due time, without yielding, so no locks.

All of this runs in one gevent loop.
"""

from __future__ import annotations

import logging
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Mapping
from heapq import heappop, heappush
from math import inf
from typing import NamedTuple

import gevent
import gevent.event
import gevent.lock
from gevent import Greenlet

from caretaker.cwmp.faults import FaultCode
from caretaker.cwmp.outcome import Outcome
from caretaker.cwmp.session import CPESession
from caretaker.device import events as ev
from caretaker.device import transfers
from caretaker.device.context import FleetContext
from caretaker.device.cpe import CPE
from caretaker.device.transfer import Transfer, TransferState
from caretaker.engine.cr_rate_limit import RateLimit
from caretaker.engine.file_transfer import FileTransferClient, FileTransferResult
from caretaker.engine.loop_budget import LoopBudget
from caretaker.engine.outages import PowerCuts
from caretaker.engine.recorder import Recorder
from caretaker.engine.timer import Timer
from caretaker.errors import (
    Blame,
    DeviceBusy,
    DeviceNotFound,
    EnvelopeError,
    LoadShed,
    SessionError,
    TransportError,
)
from caretaker.http.digest import BasicCredentials, Credentials, OldDigestCredentials
from caretaker.http.transport import Answer, Transport
from caretaker.profiles import ProfileMix, quirks
from caretaker.stats.records import ExchangeRecord, SessionRecord, Sink
from caretaker.stats.results import Results
from caretaker.stats.timeline import Timeline

_log = logging.getLogger(__name__)

STATES = ("idle", "in_session", "waiting", "retrying", "dark")
"""
What a CPE can be: between sessions; in one; waiting for its place, as too many run; waiting for the
retry of one; without power.
"""


class _RunningSession:
    """A session that is being run."""

    __slots__ = ("answers", "cpe", "greenlet", "record", "session")

    def __init__(self, cpe: CPE, session: CPESession, record: SessionRecord) -> None:
        self.cpe = cpe
        self.session = session
        self.record = record
        self.greenlet: Greenlet[..., None] | None = None
        self.answers = 0


class Example(NamedTuple):
    """A session that failed: whose, when (seconds of the run), and for which events."""

    serial_number: str
    at: float
    events: tuple[str, ...]


class Shard:
    """
    The CPEs of this process.

    Args:
        mix: which profile a CPE has.
        premises: what the CPEs share.
        open_transport: a transport for a session of this CPE at this time.
        sink: takes the records.
        clock: seconds, going forward.
        max_sessions: how many run at once, to protect this machine; further ones wait, which
            shows as lateness.
        rate_limit: of Connection Requests.
        sleep: waits that many seconds; for devices that are slow.
        mover: moves the bytes of real transfers, at most ``max_sessions`` at once.
        timeline: takes what happens, second by second.
        recorder: keeps sessions; it has opened their transports.
    """

    def __init__(
        self,
        mix: ProfileMix,
        context: FleetContext,
        open_transport: Callable[[CPE, float], Transport],
        sink: Sink,
        *,
        clock: Callable[[], float] = time.monotonic,
        max_sessions: int = 1000,
        rate_limit: RateLimit | None = None,
        sleep: Callable[[float], object] = gevent.sleep,
        mover: FileTransferClient | None = None,
        timeline: Timeline | None = None,
        recorder: Recorder | None = None,
    ) -> None:
        self.cpes: dict[int, CPE] = {}
        self.context = context
        self.timeline = timeline or Timeline(clock())
        self.retrying: set[int] = set()
        """The CPEs that wait for the retry of a session that failed."""
        self.examples: dict[str, Example] = {}
        """The first session that failed of each reason."""
        self.power_cuts = PowerCuts()
        """The CPEs whose power was cut."""
        self._mix = mix
        self._open_transport = open_transport
        self._sink = sink
        self._clock = clock
        self._max_sessions = max_sessions
        self._rate_limit = rate_limit or RateLimit()
        self._sleep = sleep
        self._mover = mover
        self._recorder = recorder
        self._moving: dict[int, dict[Transfer, Greenlet[..., None]]] = {}
        self._movers = gevent.lock.BoundedSemaphore(max_sessions)
        self._heap: list[tuple[float, int]] = []
        # CPEs due beyond max_sessions, with their due time. A plain dict takes the longer to give
        # its first entry the more were taken from it before.
        self._waiting: OrderedDict[int, float] = OrderedDict()
        self._running: dict[int, _RunningSession] = {}
        self._idle = gevent.event.Event()
        self._idle.set()
        self._timer = Timer(clock, self._launch_due)
        self._started = False
        self._stopping = False
        self._loop_budget = LoopBudget()

    # CPEs.

    def power_on(self, index: int, delay: float = 0.0) -> None:
        """Switch on the CPE of this index; its first session is after ``delay`` seconds."""
        self._add(index).power_on(self._clock(), delay)
        self.schedule(self.cpes[index])

    def resume(self, index: int) -> None:
        """Take up the CPE of this index as one that has been running for days."""
        self._add(index).resume(self._clock())
        self.schedule(self.cpes[index])

    def _add(self, index: int) -> CPE:
        cpe = self.cpes[index] = CPE(index, self._mix[index], self.context)
        return cpe

    def power_off(self, indices: Iterable[int]) -> None:
        """Switch off and forget CPEs; a session that runs is cut, as without power."""
        gone = [cpe for index in indices if (cpe := self.cpes.pop(index, None)) is not None]
        self._cut(gone)
        for cpe in gone:
            self.power_cuts.discard(cpe.index)
            cpe.power_off(self._clock())

    def power_cut(self, until: Mapping[int, float]) -> None:
        """Cut the power of CPEs until a time each; a session that runs is cut, too."""
        found = [cpe for index in until if (cpe := self.cpes.get(index)) is not None]
        self._cut(found)
        for cpe in found:
            if self.cpes.get(cpe.index) is cpe:  # not switched off for good meanwhile
                cpe.powered = True
                cpe.power_cut(self._clock(), until[cpe.index])
                self.power_cuts.add(cpe.index, until[cpe.index])
                self.schedule(cpe)

    def _cut(self, cpes: Iterable[CPE]) -> None:
        """Leave CPEs without power: nothing of theirs goes on."""
        cpes = list(cpes)
        for cpe in cpes:
            self._waiting.pop(cpe.index, None)
            self.retrying.discard(cpe.index)
            cpe.powered = False
        for cpe in cpes:
            gevent.killall(list(self._moving.pop(cpe.index, {}).values()), block=False)
        cut = [run for cpe in cpes if (run := self._running.get(cpe.index)) is not None]
        gevent.killall([run.greenlet for run in cut if run.greenlet is not None])
        for run in cut:
            if self._running.get(run.cpe.index) is run:  # its greenlet had not even begun
                self._end(run)
        if cut:
            self._launch_waiting()

    def sample(self) -> None:
        """Note on the timeline how the fleet is; takes no walk over it."""
        now = self._clock()
        on = len(self.cpes) - self.power_cuts.count(now)
        self.timeline.sample(now, on, len(self.retrying), len(self.power_cuts.absent))

    def in_state(self, state: str) -> Collection[int]:
        """The CPEs in one of ``STATES``, in no order; of those that are idle all may be."""
        members: dict[str, Collection[int]] = {
            "in_session": self._running,
            "waiting": self._waiting,
            "retrying": self.retrying,
            "dark": self.power_cuts,
        }
        return members.get(state, self.cpes)

    def state_of(self, index: int) -> str:
        """Which of ``STATES`` a CPE is in."""
        return next((state for state in STATES[1:] if index in self.in_state(state)), STATES[0])

    def states(self) -> dict[str, int]:
        """How many CPEs are in each of ``STATES``; takes no walk over the fleet."""
        self.power_cuts.count(self._clock())
        busy = {state: len(self.in_state(state)) for state in STATES[1:]}
        busy["retrying"] -= len(self._waiting.keys() & self.retrying)
        return {STATES[0]: max(0, len(self.cpes) - sum(busy.values())), **busy}

    def cpe(self, serial_number: str) -> CPE:
        """The CPE of a serial number; DeviceNotFound if it is not here."""
        index = self.context.identities.index_of(serial_number)
        found = self.cpes.get(index) if index is not None else None
        if found is None:
            raise DeviceNotFound(serial_number)
        return found

    # Connection Requests.

    def credentials(self, serial_number: str) -> Credentials:
        """The credentials a Connection Request must show, as they are now (TR-069 3.2.2.2)."""
        cpe = self.cpe(serial_number)
        now = self._clock()
        kinds = [kind for quirk, kind in _CREDENTIALS.items() if quirk in cpe.profile.quirks]
        return (kinds or [Credentials])[0](
            cpe.management_value("ConnectionRequestUsername", now),
            cpe.management_value("ConnectionRequestPassword", now),
        )

    def connection_request(self, serial_number: str) -> None:
        """
        Accept an authenticated Connection Request; its session begins when the caller yields.

        Raises:
            DeviceNotFound: no such CPE here.
            DeviceBusy: it refuses just now.
        """
        cpe = self.cpe(serial_number)
        now = self._clock()
        if self._stopping:
            raise DeviceBusy("the fleet is stopping")
        if not self._rate_limit.allows(cpe.index, now):
            raise DeviceBusy("too many Connection Requests")
        cpe.connection_request(now)
        self.schedule(cpe)

    # The scheduler.

    def start(self) -> None:
        """Begin to run sessions."""
        self._stopping = False
        self._started = True
        self._launch_due()

    def schedule(self, cpe: CPE) -> None:
        """
        Take note of a CPE's due time; launch its session if that is now.

        The heap holds one entry that counts for a CPE, the earliest; a later due time is only
        looked up when that entry comes up. So it does not grow with the number of sessions.
        """
        due = cpe.due
        if self._started and due <= self._clock():
            self._launch(cpe)
        elif due < cpe.scheduled_at:
            cpe.scheduled_at = due
            heappush(self._heap, (due, cpe.index))
            if self._started:
                self._timer.set(self._heap[0][0])

    def reschedule(self, cpe: CPE) -> None:
        """Take note of events that were raised on a CPE."""
        cpe.reschedule(self._clock())
        self.schedule(cpe)

    def _launch_due(self) -> None:
        """Launch what is due, and be woken for what is due next; runs in the loop itself."""
        heap, now = self._heap, self._clock()
        while heap and heap[0][0] <= now:
            due, index = heappop(heap)
            cpe = self.cpes.get(index)
            if cpe is not None and cpe.scheduled_at == due:
                cpe.scheduled_at = inf
                self.schedule(cpe)
        if heap:
            self._timer.set(heap[0][0])

    def _launch(self, cpe: CPE) -> None:
        if cpe.index in self._waiting:
            return
        if len(self._running) >= self._max_sessions:
            self._waiting[cpe.index] = cpe.due
        else:
            run = self._begin(cpe, cpe.due)
            if run is not None:
                run.greenlet = gevent.spawn(self._run, run)

    def _begin(self, cpe: CPE, planned: float) -> _RunningSession | None:
        """The session that begins now; None when nothing asks for one any more."""
        now = self._clock()
        accepted = cpe.accepted_at
        session = cpe.begin_session(now)
        if cpe.transfers or self._moving:
            self._move(cpe)
        if session is None:
            self.schedule(cpe)
            return None
        codes = tuple([event.event_code for event in cpe.session_events])
        self.timeline.planned(planned)
        if cpe.failures:
            self.retrying.discard(cpe.index)
        answers = accepted if accepted and ev.CONNECTION_REQUEST in codes else None
        run = _RunningSession(cpe, session, SessionRecord(codes, planned, now, accepted=answers))
        self._idle.clear()
        self._running[cpe.index] = run
        return run

    def _run(self, run: _RunningSession) -> None:
        """Run a session, and in the same greenlet one that waits for its place, and so on."""
        following: _RunningSession | None = run
        while following is not None:
            run = following
            try:
                self._try(run)
            finally:
                self._end(run)
            following = self._next_waiting()
            if following is not None:
                following.greenlet = run.greenlet
                if run.record.outcome is Outcome.ABANDONED:  # who has killed it waits for its end
                    following.greenlet = gevent.spawn(self._run, following)
                    return

    def _try(self, run: _RunningSession) -> None:
        try:
            self._talk(run)
        except TransportError as error:
            run.record.fail(str(error), error.blame)
        except (EnvelopeError, SessionError) as error:
            run.record.fail(str(error), Blame.ACS)
        except gevent.GreenletExit:
            pass  # the power is off: abandoned, as it is until something else is known
        except Exception:  # noqa: BLE001  # one broken device never takes the fleet down
            _log.exception("a session failed by a bug of Caretaker")
            run.record.fail("bug of Caretaker", Blame.OURS)

    def _end(self, run: _RunningSession) -> None:
        now = self._clock()
        cpe, record = run.cpe, run.record
        del self._running[cpe.index]
        record.seconds = now - record.started
        if cpe.powered:
            cpe.end_session(record.outcome, now)
            if cpe.failures:
                self.retrying.add(cpe.index)
            elif self.power_cuts.absent:
                self.power_cuts.absent.discard(cpe.index)
        if record.reason is not None and record.reason not in self.examples:
            self.examples[record.reason] = Example(
                cpe.serial_number, self.timeline.seconds(record.started), record.events
            )
        self.timeline.session(record)
        self._sink.session(record)  # which may ask when the CPE is due again
        if self._recorder is not None:
            self._recorder.session(cpe, record)
        if cpe.powered:
            if cpe.transfers or self._moving:
                self._move(cpe)
            self.schedule(cpe)
        if not self._running:
            self._idle.set()

    def _launch_waiting(self) -> None:
        while (run := self._next_waiting()) is not None:
            run.greenlet = gevent.spawn(self._run, run)

    def _next_waiting(self) -> _RunningSession | None:
        """The first of the sessions that wait for a place; None if there is none."""
        while self._waiting and self._started and len(self._running) < self._max_sessions:
            index, planned = self._waiting.popitem(last=False)
            run = self._begin(self.cpes[index], planned)
            if run is not None:
                return run
        return None

    # A session.

    def _talk(self, run: _RunningSession) -> None:
        session = run.session
        transport = self._open_transport(run.cpe, run.record.started)
        try:
            body = session.next_post()
            while body is not None:
                if session.answering:
                    self._think(run)
                self._exchange(run, transport, body)
                body = session.next_post()
        finally:
            transport.close()
        run.record.outcome = Outcome.SUCCEEDED

    def _think(self, run: _RunningSession) -> None:
        """Let a device that is slow take its time before it answers the ACS."""
        run.answers += 1
        seconds = run.cpe.thinking_time(run.answers)
        if seconds:
            self._sleep(seconds)

    def _exchange(self, run: _RunningSession, transport: Transport, body: bytes) -> None:
        started = self._clock()
        session, record = run.session, run.record
        name, received = session.name, 0
        try:
            answer = transport.post(body)
            received = len(answer.body)
            if answer.body and record.informed is not None:  # it asks for something, maybe for much
                self._loop_budget.wait()
            session.receive(_body(answer), self._clock())
        except (TransportError, EnvelopeError, SessionError) as error:
            self._record(name, started, len(body), received, str(error))
            raise
        finally:
            if record.inform_sent is None:
                record.inform_sent = transport.sent_at
        now = self._record(name, started, len(body), received, None)
        if record.informed is None and session.established:
            record.informed = now

    def _record(
        self, name: str, started: float, sent: int, received: int, reason: str | None
    ) -> float:
        now = self._clock()
        self._sink.exchange(
            ExchangeRecord(name, started, now - started, sent, received, reason=reason)
        )
        return now

    # Transfers that move bytes.

    def _move(self, cpe: CPE) -> None:
        """Begin what the CPE has begun to fetch or send, and end what it has given up."""
        if self._mover is None:
            return
        moving, wanted = self._moving.pop(cpe.index, {}), transfers.wanted(cpe)
        gevent.killall([moving[each] for each in moving if each not in wanted], block=False)
        if wanted:
            self._moving[cpe.index] = {
                each: moving.get(each) or gevent.spawn(self._transfer, self._mover, cpe, each)
                for each in wanted
            }

    def _transfer(self, mover: FileTransferClient, cpe: CPE, transfer: Transfer) -> None:
        with self._movers:
            try:
                moved = mover.move(transfer.request)
            except Exception:  # noqa: BLE001  # one broken transfer never takes the fleet down
                _log.exception("a transfer failed by a bug of Caretaker")
                moved = FileTransferResult(FaultCode.INTERNAL_ERROR)
        counts = self.context.transfer_counts
        counts["bytes_sent"] += moved.sent
        counts["bytes_received"] += moved.received
        transfers.moved(cpe, transfer, moved.fault_code, self._clock())
        self.reschedule(cpe)

    # The end.

    def drain(self, seconds: float, stop_waiting: gevent.event.Event | None = None) -> None:
        """Begin no more sessions, and wait that long for those that run, or until the event."""
        self._stopping = True
        self._started = False
        self._timer.stop()
        waiting, self._waiting = self._waiting, OrderedDict()
        for index, planned in waiting.items():
            self.timeline.planned(planned)
            self.schedule(self.cpes[index])
        if stop_waiting is None:
            self._idle.wait(seconds)
        else:
            gevent.wait([self._idle, stop_waiting], seconds, 1)

    def stop(self) -> None:
        """Switch off all CPEs."""
        self.drain(0)
        self.power_off(list(self.cpes))
        self._loop_budget.stop()

    def abandon(self) -> None:
        """Cut what still runs and forget all CPEs; the books are closed, and stay as they are."""
        self.drain(0)
        self.power_off([*self._running, *self._moving])
        self.cpes.clear()
        self._heap.clear()
        self._loop_budget.stop()

    # The books.

    def book(self, results: Results) -> None:
        """Add what has become of events and sessions so far (decision D9)."""
        books = self.context.books
        for code, number in books.raised.items():
            results.count(f"events.raised.{code}", number)
        for code, number in books.delivered.items():
            results.count(f"events.delivered.{code}", number)
        for (code, why), number in books.discarded.items():
            results.count(f"events.discarded.{why}.{code}", number)
        for name, number in self.context.transfer_counts.items():
            results.count(f"transfers.{name}", number)
        results.count("informs.planned", self.timeline.count("informs_planned"))
        results.count("sessions.started", len(self._running))
        results.count("sessions.unfinished", len(self._running))

    def close_books(self, results: Results) -> None:
        """
        Add the books at the end of a run, with what is pending.

        That is counted by looking, not by subtraction: so the books can be wrong, and then say so.
        All is looked at in one moment; counting it, which takes longer, leaves the loop its turns.
        """
        self.book(results)
        cpes = self.cpes.values()
        told = [cpe.session_events for cpe in cpes if cpe.session_events]
        pending = told + [cpe.events for cpe in cpes if cpe.events]
        under_way = [
            t for cpe in cpes for t in cpe.transfers if t.state is not TransferState.COMPLETED
        ]
        results.count("transfers.pending", len(under_way))
        for events in pending:
            self._loop_budget.wait()
            for event in events:
                results.count(f"events.pending.{event.event_code}")


_CREDENTIALS = {
    quirks.CR_BASIC: BasicCredentials,
    quirks.CR_NO_QOP: OldDigestCredentials,
}
"""The credentials of devices that do not ask for them as the standard says."""


def _body(answer: Answer) -> bytes:
    """The envelope of an answer, or nothing; any other status fails the session (3.4.2)."""
    if answer.status == 200:
        return answer.body
    if answer.status == 204:
        return b""
    if answer.status == 503:
        raise LoadShed("HTTP 503")
    raise SessionError(f"HTTP {answer.status}")
