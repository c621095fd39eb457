"""A session from its begin to its end: what it is doing, and what it waits for."""

from __future__ import annotations

from typing import Final

from gevent import Greenlet

from caretaker.cwmp.outcome import ABANDONED, Outcome
from caretaker.cwmp.session import CPESession
from caretaker.device.cpe import CPE
from caretaker.engine.cpe_store import CPEStore
from caretaker.engine.resting_cpes import PeriodicRow
from caretaker.engine.resting_sessions import CODES
from caretaker.errors import Blame
from caretaker.http.transport import Transport
from caretaker.stats.records import SessionRecord
from caretaker.way import Way

CPERow = tuple[CPEStore, PeriodicRow]
"""A CPE that rests, and the store that has it."""

Wait = tuple[str, Blame]
"""What a session waits for, in words, and whose affair that is."""

TURN: Wait = ("a turn of the generator's loop", Blame.GENERATOR)
THINKING: Wait = ("a slow device's own answer", Blame.OURS)
CONNECTION: Wait = ("a connection", Blame.ACS)
_HTTP: Final = Way.HTTP
"""Of nearly every session; see ``ABANDONED``."""
_ANSWERS = {"Inform": "InformResponse", "(empty)": "the answer to the empty POST"}
"""The answers of the ACS to a POST that have a name of their own."""


class ActiveSession:
    """
    A session that has begun and not ended.

    Args:
        cpe: the CPE, which this session owns meanwhile; of a row the store makes it when it is
            first asked for.
        planned: when it was due.
        started: when it began.
    """

    __slots__ = (
        "_cpe", "_cpes", "_session", "accepted", "answers", "awaits_answer", "began", "blame",
        "body", "events", "exchanges", "greenlet", "handed_over", "index", "inform_sent",
        "informed", "lateness",
        "name", "on_timeline", "outcome", "own_wait", "place_wait", "planned", "posted_at",
        "reason", "received", "row", "sent_at", "since", "started", "token", "transport", "way",
    )  # fmt: skip

    def __init__(self, cpe: CPE | CPERow, planned: float, started: float) -> None:
        self._cpe: CPE | None = None
        self._cpes: CPEStore | None = None
        self.row: PeriodicRow | None = None
        """The CPE, while it is a row, for its period alone, and nobody has asked for it."""
        if isinstance(cpe, CPE):
            self._cpe, self.index = cpe, cpe.index
            self.events = tuple([event.event_code for event in cpe.session_events])
        else:
            self._cpes, row = cpe
            self.row, self.index, self.events = row, row.index, CODES
        self.began = started
        """When the CPE has begun it; its turn may come later."""
        self._session: CPESession | None = None
        self.greenlet: Greenlet[..., None] | None = None
        """Runs the session; None until the scheduler has launched it, and while it is carried."""
        self.token = 0
        """Names it among the sessions that the I/O engine carries; 0 if it is none of these."""
        self.handed_over = False
        """Whether the I/O engine has begun the POST that is under way, and a greenlet goes on."""
        self.transport: Transport | None = None
        """Carries the session; None until one is open, or while it needs none."""
        self.name = ""
        """Of the message that was POSTed last."""
        self.body = b""
        """What was POSTed last."""
        self.posted_at = started
        """When the last POST was begun."""
        self.awaits_answer = False
        """Whether that POST is under way."""
        self.sent_at: float | None = None
        """When it had been written, of a session that is carried."""
        self.received = 0
        """Bytes of the body of its answer."""
        self.answers = 0
        """How many requests of the ACS the CPE has answered."""
        self.exchanges = 0
        """How many POSTs there were."""
        self.own_wait: Wait | None = TURN
        """What it waits for on this side; None while a POST is under way."""
        self.since = started
        """When its present wait began, or the POST that is under way."""
        # The rest becomes its record.
        self.planned, self.started, self.outcome = planned, started, ABANDONED
        self.reason: str | None = None
        self.blame: Blame | None = None
        self.accepted: float | None = None
        self.way = _HTTP
        self.inform_sent: float | None = None
        self.informed: float | None = None
        self.lateness = self.place_wait = 0.0
        self.on_timeline = False

    def fail(self, reason: str, blame: Blame) -> None:
        """Note that the session has failed, why, and whose fault that is."""
        self.outcome = Outcome.SHED if blame is Blame.SHED else Outcome.FAILED
        self.reason, self.blame = reason, blame

    def record(self, now: float) -> SessionRecord:
        """The record of the session, as if it ended now."""
        fields = (
            self.events,
            self.planned,
            self.started,
            now - self.started,
            self.outcome,
            self.reason,
            self.blame,
            self.accepted,
            self.way,
            self.inform_sent,
            self.informed,
            self.lateness,
            self.place_wait,
            self.on_timeline,
        )
        return tuple.__new__(SessionRecord, fields)

    @property
    def cpe(self) -> CPE:
        """The CPE, in the session."""
        if self._cpe is None:
            assert self._cpes is not None
            return self._cpes[self.index]  # which calls ``take_cpe``
        return self._cpe

    def take_cpe(self, cpe: CPE) -> None:
        """Go on with the CPE as an object; see ``RestingSession``."""
        self._cpe, self.row = cpe, None
        if self.informed is not None:
            cpe.inform_delivered()

    @property
    def session(self) -> CPESession:
        """
        What the CPE says next; made when it is first asked for.

        Until then the session is plain: an Inform of a template, and after an InformResponse that
        is known the empty POST.
        """
        if self._session is None:
            cpe = self.cpe
            if self.informed is not None:
                self._session = cpe.informed_session()
            else:
                self._session = cpe.cwmp_session(self.began, self.body)
        return self._session

    @property
    def is_plain(self) -> bool:
        """Whether nobody has asked yet what the CPE says next."""
        return self._session is None

    @property
    def has_requests(self) -> bool:
        """Whether the CPE has requests of its own, which come before the empty POST."""
        return self.row is None and bool(self.cpe.session_requests)

    @property
    def wait(self) -> Wait:
        """What it waits for now."""
        if self.own_wait is not None:
            return self.own_wait
        if self._sent_at() is None:
            return CONNECTION
        return _ANSWERS.get(self.name) or f"the answer to {self.name}", Blame.ACS

    def _sent_at(self) -> float | None:
        if self.token or self.transport is None:
            return self.sent_at
        return self.transport.sent_at

    def note_inform(self) -> None:
        """Note when the Inform was written, as soon as it was."""
        if self.inform_sent is None:
            self.inform_sent = self._sent_at()

    def post_begins(self, name: str, body: bytes, now: float) -> None:
        """Note what is POSTed now."""
        self.exchanges += 1
        self.name, self.body, self.received = name, body, 0
        self.posted_at = self.since = now
        self.own_wait = self.sent_at = None
        self.awaits_answer = True
