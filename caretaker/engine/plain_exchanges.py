"""
The exchanges of sessions that need neither a ``CPESession`` nor a transport so far.

What the ACS says in them is known: an InformResponse that is as others were, maybe with cookies, a
first challenge, a request that CPEs of this kind have answered before.
"""

from __future__ import annotations

from functools import lru_cache
from typing import Any

from caretaker.device import plain_answers
from caretaker.engine.active_session import ActiveSession
from caretaker.engine.carried_messages import CarriedMessages
from caretaker.engine.carried_transports import CarriedTransports
from caretaker.engine.session_runner import SessionRunner
from caretaker.http.io_engine import IOEngine
from caretaker.http.response_parser import Response, plain_head

_CHALLENGE = 401
_MORE = frozenset(("set-cookie", "content-encoding"))
"""Headers with which more than the body of an answer tells what follows."""


class PlainExchanges:
    """
    Takes up what the engine has exchanged by itself, and answers what is known.

    Args:
        io: the engine.
        runner: takes the exchanges.
        messages: what the CPEs say.
        transports: say it with a login, and with cookies.
    """

    def __init__(
        self,
        io: IOEngine,
        runner: SessionRunner,
        messages: CarriedMessages,
        transports: CarriedTransports,
    ) -> None:
        self._io = io
        self._runner = runner
        self._messages = messages
        self._transports = transports

    def take_event(self, active: ActiveSession, event: Any) -> None:
        """As ``take_progress``, of an event after which the session goes on."""
        self.take_progress(active, event[3], event[4], event[5], event[-1])

    def take_progress(
        self,
        active: ActiveSession,
        sent_at: float,
        known: bytes | None,
        known_at: float,
        head: bytes | None,
    ) -> None:
        """
        Take up when the Inform was sent, and that a known InformResponse has come.

        All but the session is as in events; the head of the InformResponse None, too, where the
        cookies that were sent back are of no use any more.
        """
        if sent_at and active.sent_at is None:
            active.sent_at = sent_at
            active.note_inform()
        if known is not None and active.informed is None:
            self.informed(active, known, known_at)
            if head is not None:
                self._transports.note_sent_back(active.token, head)
            active.post_begins("(empty)", b"", known_at)
            active.sent_at = known_at

    def informed(self, active: ActiveSession, known: bytes, at: float) -> None:
        """Note that the ACS has accepted the Inform, with an answer that is known."""
        active.received = len(known)
        if not active.is_plain:
            active.session.receive(known, at)
            active.session.next_post()
        elif active.row is None:
            active.cpe.inform_delivered()
        active.informed = at  # so that a row delivers it when it becomes an object
        self._runner.exchange_ended(active, at)

    def is_known(self, active: ActiveSession, response: Response) -> bool:
        """Whether this is a known answer to the Inform of a session that is plain so far."""
        if response.body not in self._io.known or response.status != 200:
            return False
        is_coded = response.values("content-encoding")
        return active.is_plain and active.informed is None and not is_coded

    def answer(self, active: ActiveSession, event: Any) -> bool:
        """Answer what is known; False: it is not."""
        if not active.is_plain or active.token in self._transports:
            return False
        status, head, body = event[7:10]
        if status == _CHALLENGE:
            self.take_event(active, event)
            return self._log_in(active, head)
        if body in self._io.known:
            return self._take_cookies(active, event)
        return self._answer_request(active, event)

    def _log_in(self, active: ActiveSession, head: bytes) -> bool:
        """Answer a first challenge; False: it takes a transport."""
        if active.exchanges != 1 or active.has_requests:
            return False
        posts = self._transports.log_in(active, head)
        if posts is None:
            return False
        self._io.post(active.token, *posts, ends=False)
        return True

    def _take_cookies(self, active: ActiveSession, event: Any) -> bool:
        """Send the cookies of a known InformResponse back; False: it takes more than that."""
        at, status, head, body = event[6:10]
        parts = plain_head(head)
        if parts is None:
            return False
        self.take_event(active, event)
        response = Response(status, parts[1], body, keep_alive=True)
        if not self.is_known(active, response):
            return False
        post = self._transports.send_back(active, head)
        if post is None:
            return False
        cookies = self._transports.fresh.cookies_after(response)
        if cookies is not None:  # the next ones of this kind are sent back by the engine itself
            self._io.know_cookies(head, *cookies)
        self.informed(active, body, at)
        self._runner.post_begins(active, "(empty)", b"")
        self._io.post(active.token, post, None, ends=True)
        return True

    def _answer_request(self, active: ActiveSession, event: Any) -> bool:
        """Answer a request that CPEs of this kind have answered before; False: it is none."""
        at, status, head, body = event[6:10]
        if (event[4] is None and active.informed is None) or status != 200 or not _is_bare(head):
            return False
        self.take_event(active, event)
        answer = self._messages.answer(active, body, at)
        if answer is None:
            return False
        active.received = len(body)
        self._runner.exchange_ended(active, at)
        self._runner.post_begins(active, plain_answers.NAME, answer)
        message = self._transports.message(active.token, answer)
        self._io.post(active.token, message or self._messages.post(answer), None, ends=True)
        return True


@lru_cache(256)  # as ``plain_head``
def _is_bare(head: bytes) -> bool:
    """Whether a head of an answer has a plain form, and neither cookies nor a content coding."""
    parts = plain_head(head)
    return parts is not None and _MORE.isdisjoint([name for name, _ in parts[1]])
