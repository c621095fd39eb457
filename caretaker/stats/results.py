"""
The results of a run: counters and histograms that merge (decision D7).

Records go into ``Results``: counters and histograms by name, which add up over workers in any
order. Locust's statistics, the live line and the summary all read these.

Names are dotted paths of the summary: the counter ``sessions.failed``, the histogram
``sessions.duration``. All times are seconds here and milliseconds in the summary.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable, Mapping, Sequence
from functools import lru_cache
from typing import Any

from mypy_extensions import mypyc_attr

from caretaker.cwmp.outcome import Outcome
from caretaker.stats.histogram import Histogram
from caretaker.stats.records import ExchangeRecord, SessionRecord, loop_times

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
        self.take_exchanges((record,))

    def take_exchanges(self, records: Iterable[ExchangeRecord]) -> None:
        """Take finished exchanges; many at once cost less than as many single ones."""
        times: defaultdict[str, list[float]] = defaultdict(list)
        for record in records:
            times[_exchange_name(record.name)].append(record.seconds)
            if record.reason is not None:
                self.count(f"exchanges.failed.{record.name}")
        self.extend(times)

    def session(self, record: SessionRecord) -> None:
        """Take a finished session."""
        self.take_sessions((record,))

    def take_sessions(self, records: Iterable[SessionRecord]) -> None:
        """Take finished sessions; many at once cost less than as many single ones."""
        times: defaultdict[str, list[float]] = defaultdict(list)
        for record in records:
            self._count_session(record)
            planned, seconds = record.planned, record.seconds
            times["generator.lateness"].append(record.lateness)
            times["generator.place_wait"].append(record.place_wait)
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
        self.extend(times)

    def _count_session(self, record: SessionRecord) -> None:
        counters = self.counters
        counters["sessions.started"] += 1
        counters[_OUTCOME_NAMES[record.outcome]] += 1
        if record.inform_sent is not None:
            self.inform(record.events)
        if record.reason is not None:
            self.count(f"sessions.reasons.{record.reason}")
        if record.blame is not None:
            self.count(f"sessions.blame.{record.blame.value}")
            self.count(f"sessions.failures.{record.blame.value}.{record.reason}")

    def inform(self, events: Sequence[str]) -> None:
        """Count an Inform that was written, with these event codes."""
        self.counters["informs.total"] += 1
        for code in events:
            self.counters[_inform_name(code)] += 1

    def connection_request(self, verdict: str, seconds: float) -> None:
        """Count an answer of the Connection Request server, and how long it took."""
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


_OUTCOME_NAMES = {outcome: f"sessions.{outcome.value}" for outcome in Outcome}


@lru_cache(256)
def _exchange_name(name: str) -> str:
    return f"exchanges.{name}"


@lru_cache(256)
def _inform_name(event_code: str) -> str:
    return f"informs.by_event.{event_code}"
