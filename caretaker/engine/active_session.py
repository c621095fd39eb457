"""A session from its begin to its end: what it is doing, and what it waits for."""

from __future__ import annotations

from gevent import Greenlet

from caretaker.cwmp.outcome import Outcome
from caretaker.cwmp.session import CPESession
from caretaker.device.cpe import CPE
from caretaker.errors import Blame
from caretaker.http.transport import Transport
from caretaker.stats.records import SessionRecord
from caretaker.way import Way

Wait = tuple[str, Blame]
"""What a session waits for, in words, and whose affair that is."""

TURN: Wait = ("a turn of the generator's loop", Blame.GENERATOR)
THINKING: Wait = ("a slow device's own answer", Blame.OURS)
CONNECTION: Wait = ("a connection", Blame.ACS)
_ANSWERS = {"Inform": "InformResponse", "(empty)": "the answer to the empty POST"}
"""The answers of the ACS to a POST that have a name of their own."""


class ActiveSession:
    """
    A session that has begun and not ended.

    Args:
        cpe: the CPE, which this session's greenlet owns meanwhile.
        session: what the CPE says next.
        planned: when it was due.
        started: when it began.
    """

    __slots__ = (
        "accepted", "answers", "blame", "cpe", "events", "exchanges", "greenlet", "inform_sent",
        "informed", "lateness", "on_timeline", "outcome", "own_wait", "place_wait", "planned",
        "reason", "session", "since", "started", "transport", "way",
    )  # fmt: skip

    def __init__(self, cpe: CPE, session: CPESession, planned: float, started: float) -> None:
        self.cpe = cpe
        self.session = session
        self.greenlet: Greenlet[..., None] | None = None
        """Runs the session; None until the scheduler has launched it."""
        self.transport: Transport | None = None
        """Carries the session; None until it is open."""
        self.answers = 0
        """How many requests of the ACS the CPE has answered."""
        self.exchanges = 0
        """How many POSTs there were."""
        self.own_wait: Wait | None = TURN
        """What it waits for on this side; None while a POST is under way."""
        self.since = started
        """When its present wait began, or the POST that is under way."""
        # The rest becomes its record.
        self.events = tuple([event.event_code for event in cpe.session_events])
        self.planned = planned
        self.started = started
        self.outcome = Outcome.ABANDONED
        self.reason: str | None = None
        self.blame: Blame | None = None
        self.accepted: float | None = None
        self.way = Way.HTTP
        self.inform_sent: float | None = None
        self.informed: float | None = None
        self.lateness = 0.0
        self.place_wait = 0.0
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
    def wait(self) -> Wait:
        """What it waits for now."""
        if self.own_wait is not None:
            return self.own_wait
        if self.transport is None or self.transport.sent_at is None:
            return CONNECTION
        name = self.session.name
        return _ANSWERS.get(name) or f"the answer to {name}", Blame.ACS

    def note_inform(self) -> None:
        """Note when the Inform was written, as soon as it was."""
        if self.inform_sent is None and self.transport is not None:
            self.inform_sent = self.transport.sent_at
