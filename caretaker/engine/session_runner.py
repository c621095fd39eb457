"""Runs one session of a CPE over its transport, and records how the session went."""

from __future__ import annotations

import logging
from collections.abc import Callable
from math import inf

import gevent

from caretaker.cwmp.outcome import Outcome
from caretaker.device.accepted_requests import AcceptedRequests
from caretaker.device.cpe import CPE
from caretaker.engine.accounting import Accounting
from caretaker.engine.active_session import THINKING, TURN, ActiveSession
from caretaker.engine.cpe_store import CPEStore
from caretaker.engine.loop_budget import LoopBudget
from caretaker.engine.open_transport import OpenTransport
from caretaker.engine.outages import PowerCuts
from caretaker.engine.transfer_runner import TransferRunner
from caretaker.errors import (
    Blame,
    EnvelopeError,
    LimitError,
    LoadShed,
    ReasonError,
    SessionError,
    TransportError,
)
from caretaker.http.transport import Answer, Transport
from caretaker.quoting import quotation
from caretaker.reasons import BUG, FENCED, BoundedReasons
from caretaker.stats.records import ExchangeRecord, Sink

MAX_EXCHANGES = 20_000
"""POSTs of one session: a session that has no end is ended, and is the ACS's failure."""
MAX_SECONDS = 3600.0
"""Length of a session, likewise; it is looked at before each POST."""

SHORT_BYTES = 1024
"""Of an answer to an Inform that is read at once; an InformResponse has half as many."""

_log = logging.getLogger(__name__)


class SessionRunner:
    """
    Begins, runs and ends sessions; when and how many at once is the scheduler's affair.

    Args:
        open_transport: a transport for a session of this CPE at this time.
        sink: takes the records of exchanges.
        accounting: takes the sessions.
        accepted: the Connection Requests that CPEs have accepted.
        transfers: runs the transfers that a session has begun.
        power_cuts: the CPEs whose power was cut.
        loop_budget: spreads long answers over turns of the loop.
        clock: seconds, going forward.
        sleep: waits that many seconds; for devices that are slow.
    """

    def __init__(
        self,
        *,
        open_transport: OpenTransport,
        sink: Sink,
        accounting: Accounting,
        accepted: AcceptedRequests,
        transfers: TransferRunner,
        power_cuts: PowerCuts,
        loop_budget: LoopBudget,
        clock: Callable[[], float],
        sleep: Callable[[float], object],
    ) -> None:
        self.retrying: set[int] = set()
        """The CPEs whose last session failed and that wait for its retry."""
        self.until = inf
        """
        Until when messages may be sent, on the clock.

        After a freeze of this process all that its loop had found ready goes on before any watcher
        can end the sessions.
        """
        self._open_transport = open_transport
        self._sink = sink
        self._accounting = accounting
        self._accepted = accepted
        self._transfers = transfers
        self._power_cuts = power_cuts
        self._loop_budget = loop_budget
        self._clock = clock
        self._sleep = sleep
        self._reasons = BoundedReasons()

    def begin(self, cpe: CPE, planned: float, queued: float) -> ActiveSession | None:
        """
        The session that begins now; None when nothing asks for one any more.

        Args:
            cpe: whose session it is.
            planned: when it was due.
            queued: when it began to wait for a place; infinity if it found one at once.
        """
        now = self._clock()
        # An ACS that keeps a CPE in session beyond its next due time does not make us late.
        free = max(planned, cpe.ended_at)
        has_begun = cpe.open_session(now)
        self._transfers.update(cpe)
        if not has_begun:
            return None
        if cpe.failures:
            self.retrying.discard(cpe.index)
        active = ActiveSession(cpe, planned, now)
        request = cpe.context.accepted.pending.get(cpe.index)
        if request is not None:
            active.way, active.accepted = request
        found = min(now, queued)
        active.lateness, active.place_wait = max(0.0, found - free), now - found
        return active

    def begin_resting(
        self, cpes: CPEStore, index: int, planned: float, queued: float
    ) -> ActiveSession | None:
        """As ``begin``, of a CPE that rests; None if its object is needed for what is due."""
        if index in self._accepted.pending or index in self._transfers.running:
            return None
        now = self._clock()
        row = cpes.periodic_row(index, now)
        if row is None:
            return None
        active = ActiveSession((cpes, row), planned, now)
        free, found = max(planned, cpes.begin_session(row, active)), min(now, queued)
        active.lateness, active.place_wait = max(0.0, found - free), now - found
        return active

    def starts(self, active: ActiveSession) -> None:
        """Note that a session that has begun is given its turn: under load that is long after."""
        now = self._clock()
        active.lateness += now - active.started
        active.started = now

    def run(self, active: ActiveSession) -> None:
        """Exchange messages until the session is over, and note how it ended."""
        if not active.handed_over:
            self.starts(active)
        try:
            self._exchange_all(active)
        except gevent.GreenletExit:
            pass  # the power is off: the outcome stays ABANDONED, as it was from the begin
        except Exception as error:  # noqa: BLE001  # one broken device never takes the fleet down
            self.fail(active, error)

    def fail(self, active: ActiveSession, error: Exception) -> None:
        """Note why a session has failed."""
        if isinstance(error, TransportError):
            active.fail(self._reasons.of(error.reason, error.quoted), error.blame)
        elif isinstance(error, EnvelopeError | SessionError):
            active.fail(self._reasons.of(error.reason, error.quoted), Blame.ACS)
        else:
            _log.error("a session failed by a bug of Caretaker", exc_info=error)
            active.fail(BUG, Blame.OURS)

    def end(self, active: ActiveSession, now: float) -> None:
        """Settle on its CPE how the session ended, and account for it."""
        cpe = active.cpe
        if cpe.powered:
            cpe.end_session(active.outcome, now)
            if cpe.failures:
                self.retrying.add(cpe.index)
            elif self._power_cuts.absent:
                self._power_cuts.absent.discard(cpe.index)
        self._accounting.session(active.record(now), cpe)
        if cpe.powered:
            self._transfers.update(cpe)

    def end_resting(self, active: ActiveSession, now: float) -> None:
        """Account for a session that has succeeded, whose CPE rests."""
        if self._power_cuts.absent:
            self._power_cuts.absent.discard(active.index)
        self._accounting.session(active.record(now), active.index)

    # Exchanges.

    def _exchange_all(self, active: ActiveSession) -> None:
        session, transport = active.session, active.transport
        if transport is None:
            transport = self._open_transport(active.cpe, active.started)
            active.transport = transport
        try:
            if active.handed_over:
                self._exchange(active, transport)
            body = session.next_post()
            while body is not None:
                if session.answering:
                    self._delay_answer(active)
                self.post_begins(active, session.name, body)
                self._exchange(active, transport)
                body = session.next_post()
        finally:
            transport.close()
        active.outcome = Outcome.SUCCEEDED

    def _delay_answer(self, active: ActiveSession) -> None:
        """Let a slow device take its time before it answers the ACS."""
        active.answers += 1
        seconds = active.cpe.thinking_time(active.answers)
        if seconds:
            active.own_wait, active.since = THINKING, self._clock()
            self._sleep(seconds)

    def post_begins(self, active: ActiveSession, name: str, body: bytes) -> None:
        """
        Note what is POSTed now.

        Raises:
            LimitError: nothing may be sent any more.
            SessionError: the session has no end.
        """
        now = self._clock()
        if now >= self.until:
            raise LimitError(FENCED)
        if active.exchanges >= MAX_EXCHANGES or now - active.started > MAX_SECONDS:
            raise SessionError("a session without an end")
        active.post_begins(name, body, now)

    def _exchange(self, active: ActiveSession, transport: Transport) -> None:
        try:
            answer = transport.post(active.body)
            self.await_turn(active, len(answer.body))
            self.take_answer(active, answer)
        except (TransportError, EnvelopeError, SessionError) as error:
            self.exchange_failed(active, error)
            raise
        finally:
            active.note_inform()

    def await_turn(self, active: ActiveSession, received: int) -> None:
        """Wait for a turn of the loop that has time for an answer of so many bytes."""
        active.received = received
        # Requests may be for a whole tree, and an ACS may answer an Inform with anything.
        if received > SHORT_BYTES or (received and active.informed is not None):
            active.own_wait, active.since = TURN, self._clock()
            self._loop_budget.wait()

    def take_answer(self, active: ActiveSession, answer: Answer) -> None:
        """Give the session the answer to its POST; raises what is wrong with it."""
        active.session.receive(_envelope(answer), self._clock())
        now = self._clock()
        self.exchange_ended(active, now)
        if active.informed is None and active.session.established:
            active.informed = now

    def exchange_failed(self, active: ActiveSession, error: ReasonError) -> None:
        """Hand on the record of the exchange that fails now."""
        self.exchange_ended(active, self._clock(), self._reasons.of(error.reason, error.quoted))

    def exchange_ended(
        self, active: ActiveSession, now: float, reason: str | None = None
    ) -> None:  # fmt: skip
        """Hand on the record of the exchange that has ended."""
        active.awaits_answer = False
        fields = (
            active.name,
            active.posted_at,
            now - active.posted_at,
            len(active.body),
            active.received,
            reason,
        )
        self._sink.exchange(tuple.__new__(ExchangeRecord, fields))


def _envelope(answer: Answer) -> bytes:
    """The envelope of an answer, or nothing; any other status fails the session (3.4.2)."""
    if answer.status == 200:
        return answer.body
    if answer.status == 204:
        return b""
    if answer.status == 503:
        raise LoadShed("HTTP 503")
    raise SessionError(f"HTTP {answer.status}", quotation(answer.body))
