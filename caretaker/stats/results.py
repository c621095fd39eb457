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
from typing import Any

from mypy_extensions import mypyc_attr

from caretaker.cwmp.outcome import Outcome
from caretaker.stats.histogram import Histogram
from caretaker.stats.records import ExchangeRecord, SessionRecord, loop_times, path_of
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
        self.take_exchanges((record,))

    def take_exchanges(self, records: Iterable[ExchangeRecord]) -> None:
        """Take finished exchanges; many at once cost less than as many single ones."""
        times: defaultdict[str, list[float]] = defaultdict(list)
        for record in records:
            times[record.name].append(record.seconds)
            if record.reason is not None:
                self.count(f"exchanges.failed.{record.name}")
        self.extend({f"exchanges.{name}": seconds for name, seconds in times.items()})

    def session(self, record: SessionRecord) -> None:
        """Take a finished session."""
        self.take_sessions((record,))

    def take_sessions(self, records: Iterable[SessionRecord]) -> None:
        """Take finished sessions; many at once cost less than as many single ones."""
        times: defaultdict[str, list[float]] = defaultdict(list)
        endings: dict[tuple[Outcome, tuple[str, ...] | None], int] = {}
        for record in records:
            ending = record.outcome, record.events if record.inform_sent is not None else None
            endings[ending] = endings.get(ending, 0) + 1
            if record.reason is not None:
                self._count_failure(record)
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
                    times[f"{path_of(record.way)}.{name}"].append(passed)
        self.extend(times)
        for (outcome, events), number in endings.items():
            self.count("sessions.started", number)
            self.count(f"sessions.{outcome.value}", number)
            if events is not None:
                self.inform(events, number)

    def _count_failure(self, record: SessionRecord) -> None:
        self.count(f"sessions.reasons.{record.reason}")
        if record.blame is not None:
            self.count(f"sessions.blame.{record.blame.value}")
            self.count(f"sessions.failures.{record.blame.value}.{record.reason}")

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
