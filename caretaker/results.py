"""
What happened, in numbers that merge (decision D7).

Each finished exchange and session is one record. Records go into ``Results``: counters and
histograms by name, which add up over workers in any order. Locust's statistics, the live line
and the summary all read these.

Names are dotted paths of the summary: the counter ``sessions.failed``, the histogram
``sessions.duration``. All times are seconds here and milliseconds in the summary.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from itertools import accumulate
from math import ceil, log2
from typing import Any, Protocol

from mypy_extensions import mypyc_attr

from caretaker.device.cpe import Outcome
from caretaker.errors import Blame

# -- records --------------------------------------------------------------------------------------
# Classes with slots: there are several for each session, and compiled nothing is cheaper to make.


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
        accepted: when the Connection Request was accepted that it answers; None if none.
        inform_sent: when the Inform was written; None if it never was.
        informed: when the InformResponse was taken; None if it never was.
    """

    __slots__ = (
        "accepted", "blame", "events", "inform_sent", "informed", "outcome", "planned", "reason",
        "seconds", "started",
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
        inform_sent: float | None = None,
        informed: float | None = None,
    ) -> None:
        self.events = events
        self.planned = planned
        self.started = started
        self.seconds = seconds
        self.outcome = outcome
        self.reason = reason
        self.blame = blame
        self.accepted = accepted
        self.inform_sent = inform_sent
        self.informed = informed

    def fail(self, reason: str, blame: Blame) -> None:
        """It has failed."""
        self.outcome = Outcome.SHED if blame is Blame.SHED else Outcome.FAILED
        self.reason, self.blame = reason, blame


class VerdictSink(Protocol):
    """Where the Connection Request server tells what it answered."""

    def connection_request(self, verdict: str, seconds: float) -> None:
        """Take an answer; ``verdict`` is one of ``VERDICTS``."""


class Sink(VerdictSink, Protocol):
    """Where records go."""

    def exchange(self, record: ExchangeRecord) -> None:
        """Take a finished exchange."""

    def session(self, record: SessionRecord) -> None:
        """Take a finished session."""


_FIRST_CONTACT = ("0 BOOTSTRAP",)

VERDICTS = ("accepted", "unauthorized", "not_found", "refused")
"""What becomes of a Connection Request: 200, 401, 404, 503."""


# -- histograms -----------------------------------------------------------------------------------

_PER_OCTAVE = 64
_UNIT = 1e-6
_CDF_WIDTH = 8


class Histogram:
    """
    A distribution of times, in buckets that are 1.1 % wide; count, sum and extremes are exact.

    Small, quick to fill, and the sum of two is exact: percentiles of a fleet are those of all its
    sessions, not averages of the workers' percentiles.
    """

    __slots__ = ("buckets", "count", "longest", "shortest", "total")

    def __init__(self) -> None:
        self.buckets: dict[int, int] = {}
        self.count = 0
        self.total = 0.0
        self.longest = 0.0
        self.shortest = 0.0

    def add(self, seconds: float) -> None:
        """Count a time; one below a microsecond counts as that."""
        self.extend((seconds,))

    def extend(self, times: Sequence[float]) -> None:
        """Count times, some at least."""
        buckets = self.buckets
        for seconds in times:
            bucket = int(log2(seconds / _UNIT) * _PER_OCTAVE) if seconds > _UNIT else 0
            buckets[bucket] = buckets.get(bucket, 0) + 1
        shortest, longest = min(times), max(times)
        self.shortest = min(shortest, self.shortest) if self.count else shortest
        self.longest = max(self.longest, longest)
        self.count += len(times)
        self.total += sum(times)

    def merge(self, other: Histogram) -> None:
        """Add all of another's times."""
        if other.count == 0:
            return
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count
        self.shortest = min(self.shortest, other.shortest) if self.count else other.shortest
        self.longest = max(self.longest, other.longest)
        self.count += other.count
        self.total += other.total

    def percentile(self, percent: float) -> float:
        """The time that this many percent of the times do not exceed; 0 if there are none."""
        rank = ceil(self.count * percent / 100)
        for bucket in sorted(self.buckets):
            rank -= self.buckets[bucket]
            if rank <= 0:
                middle = _UNIT * 2 ** ((bucket + 0.5) / _PER_OCTAVE)
                return min(max(middle, self.shortest), self.longest)
        return self.longest

    def at_most(self, limits: Iterable[float]) -> list[int]:
        """How many times are at most each of these; a limit is as exact as a bucket is wide."""
        middles = [
            (_UNIT * 2 ** ((each + 0.5) / _PER_OCTAVE), n) for each, n in self.buckets.items()
        ]
        return [sum(count for middle, count in middles if middle <= limit) for limit in limits]

    @property
    def mean(self) -> float:
        """The mean, 0 if there are no times."""
        return self.total / self.count if self.count else 0.0

    def to_wire(self) -> list[Any]:
        """As lists of numbers."""
        pairs = [list(pair) for pair in self.buckets.items()]
        return [self.count, self.total, self.longest, self.shortest, pairs]

    @classmethod
    def from_wire(cls, wire: list[Any]) -> Histogram:
        """What ``to_wire`` made."""
        histogram = cls()
        histogram.count, histogram.total, histogram.longest, histogram.shortest, pairs = wire
        histogram.buckets = dict(pairs)
        return histogram

    def cdf(self) -> list[list[float]]:
        """
        The cumulative distribution: ``[[milliseconds, share of the times up to it], ...]``.

        Eight buckets are one point, so that a decade has about 27 of them.
        """
        counts: dict[int, int] = {}
        for bucket, count in sorted(self.buckets.items()):
            counts[bucket // _CDF_WIDTH] = counts.get(bucket // _CDF_WIDTH, 0) + count
        ends = (_UNIT * 2 ** ((group + 1) * _CDF_WIDTH / _PER_OCTAVE) for group in counts)
        sums = accumulate(counts.values())
        return [
            [_ms(min(end, self.longest)), round(sum_ / self.count, 6)]
            for end, sum_ in zip(ends, sums, strict=True)
        ]

    def summary(self, *percents: int) -> dict[str, float]:
        """Milliseconds: ``{"p50": ..., "max": ...}``."""
        found = {f"p{percent}": _ms(self.percentile(percent)) for percent in percents}
        return {**found, "max": _ms(self.longest)}


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)


# -- results --------------------------------------------------------------------------------------


@mypyc_attr(allow_interpreted_subclasses=True)
class Results:
    """Counters and histograms by name; a sink for records."""

    def __init__(self) -> None:
        self.counters: Counter[str] = Counter()
        self.histograms: dict[str, Histogram] = {}

    def count(self, name: str, number: int = 1) -> None:
        """Add to a counter."""
        self.counters[name] += number

    def time(self, name: str, seconds: float) -> None:
        """Add a time to a histogram."""
        self._times({name: [seconds]})

    def _times(self, times: Mapping[str, Sequence[float]]) -> None:
        for name, found in times.items():
            histogram = self.histograms.get(name)
            if histogram is None:
                histogram = self.histograms[name] = Histogram()
            histogram.extend(found)

    def exchange(self, record: ExchangeRecord) -> None:
        """Take a finished exchange."""
        self.take_exchanges((record,))

    def take_exchanges(self, records: Iterable[ExchangeRecord]) -> None:
        """Take finished exchanges; many at once cost less than as many single ones."""
        times: defaultdict[str, list[float]] = defaultdict(list)
        for record in records:
            times[_exchange_name(record.name)].append(record.seconds)
            if record.reason is not None:
                self.count(f"exchanges.failed.{record.name}")
        self._times(times)

    def session(self, record: SessionRecord) -> None:
        """Take a finished session."""
        self.take_sessions((record,))

    def take_sessions(self, records: Iterable[SessionRecord]) -> None:
        """Take finished sessions; many at once cost less than as many single ones."""
        times: defaultdict[str, list[float]] = defaultdict(list)
        for record in records:
            self._count_session(record)
            planned, seconds = record.planned, record.seconds
            times["generator.lateness"].append(max(0.0, record.started - planned))
            if record.outcome is Outcome.SUCCEEDED:
                times["sessions.duration"].append(seconds)
                if record.events[:1] == _FIRST_CONTACT:
                    ended = record.started + seconds
                    times["sessions.first_contact"].append(max(0.0, ended - planned))
            if record.informed is not None:
                times["informs.from_plan"].append(max(0.0, record.informed - planned))
            if record.accepted is not None:
                for name, passed in loop_times(record):
                    times[f"connection_requests.{name}"].append(passed)
        self._times(times)

    def _count_session(self, record: SessionRecord) -> None:
        counters = self.counters
        counters["sessions.started"] += 1
        counters[_OUTCOME_NAMES[record.outcome]] += 1
        if record.inform_sent is not None:
            counters["informs.total"] += 1
            for code in record.events:
                counters[_inform_name(code)] += 1
        if record.reason is not None:
            self.count(f"sessions.reasons.{record.reason}")
        if record.blame is not None:
            self.count(f"sessions.blame.{record.blame.value}")
            self.count(f"sessions.failures.{record.blame.value}.{record.reason}")

    def connection_request(self, verdict: str, seconds: float) -> None:
        """Take an answer of the Connection Request server."""
        self.count("connection_requests.received")
        self.count(f"connection_requests.{verdict}")
        self.time("connection_requests.answer", seconds)

    def merge(self, other: Results) -> None:
        """Add all of another's numbers."""
        self.counters.update(other.counters)
        for name, histogram in other.histograms.items():
            self.histograms.setdefault(name, Histogram()).merge(histogram)

    def to_wire(self) -> dict[str, Any]:
        """As plain data."""
        histograms = {name: each.to_wire() for name, each in self.histograms.items()}
        return {"counters": dict(self.counters), "histograms": histograms}

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Results:
        """What ``to_wire`` made."""
        results = cls()
        results.counters.update(wire["counters"])
        for name, histogram in wire["histograms"].items():
            results.histograms[name] = Histogram.from_wire(histogram)
        return results

    def with_prefix(self, prefix: str) -> dict[str, int]:
        """The counters below a dotted path, by the rest of their names."""
        size = len(prefix) + 1
        found = self.counters.items()
        return {name[size:]: n for name, n in sorted(found) if name.startswith(f"{prefix}.")}

    def histogram(self, name: str) -> Histogram:
        """The histogram of a name, an empty one if nothing was timed."""
        return self.histograms.get(name) or Histogram()


_OUTCOME_NAMES = {outcome: f"sessions.{outcome.value}" for outcome in Outcome}


@lru_cache(256)
def _exchange_name(name: str) -> str:
    return f"exchanges.{name}"


@lru_cache(256)
def _inform_name(event_code: str) -> str:
    return f"informs.by_event.{event_code}"


def loop_times(record: SessionRecord) -> Iterable[tuple[str, float]]:
    """How long from the accepted Connection Request to the stages of the session it caused."""
    if record.accepted is None:
        return
    if record.inform_sent is not None:
        yield "to_inform", record.inform_sent - record.accepted
    if record.informed is not None:
        yield "to_informresponse", record.informed - record.accepted
    if record.outcome is Outcome.SUCCEEDED:
        yield "to_session_end", record.started + record.seconds - record.accepted
