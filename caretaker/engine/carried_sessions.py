"""
Sessions that the I/O engine carries: no greenlet runs them, and most need no ``CPESession``.

Most sessions are plain: an Inform of a template, an InformResponse that is as all others, an empty
POST and an empty answer. The engine does all of that by itself and tells of it at the end; here the
changes of the CPE's state are made, at the times at which they were due. A first challenge is
answered, and cookies of a new kind with such an InformResponse are sent back, and the session stays
plain. What else the engine asks about is answered by the session that the CPE would have with a
greenlet: requests of the ACS, other challenges, faults. What it can't read, and what needs another
connection, is handed over to a greenlet, which goes on with the same session over the same
connection.
"""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from contextlib import suppress
from errno import ECANCELED, ECONNRESET, EPIPE
from typing import Any

import gevent

from caretaker.cwmp.outcome import SUCCEEDED
from caretaker.cwmp.session import State
from caretaker.device import plain_answers
from caretaker.engine.active_session import ActiveSession
from caretaker.engine.beginning_line import BeginningLine
from caretaker.engine.carriage import Carriage
from caretaker.engine.carried_messages import CarriedMessages
from caretaker.engine.carried_transports import CarriedTransports
from caretaker.engine.cpe_store import CPEStore
from caretaker.engine.engine_use import CLOSED, NOT_LOOKED_UP, EngineUse
from caretaker.engine.event_queue import EventQueue
from caretaker.engine.plain_exchanges import PlainExchanges
from caretaker.engine.session_runner import SessionRunner
from caretaker.errors import LimitError, ReasonError
from caretaker.http import io_engine
from caretaker.http.answer_forms import form_of
from caretaker.http.io_engine import IOEngine, connection_error
from caretaker.http.response_parser import Response, plain_head
from caretaker.http.sockets import Target
from caretaker.http.transport import HTTPTransport, answer_of
from caretaker.reasons import FENCED
from caretaker.stats.results import Results

_log = logging.getLogger(__name__)

_BY_GREENLET = (301, 302, 303, 307, 308, 415)
"""Statuses of answers after which the request goes elsewhere, or in another form."""
_LAST = (State.LISTENING, State.ANSWERING)
"""The states in which an empty answer ends the session."""
_LOST = (0, ECONNRESET, EPIPE)


class CarriedSessions:
    """
    The sessions of one worker that its I/O engine carries.

    Args:
        use: what the engine is used for.
        cpes: the CPEs by index.
        runner: knows what a session is made of; it runs those of greenlets, too.
        most: sessions at once.
        clock: seconds, going forward.
        ended: takes a session that is over, and when that was.
        go_on: has a greenlet go on with a session.
    """

    def __init__(
        self,
        use: EngineUse,
        cpes: CPEStore,
        runner: SessionRunner,
        *,
        most: int,
        clock: Callable[[], float],
        ended: Callable[[ActiveSession, float], None],
        go_on: Callable[[ActiveSession], None],
    ) -> None:
        self._use = use
        self._cpes = cpes
        self._endpoint = use.endpoint
        self._runner = runner
        self._clock = clock
        self._ended = ended
        self._go_on = go_on
        self._carriage = Carriage()
        self._sessions: dict[int, ActiveSession] = {}
        self._token = 0
        self._transports = CarriedTransports(use.endpoint)
        self._messages = CarriedMessages(self._transports.fresh)
        self._line = BeginningLine(clock, self._begin, self._flush)
        self._handlers: dict[int, Callable[[ActiveSession, Any], None]] = {
            io_engine.ANSWER: self._answered,
            io_engine.DETACHED: self._detached,
            io_engine.FAILED: self._failed,
        }
        self._io: IOEngine | None = None
        if use.module is not None and not use.off:
            timeout, clock = use.endpoint.timeout, use.endpoint.clock
            # Connections that have failed keep their places for a turn.
            most *= 2
            self._io = IOEngine(
                use.module, most=most, timeout=timeout, handle=self._hear, clock=clock
            )
            self._plain = PlainExchanges(self._io, runner, self._messages, self._transports)
            self._events = EventQueue(self._handle_guarded)

    # As the scheduler's carrier.

    def takes(self, active: ActiveSession) -> bool:
        """
        Take a session that has begun; False if all are for greenlets. Does not wait.

        Whether this one is for a greenlet shows when it is its turn, as with transports: an outage
        may begin until then.
        """
        if self._io is None:
            self._carriage.by_greenlet[self._use.off or CLOSED] += 1
            return False
        self._token += 1
        active.token = self._token
        self._sessions[active.token] = active
        self._line.add(active)
        return True

    def catch_up(self, active: ActiveSession) -> None:
        """Take up what has happened in a session so far, with its CPE as an object."""
        if self._io is None:
            return
        self._cpes.get(active.index)
        progress = self._io.progress(active.token)
        if progress is None:  # not begun, or over, and its event is still to be handled
            progress = self._events.progress(active.token)
        if progress is not None:
            self._plain.take_progress(active, *progress)

    def drop(self, active: ActiveSession) -> None:
        """Leave a session where it is: nothing more is sent in it, or heard of it."""
        self.catch_up(active)  # an Inform that was answered is not sent again
        self._close(active, reset=True)

    def _close(self, active: ActiveSession, *, reset: bool) -> None:
        """Close the connection of a session, if it has one, and forget the session."""
        if self._io is not None:
            with suppress(KeyError):
                self._io.drop(active.token, reset=reset)
        self._forget(active)

    def _forget(self, active: ActiveSession) -> None:
        self._sessions.pop(active.token, None)
        self._transports.forget(active.token)
        active.token = 0

    def may_send_until(self, until: float) -> None:
        """From that time of the clock on nothing is sent."""
        if self._io is not None:
            self._io.set_until(until)

    def close(self) -> None:
        """Leave all sessions, and give the descriptors of the engine back."""
        if self._io is not None:
            self._line.stop()
            self._io.close()
            self._io = None
            self._sessions.clear()
            self._events.close()  # nobody takes the connections that are in these

    def book(self, results: Results) -> None:
        """Add how many sessions were carried, and how many not, and why."""
        self._carriage.book(results)

    # Beginning.

    def _flush(self) -> None:
        if self._io is not None:
            self._io.flush()

    def _begin(self, active: ActiveSession) -> None:
        if active.token not in self._sessions:
            return
        try:
            targets = self._targets(active.index)
            reason = self._use.reason(active, self._clock()) if targets else NOT_LOOKED_UP
            if reason:
                self._carriage.by_greenlet[reason] += 1
                self._forget(active)
                self._go_on(active)
            else:
                self._carriage.carried += 1
                self._send_inform(active, targets)
        except Exception as error:  # noqa: BLE001  # one broken device never takes the fleet down
            gevent.spawn(self._fail, active, active.token, error)

    def _send_inform(self, active: ActiveSession, targets: list[Target]) -> None:
        io, messages = self._io, self._messages
        assert io is not None
        self._runner.starts(active)
        following = None if active.has_requests else messages.empty_post
        body = messages.inform(active)
        if body is None:
            body = active.session.next_post()
            assert body is not None
        self._runner.post_begins(active, "Inform", body)
        target = self._transports.begin_at(active, targets)
        deadline = active.posted_at + self._endpoint.timeout / len(targets)
        io.prepare(active.token, target, messages.post(body), following, deadline)

    def _targets(self, index: int) -> list[Target]:
        return self._endpoint.targets_at_once(self._endpoint.source(index))

    # Events.

    def _hear(self, events: list[io_engine.Event]) -> None:
        """Handle at once what does not wait, ends and most answers; the rest in a greenlet."""
        for event in events:
            if event[0] == io_engine.DONE:
                self._handle_guarded(event)
            elif event[0] != io_engine.ANSWER or not self._answers_at_once(event):
                self._events.put(event)

    def _answers_at_once(self, event: Any) -> bool:
        """Answer what is known; False: it is not, or nobody wants it any more."""
        token = event[1]
        active = self._sessions.get(token)
        if active is None:
            return False
        try:
            return self._plain.answer(active, event)
        except Exception as error:  # noqa: BLE001  # as in ``_handle``
            self._fail(active, token, error)
        return True

    def _handle_guarded(self, event: Any) -> None:
        try:
            self._handle(event)
        except Exception:  # noqa: BLE001  # the others go on
            _log.exception("a session could not be ended by a bug of Caretaker")

    def _handle(self, event: Any) -> None:
        kind, token = event[0], event[1]
        active = self._sessions.get(token)
        if active is None:  # it was dropped after this had happened
            if kind == io_engine.DETACHED:
                os.close(event[8])
            return
        try:
            if kind == io_engine.DONE:  # nearly always, so not by the table
                self._plain.take_progress(active, event[3], event[4], event[5], None)
                self._done(active, event[6])
            else:
                self._plain.take_event(active, event)
                self._handlers[kind](active, event)
        except Exception as error:  # noqa: BLE001  # as in a greenlet
            self._fail(active, token, error)

    def _done(self, active: ActiveSession, at: float) -> None:
        """The last answer was empty: the session is over."""
        if not active.is_plain:
            active.session.receive(b"", at)
        self._runner.exchange_ended(active, at)
        active.outcome = SUCCEEDED
        may_rest = active.row is None and active.is_plain and active.token not in self._transports
        self._forget(active)
        self._ended(active, at)
        if may_rest:
            self._cpes.rest_soon(active.index)

    def _answered(self, active: ActiveSession, event: io_engine.Answer) -> None:
        at, status, head, body = event[6:10]
        parts = plain_head(head)
        if status in _BY_GREENLET or parts is None:
            self._hand_over_answered(active, f"HTTP {status}", head + b"\r\n\r\n" + body)
            return
        response = Response(status, parts[1], body, keep_alive=True)
        client = self._transports.of(active)
        client.take_cookies(response)
        if not client.is_final(response):
            self._send(active, client)
        elif self._plain.is_known(active, response):
            self._plain.informed(active, body, at)
            self._post(active, client, "(empty)", b"")
        else:
            self._take_answer(active, client, response)

    def _take_answer(
        self, active: ActiveSession, client: HTTPTransport, response: Response
    ) -> None:
        """Have the session judge an answer, and send what it has to say."""
        token, answer = active.token, answer_of(response)
        self._runner.await_turn(active, len(answer.body))
        if active.token != token:  # the power is off
            return
        session = self._session(active)
        is_first = active.exchanges == 1  # an Inform that is repeated has another cwmp:ID
        self._runner.take_answer(active, answer)
        body = session.next_post()
        if body is None:
            active.outcome = SUCCEEDED
            self._end(active)
            return
        if is_first and not body and session.state is State.LISTENING:
            assert self._io is not None
            self._io.know(answer.body)
        elif session.name == plain_answers.NAME and session.state is State.ANSWERING:
            self._messages.learn_answer(active.cpe, answer.body, self._clock())
        self._post(active, client, session.name, body)

    @staticmethod
    def _session(active: ActiveSession) -> Any:
        """The session of what was posted last."""
        is_new, session = active.is_plain, active.session
        if is_new:
            session.next_post()
            if active.name == plain_answers.NAME:
                session.skip_answers(active.name)
        return session

    def _post(self, active: ActiveSession, client: HTTPTransport, name: str, body: bytes) -> None:
        self._runner.post_begins(active, name, body)
        client.begin_exchange()
        self._send(active, client)

    def _send(self, active: ActiveSession, client: HTTPTransport) -> None:
        """Send what was noted as posted, for the first time or again."""
        assert self._io is not None
        is_last = active.informed is not None and (active.is_plain or active.session.state in _LAST)
        self._io.post(active.token, client.message(active.body), None, ends=is_last)

    # Ends.

    def _end(self, active: ActiveSession) -> None:
        self._close(active, reset=False)
        self._ended(active, self._clock())

    def _fail(self, active: ActiveSession, token: int, error: Exception) -> None:
        if self._sessions.get(token) is not active:
            return
        if isinstance(error, ReasonError) and active.awaits_answer:
            self._runner.exchange_failed(active, error)
        self._runner.fail(active, error)
        self._end(active)

    def _failed(self, active: ActiveSession, event: io_engine.Failed) -> None:
        """A connection was not made, or is lost; a greenlet tries again where it may."""
        stage, number, received = event[7:10]
        if number == ECANCELED:
            raise LimitError(FENCED)
        error = connection_error(stage, number, received)
        if stage == io_engine.CONNECTING:
            if self._transports.try_others(active, error, event[2] + self._endpoint.timeout):
                self._hand_over(active, "another address")
                return
        elif number in _LOST and received == 0 and self._was_answered(active):
            self._transports.of(active).lose_connection()
            self._hand_over(active, "idle connection closed")
            return
        raise error

    def _was_answered(self, active: ActiveSession) -> bool:
        """Whether an answer has come over the connection, and be it a challenge."""
        return active.exchanges > 1 or self._transports.was_challenged(active.token)

    # To a greenlet.

    def _detached(self, active: ActiveSession, event: io_engine.Detached) -> None:
        self._transports.take_over(active, event, received=event[10])
        self._hand_over(active, form_of(event[10]))

    def _hand_over_answered(self, active: ActiveSession, reason: str, received: bytes) -> None:
        """Hand a session over, with an answer that has come."""
        assert self._io is not None
        detached = self._io.detach(active.token)
        if detached is not None:
            self._transports.take_over(active, detached, received)
            self._hand_over(active, reason)

    def _hand_over(self, active: ActiveSession, reason: str) -> None:
        """Have a greenlet go on with the POST that is under way."""
        self._carriage.handed_over[reason] += 1
        self._session(active)
        active.transport, active.handed_over = self._transports.for_greenlet(active), True
        self._forget(active)
        self._go_on(active)
