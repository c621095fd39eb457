"""
Records of finished exchanges and sessions (decision D7), and the protocol of their takers.

All times are seconds.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import Protocol

from caretaker.cwmp.outcome import Outcome
from caretaker.errors import Blame
from caretaker.way import Way

# Classes with slots: several are made in each session, and mypyc makes these fastest.


class ExchangeRecord:
    """
    One HTTP exchange of a CWMP session.

    Args:
        name: of the message POSTed, ``(empty)`` for the empty POST.
        started: when, on the shard's clock.
        seconds: until its answer was taken, or it failed.
        sent, received: bytes of the bodies.
        reason: why it failed, None if it did not.
    """

    __slots__ = ("name", "reason", "received", "seconds", "sent", "started")

    def __init__(
        self,
        name: str,
        started: float,
        seconds: float,
        sent: int,
        received: int,
        *,
        reason: str | None = None,
    ) -> None:
        self.name = name
        self.started = started
        self.seconds = seconds
        self.sent = sent
        self.received = received
        self.reason = reason


class SessionRecord:
    """
    One CWMP session; filled in while it runs, and taken by a sink when it is over.

    Args:
        events: the codes of the Inform's events, the one that was raised first at the front.
        planned: when it was due.
        started: when it began.
        seconds: how long it took.
        outcome: how it ended.
        reason: why it failed, None if it did not.
        blame: whose fault that is.
        accepted: when the Connection Request that caused it was accepted; None without one.
        way: by which that request came.
        inform_sent: when the Inform was written; None if it never was.
        informed: when the InformResponse was taken; None if it never was.
        lateness: how long the generator let the CPE wait after it was due and its previous
            session over.
        place_wait: how long it then waited for a place, because ``max_sessions`` ran.
    """

    __slots__ = (
        "accepted", "blame", "events", "inform_sent", "informed", "lateness", "on_timeline",
        "outcome", "place_wait", "planned", "reason", "seconds", "started", "way",
    )  # fmt: skip

    def __init__(
        self,
        events: tuple[str, ...],
        planned: float,
        started: float,
        *,
        seconds: float = 0.0,
        outcome: Outcome = Outcome.ABANDONED,
        reason: str | None = None,
        blame: Blame | None = None,
        accepted: float | None = None,
        way: Way = Way.HTTP,
        inform_sent: float | None = None,
        informed: float | None = None,
        lateness: float = 0.0,
        place_wait: float = 0.0,
    ) -> None:
        self.events = events
        self.planned = planned
        self.started = started
        self.seconds = seconds
        self.outcome = outcome
        self.reason = reason
        self.blame = blame
        self.accepted = accepted
        self.way = way
        self.inform_sent = inform_sent
        self.informed = informed
        self.lateness = lateness
        self.place_wait = place_wait
        self.on_timeline = False
        """Whether the timeline has counted its Inform, while the session still ran."""

    def fail(self, reason: str, blame: Blame) -> None:
        """Note that the session has failed, why, and whose fault that is."""
        self.outcome = Outcome.SHED if blame is Blame.SHED else Outcome.FAILED
        self.reason, self.blame = reason, blame


class VerdictSink(Protocol):
    """Where the answers to Connection Requests are reported."""

    def connection_request(self, verdict: str, seconds: float, way: Way) -> None:
        """
        Take an answer.

        Args:
            verdict: one of ``VERDICTS``.
            seconds: that it took.
            way: by which the request came.
        """


class Sink(VerdictSink, Protocol):
    """Takes the records of a run."""

    def exchange(self, record: ExchangeRecord) -> None:
        """Take a finished exchange."""

    def session(self, record: SessionRecord) -> None:
        """Take a finished session."""


VERDICTS = ("accepted", "unauthorized", "not_found", "refused")
"""The answers to a Connection Request: 200, 401, 404, 503."""


def path_of(way: Way) -> str:
    """The dotted path of the counters and histograms of the Connection Requests of a way."""
    return f"connection_requests.by_way.{way.value}"


LOOP_TIMES = ("to_inform", "to_informresponse", "to_session_end")
"""The names of the times from an accepted Connection Request on."""


def loop_times(record: SessionRecord) -> Iterable[tuple[str, float]]:
    """Seconds from an accepted Connection Request to the stages of its session, by name."""
    if record.accepted is None:
        return
    if record.inform_sent is not None:
        yield "to_inform", record.inform_sent - record.accepted
    if record.informed is not None:
        yield "to_informresponse", record.informed - record.accepted
    if record.outcome is Outcome.SUCCEEDED:
        yield "to_session_end", record.started + record.seconds - record.accepted
