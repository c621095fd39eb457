"""
Records of finished exchanges and sessions (decision D7), and the protocol of their takers.

All times are seconds.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from typing import NamedTuple, Protocol

from caretaker.cwmp.outcome import Outcome
from caretaker.errors import Blame
from caretaker.way import Way

# Where they are many, ``tuple.__new__(SessionRecord, (...))`` with all fields makes one in half the
# time of a call of the class.


class ExchangeRecord(NamedTuple):
    """
    One HTTP exchange of a CWMP session.

    Args:
        name: of the message POSTed, ``(empty)`` for the empty POST.
        started: when, on the shard's clock.
        seconds: until its answer was taken, or it failed.
        sent, received: bytes of the bodies.
        reason: why it failed, None if it did not.
    """

    name: str
    started: float
    seconds: float
    sent: int
    received: int
    reason: str | None = None


class SessionRecord(NamedTuple):
    """
    One CWMP session that is over.

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
        on_timeline: whether the timeline has counted its Inform, while the session still ran.
    """

    events: tuple[str, ...]
    planned: float
    started: float
    seconds: float = 0.0
    outcome: Outcome = Outcome.ABANDONED
    reason: str | None = None
    blame: Blame | None = None
    accepted: float | None = None
    way: Way = Way.HTTP
    inform_sent: float | None = None
    informed: float | None = None
    lateness: float = 0.0
    place_wait: float = 0.0
    on_timeline: bool = False


class ExchangeColumns(NamedTuple):
    """The fields of many ``ExchangeRecord``, each as a column."""

    name: tuple[str, ...]
    started: tuple[float, ...]
    seconds: tuple[float, ...]
    sent: tuple[int, ...]
    received: tuple[int, ...]
    reason: tuple[str | None, ...]


class SessionColumns(NamedTuple):
    """The fields of many ``SessionRecord``, each as a column."""

    events: tuple[tuple[str, ...], ...]
    planned: tuple[float, ...]
    started: tuple[float, ...]
    seconds: tuple[float, ...]
    outcome: tuple[Outcome, ...]
    reason: tuple[str | None, ...]
    blame: tuple[Blame | None, ...]
    accepted: tuple[float | None, ...]
    way: tuple[Way, ...]
    inform_sent: tuple[float | None, ...]
    informed: tuple[float | None, ...]
    lateness: tuple[float, ...]
    place_wait: tuple[float, ...]
    on_timeline: tuple[bool, ...]


def session_columns(records: Sequence[SessionRecord]) -> SessionColumns:
    """The columns of sessions, at least one."""
    return SessionColumns(*zip(*records, strict=True))


def exchange_columns(records: Iterable[ExchangeRecord]) -> dict[str, ExchangeColumns]:
    """The columns of exchanges by the name of their message."""
    by_name: defaultdict[str, list[ExchangeRecord]] = defaultdict(list)
    for record in records:
        by_name[record[0]].append(record)
    return {name: ExchangeColumns(*zip(*own, strict=True)) for name, own in by_name.items()}


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


def loop_times(columns: SessionColumns) -> dict[tuple[str, Way], list[float]]:
    """Seconds from accepted Connection Requests to stages of their sessions, by name and way."""
    times: defaultdict[tuple[str, Way], list[float]] = defaultdict(list)
    if columns.accepted.count(None) == len(columns.accepted):
        return times
    for accepted, way, sent, informed, outcome, started, seconds in zip(
        columns.accepted, columns.way, columns.inform_sent, columns.informed, columns.outcome,
        columns.started, columns.seconds, strict=True,
    ):  # fmt: skip
        if accepted is not None:
            if sent is not None:
                times["to_inform", way].append(sent - accepted)
            if informed is not None:
                times["to_informresponse", way].append(informed - accepted)
            if outcome is Outcome.SUCCEEDED:
                times["to_session_end", way].append(started + seconds - accepted)
    return times


def succeeded(columns: SessionColumns) -> Sequence[float]:
    """How long the sessions took that succeeded."""
    if columns.outcome.count(Outcome.SUCCEEDED) == len(columns.outcome):
        return columns.seconds
    return [
        seconds
        for seconds, outcome in zip(columns.seconds, columns.outcome, strict=True)
        if outcome is Outcome.SUCCEEDED
    ]
