"""Runs one session of a CPE over its transport, and records how the session went."""

from __future__ import annotations

import logging
from collections.abc import Callable
from math import inf

import gevent

from caretaker.cwmp.outcome import Outcome
from caretaker.device.cpe import CPE
from caretaker.engine.accounting import Accounting
from caretaker.engine.active_session import THINKING, TURN, ActiveSession
from caretaker.engine.loop_budget import LoopBudget
from caretaker.engine.open_transport import OpenTransport
from caretaker.engine.outages import PowerCuts
from caretaker.engine.transfer_runner import TransferRunner
from caretaker.errors import (
    Blame,
    EnvelopeError,
    LimitError,
    LoadShed,
    SessionError,
    TransportError,
)
from caretaker.http.transport import Answer
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
        session = cpe.begin_session(now)
        self._transfers.update(cpe)
        if session is None:
            return None
        if cpe.failures:
            self.retrying.discard(cpe.index)
        active = ActiveSession(cpe, session, planned, now)
        request = cpe.context.accepted.pending.get(cpe.index)
        if request is not None:
            active.way, active.accepted = request
        found = min(now, queued)
        active.lateness, active.place_wait = max(0.0, found - free), now - found
        return active

    def run(self, active: ActiveSession) -> None:
        """Exchange messages until the session is over, and note how it ended."""
        started = self._clock()  # under load its turn comes long after it was launched
        active.lateness += started - active.started
        active.started = started
        try:
            self._exchange_all(active)
        except TransportError as error:
            active.fail(self._reasons.of(error.reason, error.quoted), error.blame)
        except (EnvelopeError, SessionError) as error:
            active.fail(self._reasons.of(error.reason, error.quoted), Blame.ACS)
        except gevent.GreenletExit:
            pass  # the power is off: the outcome stays ABANDONED, as it was from the begin
        except Exception:  # noqa: BLE001  # one broken device never takes the fleet down
            _log.exception("a session failed by a bug of Caretaker")
            active.fail(BUG, Blame.OURS)

    def end(self, active: ActiveSession) -> None:
        """Settle on its CPE how the session ended, and account for it."""
        now = self._clock()
        cpe = active.cpe
        if cpe.powered:
            cpe.end_session(active.outcome, now)
            if cpe.failures:
                self.retrying.add(cpe.index)
            elif self._power_cuts.absent:
                self._power_cuts.absent.discard(cpe.index)
        self._accounting.session(cpe, active.record(now))
        if cpe.powered:
            self._transfers.update(cpe)

    # Exchanges.

    def _exchange_all(self, active: ActiveSession) -> None:
        session = active.session
        transport = active.transport = self._open_transport(active.cpe, active.started)
        try:
            body = session.next_post()
            while body is not None:
                if session.answering:
                    self._delay_answer(active)
                self._exchange(active, body)
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

    def _exchange(self, active: ActiveSession, body: bytes) -> None:
        started = active.since = self._clock()
        if started >= self.until:
            raise LimitError(FENCED)
        active.exchanges += 1
        if active.exchanges > MAX_EXCHANGES or started - active.started > MAX_SECONDS:
            raise SessionError("a session without an end")
        active.own_wait = None
        session, transport = active.session, active.transport
        assert transport is not None
        name, received = session.name, 0
        try:
            answer = transport.post(body)
            received = len(answer.body)
            # Requests may be for a whole tree, and an ACS may answer an Inform with anything.
            if received > SHORT_BYTES or (received and active.informed is not None):
                active.own_wait, active.since = TURN, self._clock()
                self._loop_budget.wait()
            session.receive(_envelope(answer), self._clock())
        except (TransportError, EnvelopeError, SessionError) as error:
            reason = self._reasons.of(error.reason, error.quoted)
            self._record(name, started, len(body), received, reason)
            raise
        finally:
            if active.inform_sent is None:
                active.note_inform()
        now = self._record(name, started, len(body), received, None)
        if active.informed is None and session.established:
            active.informed = now

    def _record(
        self, name: str, started: float, sent: int, received: int, reason: str | None
    ) -> float:
        """Hand on the record of an exchange that ends now; returns when that is."""
        now = self._clock()
        fields = (name, started, now - started, sent, received, reason)
        self._sink.exchange(tuple.__new__(ExchangeRecord, fields))
        return now


def _envelope(answer: Answer) -> bytes:
    """The envelope of an answer, or nothing; any other status fails the session (3.4.2)."""
    if answer.status == 200:
        return answer.body
    if answer.status == 204:
        return b""
    if answer.status == 503:
        raise LoadShed("HTTP 503")
    raise SessionError(f"HTTP {answer.status}", quotation(answer.body))
