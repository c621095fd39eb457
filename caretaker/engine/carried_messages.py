"""
What sessions say that the I/O engine carries and that need no ``CPESession`` and no transport.

Their Informs and answers are joined from templates, and the head of a POST without cookies and
credentials depends on nothing but the length of its body.
"""

from __future__ import annotations

from caretaker.device.cpe import CPE
from caretaker.device.plain_answers import AnswerTemplates
from caretaker.device.plain_inform import InformTemplates
from caretaker.engine.active_session import ActiveSession
from caretaker.http.transport import HTTPTransport

MAX_HEADS = 1024
"""Heads of POSTs that are kept, each for bodies of a length."""


class CarriedMessages:
    """
    The messages of one worker's carried sessions.

    Args:
        fresh: a transport that no ACS has asked for anything.
    """

    def __init__(self, fresh: HTTPTransport) -> None:
        self.empty_post = fresh.message(b"")
        """The empty POST, with its head."""
        self._fresh = fresh
        self._informs = InformTemplates()
        self._answers = AnswerTemplates()
        self._heads: dict[int, bytes] = {}
        """By the length of their body."""

    def inform(self, active: ActiveSession) -> bytes | None:
        """The Inform of a session; None if it must be written in full."""
        row, now = active.row, active.began
        if row is None:
            return self._informs.inform(active.cpe, now)
        cpe, sessions = row.likeness(), row.sessions
        if sessions.template is None:
            sessions.template = self._informs.template(cpe, now)
        return None if sessions.template is None else sessions.template.inform(cpe, now)

    def answer(self, active: ActiveSession, request: bytes, now: float) -> bytes | None:
        """The answer in a session that is plain; None if ``CPESession`` must give it."""
        row = active.row
        if row is None:
            asked = self._answers.of(active.cpe)
            return None if asked is None else asked.answer(request, active.cpe, now)
        asked = self._answers.of_kind(row.sessions.profile, row.sessions.own_names)
        return asked.answer(request, row.whole_likeness(), now)

    def learn_answer(self, cpe: CPE, request: bytes, now: float) -> None:
        """Have ``answer`` give what a CPE has answered to a request just now."""
        asked = self._answers.of(cpe)
        if asked is not None:
            asked.learn(request, cpe, now)

    def post(self, body: bytes) -> bytes:
        """The POST with this body, which is not empty."""
        head = self._heads.get(len(body))
        if head is None:
            if len(self._heads) >= MAX_HEADS:
                self._heads.clear()
            head = self._heads[len(body)] = self._fresh.message(body)[: -len(body)]
        return head + body
