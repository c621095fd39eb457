"""A session from its begin to its end: what it is doing, and what it waits for."""

from __future__ import annotations

from gevent import Greenlet

from caretaker.cwmp.session import CPESession
from caretaker.device.cpe import CPE
from caretaker.errors import Blame
from caretaker.http.transport import Transport
from caretaker.stats.records import SessionRecord

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
        record: how the session has gone so far.
    """

    __slots__ = (
        "answers",
        "cpe",
        "exchanges",
        "greenlet",
        "own_wait",
        "record",
        "session",
        "since",
        "transport",
    )

    def __init__(self, cpe: CPE, session: CPESession, record: SessionRecord) -> None:
        self.cpe = cpe
        self.session = session
        self.record = record
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
        self.since = record.started
        """When its present wait began, or the POST that is under way."""

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
        """Note in the record when the Inform was written, as soon as it was."""
        if self.record.inform_sent is None and self.transport is not None:
            self.record.inform_sent = self.transport.sent_at
