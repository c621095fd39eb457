"""
The results of a run: counters and histograms that merge (decision D7).

Records go into ``Results``: counters and histograms by name, which add up over workers in any
order. Locust's statistics, the live line and the summary all read these.

Names are dotted paths of the summary: the counter ``sessions.failed``, the histogram
``sessions.duration``. All times are seconds here and milliseconds in the summary.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

from mypy_extensions import mypyc_attr

from caretaker.cwmp.outcome import Outcome
from caretaker.errors import Blame
from caretaker.stats.histogram import Histogram
from caretaker.stats.records import (
    ExchangeColumns,
    ExchangeRecord,
    SessionColumns,
    SessionRecord,
    exchange_columns,
    loop_times,
    path_of,
    session_columns,
    succeeded,
)
from caretaker.way import Way

_FIRST_CONTACT = ("0 BOOTSTRAP",)


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
        self.extend({name: [seconds]})

    def extend(self, times: Mapping[str, Sequence[float]]) -> None:
        """Add times to histograms by name, at least one to each."""
        for name, seconds in times.items():
            histogram = self.histograms.get(name)
            if histogram is None:
                histogram = self.histograms[name] = Histogram()
            histogram.extend(seconds)

    def exchange(self, record: ExchangeRecord) -> None:
        """Take a finished exchange."""
        self.take_exchanges(exchange_columns((record,)))

    def take_exchanges(self, columns: Mapping[str, ExchangeColumns]) -> None:
        """Take finished exchanges by the name of their message."""
        for name, own in columns.items():
            self.extend({f"exchanges.{name}": own.seconds})
            failed = len(own.reason) - own.reason.count(None)
            if failed:
                self.count(f"exchanges.failed.{name}", failed)

    def session(self, record: SessionRecord) -> None:
        """Take a finished session."""
        self.take_sessions(session_columns((record,)))

    def take_sessions(self, columns: SessionColumns) -> None:
        """Take finished sessions, at least one; many at once cost much less than single ones."""
        self._count_sessions(columns)
        planned, informed = columns.planned, columns.informed
        times: dict[str, Sequence[float]] = {
            "generator.lateness": columns.lateness,
            "generator.place_wait": columns.place_wait,
            "sessions.duration": succeeded(columns),
            "sessions.first_contact": _first_contacts(columns),
            "informs.from_plan": [
                at - due if at > due else 0.0
                for at, due in zip(informed, planned, strict=True)
                if at is not None
            ],
        }
        for (name, way), passed in loop_times(columns).items():
            times[f"{path_of(way)}.{name}"] = passed
            path = f"connection_requests.{name}"
            times[path] = [*times.get(path, ()), *passed]
        self.extend({name: own for name, own in times.items() if own})

    def _count_sessions(self, columns: SessionColumns) -> None:
        outcomes, sent = columns.outcome, columns.inform_sent
        self.count("sessions.started", len(outcomes))
        for outcome, number in Counter(outcomes).items():
            self.count(f"sessions.{outcome.value}", number)
        written = [codes for codes, at in zip(columns.events, sent, strict=True) if at is not None]
        for codes, number in Counter(written).items():
            self.inform(codes, number)
        if columns.reason.count(None) < len(outcomes):
            endings = zip(columns.reason, columns.blame, strict=True)
            for (reason, blame), number in Counter(endings).items():
                self._count_failures(reason, blame, number)

    def _count_failures(self, reason: str | None, blame: Blame | None, number: int) -> None:
        if reason is None:
            return
        self.count(f"sessions.reasons.{reason}", number)
        if blame is not None:
            self.count(f"sessions.blame.{blame.value}", number)
            self.count(f"sessions.failures.{blame.value}.{reason}", number)

    def inform(self, events: Sequence[str], number: int = 1) -> None:
        """Count Informs that were written, with these event codes."""
        self.count("informs.total", number)
        for code in events:
            self.count(f"informs.by_event.{code}", number)

    def connection_request(self, verdict: str, seconds: float, way: Way = Way.HTTP) -> None:
        """Count an answer to a Connection Request, and how long it took."""
        self.count(f"{path_of(way)}.{verdict}")
        self.count("connection_requests.received")
        self.count(f"connection_requests.{verdict}")
        self.time("connection_requests.answer", seconds)

    def merge(self, other: Results) -> None:
        """Add all counters and histograms of other results."""
        self.counters.update(other.counters)
        for name, histogram in other.histograms.items():
            self.histograms.setdefault(name, Histogram()).merge(histogram)

    def take_all(self) -> Results:
        """Take everything that has been counted so far into results of its own."""
        taken = Results()
        taken.counters, self.counters = self.counters, taken.counters
        taken.histograms, self.histograms = self.histograms, taken.histograms
        return taken

    def since(self, earlier: Results) -> Results:
        """What was counted after ``earlier``, a copy of these results at that time."""
        added = Results()
        for name, number in self.counters.items():
            if number != earlier.counters[name]:
                added.counters[name] = number - earlier.counters[name]
        for name, histogram in self.histograms.items():
            added.histograms[name] = histogram.since(earlier.histogram(name))
        return added

    def to_wire(self) -> dict[str, Any]:
        """The results as plain data, for ``from_wire``."""
        histograms = {name: times.to_wire() for name, times in self.histograms.items()}
        return {"counters": dict(self.counters), "histograms": histograms}

    @classmethod
    def from_wire(cls, wire: Mapping[str, Any]) -> Results:
        """The results that ``to_wire`` made plain data of."""
        results = cls()
        results.counters.update(wire["counters"])
        for name, histogram in wire["histograms"].items():
            results.histograms[name] = Histogram.from_wire(histogram)
        return results

    def with_prefix(self, prefix: str) -> dict[str, int]:
        """The counters below a dotted path, by the rest of their names."""
        size = len(prefix) + 1
        counters = sorted(self.counters.items())
        return {name[size:]: n for name, n in counters if name.startswith(f"{prefix}.")}

    def histograms_with_prefix(self, prefix: str) -> dict[str, Histogram]:
        """The histograms below a dotted path, by the rest of their names."""
        size = len(prefix) + 1
        histograms = sorted(self.histograms.items())
        return {name[size:]: own for name, own in histograms if name.startswith(f"{prefix}.")}

    def histogram(self, name: str) -> Histogram:
        """The histogram of a name; an empty one if there is none."""
        return self.histograms.get(name) or Histogram()


def _first_contacts(columns: SessionColumns) -> list[float]:
    """How long CPEs took from when their first contact was due until it had succeeded."""
    if not any(codes[:1] == _FIRST_CONTACT for codes in set(columns.events)):
        return []
    return [
        max(0.0, started + seconds - planned)
        for codes, outcome, planned, started, seconds in zip(
            columns.events, columns.outcome, columns.planned, columns.started, columns.seconds,
            strict=True,
        )
        if codes[:1] == _FIRST_CONTACT and outcome is Outcome.SUCCEEDED
    ]  # fmt: skip
