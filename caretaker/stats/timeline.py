"""
How a run went, second by second: counts, gauges and times that merge (decision 0018).

Each worker keeps points of a second from the start of the run, which all workers share. The master
puts together what they report, point by point: a point tells its whole second, so one that is told
twice does no harm, and one that is lost is told again with the last report.

A run of any length takes no more than ``MAX_POINTS``: beyond them two become one of twice the step.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from itertools import accumulate
from math import ceil, inf, log2
from typing import Any, TypedDict

from caretaker.cwmp.outcome import Outcome
from caretaker.errors import Blame
from caretaker.stats.records import SessionRecord

MAX_POINTS = 600
RECENT_SECONDS = 15.0
"""A report tells the points that changed in this time: a few reports may be lost."""

PERCENTS = (50, 95, 99)
_PER_OCTAVE = 16
_BATCH = 64


class Times:
    """
    A distribution of times in buckets that are 4.4 % wide; the longest is exact.

    Coarser and quicker than ``Histogram``, as there are three of them for each second.
    """

    __slots__ = ("buckets", "longest")

    def __init__(self) -> None:
        self.buckets: dict[int, int] = {}
        self.longest = 0.0

    def add(self, seconds: float) -> None:
        """Count a time; one below a microsecond counts as that."""
        bucket = int(log2(seconds * 1e6) * _PER_OCTAVE) if seconds > 1e-6 else 0
        buckets = self.buckets
        buckets[bucket] = buckets.get(bucket, 0) + 1
        self.longest = max(self.longest, seconds)

    def merge(self, other: Times) -> None:
        """Add all of another's times."""
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count
        self.longest = max(self.longest, other.longest)

    def percentiles(self, percents: Iterable[float] = PERCENTS) -> list[float]:
        """The times in seconds that so many percent do not exceed; zeros if there are none."""
        order = sorted(self.buckets)
        ranks = list(accumulate(self.buckets[bucket] for bucket in order))
        return [self._at(order, ranks, percent) for percent in percents]

    def _at(self, order: Sequence[int], ranks: Sequence[int], percent: float) -> float:
        if not ranks:
            return 0.0
        rank = max(1, ceil(ranks[-1] * percent / 100))
        bucket = next(
            bucket for bucket, reached in zip(order, ranks, strict=True) if reached >= rank
        )
        return min(2 ** ((bucket + 0.5) / _PER_OCTAVE) / 1e6, self.longest)

    def to_wire(self) -> list[Any]:
        """As a list of numbers."""
        return [self.longest, *(number for pair in self.buckets.items() for number in pair)]

    @classmethod
    def from_wire(cls, wire: Sequence[Any]) -> Times:
        """What ``to_wire`` made."""
        times = cls()
        times.longest = wire[0] if wire else 0.0
        times.buckets = dict(zip(wire[1::2], wire[2::2], strict=True))
        return times


@dataclass(slots=True)
class Point:
    """
    What happened in one step of the run.

    Args:
        informs_planned: due times of Informs that fell into it.
        informs: Informs written.
        sessions_succeeded, sessions_failed, sessions_shed, sessions_abandoned: sessions that ended
            so; what was planned and has not ended is open.
        failed_ours, failed_acs, failed_generator: those that failed, by blame.
        crs_received, crs_accepted: Connection Requests.
        crs_delivered: those told in an Inform that the ACS answered.
        cpes_on: CPEs with power at its end; below 0 if nobody looked.
        retrying: of those, the ones that wait for the retry of a session; as above.
        absent: CPEs whose power was cut and that had no good session since; as above.
        sessions: how long those took that succeeded.
        from_plan: from the planned time of an Inform to its InformResponse.
        to_inform: from an accepted Connection Request to its Inform.
    """

    informs_planned: int = 0
    informs: int = 0
    sessions_succeeded: int = 0
    sessions_failed: int = 0
    sessions_shed: int = 0
    sessions_abandoned: int = 0
    failed_ours: int = 0
    failed_acs: int = 0
    failed_generator: int = 0
    crs_received: int = 0
    crs_accepted: int = 0
    crs_delivered: int = 0
    cpes_on: int = -1
    retrying: int = -1
    absent: int = -1
    sessions: Times = field(default_factory=Times)
    from_plan: Times = field(default_factory=Times)
    to_inform: Times = field(default_factory=Times)

    def merge(self, other: Point) -> None:
        """Add what happened elsewhere, or in the next step; gauges are not added up."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in TIMES:
            getattr(self, name).merge(getattr(other, name))

    def to_wire(self) -> list[Any]:
        """As plain data."""
        numbers = [getattr(self, name) for name in (*COUNTS, *GAUGES)]
        return [*numbers, *(getattr(self, name).to_wire() for name in TIMES)]

    @classmethod
    def from_wire(cls, wire: Sequence[Any]) -> Point:
        """What ``to_wire`` made."""
        size = len(COUNTS) + len(GAUGES)
        return cls(*wire[:size], *map(Times.from_wire, wire[size:]))


COUNTS = (
    "informs_planned",
    "informs",
    "sessions_succeeded",
    "sessions_failed",
    "sessions_shed",
    "sessions_abandoned",
    "failed_ours",
    "failed_acs",
    "failed_generator",
    "crs_received",
    "crs_accepted",
    "crs_delivered",
)
GAUGES = ("cpes_on", "retrying", "absent")
TIMES = ("sessions", "from_plan", "to_inform")
_BLAMES = {
    Blame.OURS: "failed_ours",
    Blame.ACS: "failed_acs",
    Blame.GENERATOR: "failed_generator",
}


class TimelineReport(TypedDict):
    """Points of a worker's timeline, as its reports carry them."""

    step: float
    """Seconds of a point."""
    points: list[list[Any]]
    """The number of each point, and ``Point.to_wire``."""


class Timeline:
    """
    The points of a run, by the number of their step.

    Args:
        start: of the run, on the clock of the records.
    """

    def __init__(self, start: float = 0.0) -> None:
        self.step = 1.0
        self._points: dict[int, Point] = {}
        self._ended: list[SessionRecord] = []  # that are not in a point yet
        self._start = start
        self._touched: dict[int, int] = {}  # number of a point: the newest when it changed last
        self._point = Point()  # that was asked for last, and when it begins and ends
        self._begins = self._ends = inf
        self._newest = 0

    def seconds(self, at: float) -> float:
        """Seconds of the run at a time of the records' clock."""
        return at - self._start

    # What happens, while it does; this is on the path of every session.

    def planned(self, at: float) -> None:
        """An Inform was due at that time."""
        self._at(at).informs_planned += 1

    def session(self, record: SessionRecord) -> None:
        """Take a session that has ended; it waits for others, as many at once cost less."""
        self._ended.append(record)
        if len(self._ended) >= _BATCH:
            self.settle()

    @property
    def points(self) -> dict[int, Point]:
        """The points by the number of their step."""
        self.settle()
        return self._points

    def settle(self) -> None:
        """Put what waits into its points."""
        ended, self._ended = self._ended, []
        for record in ended:
            self._take(record)

    def _take(self, record: SessionRecord) -> None:
        # The point is looked up here: this is done for every session.
        outcome, accepted, sent = record.outcome, record.accepted, record.inform_sent
        ended = record.started + record.seconds
        point = self._point if self._begins <= ended < self._ends else self._find(ended)
        if outcome is Outcome.SUCCEEDED:
            point.sessions_succeeded += 1
            point.sessions.add(record.seconds)
        elif outcome is Outcome.ABANDONED:
            point.sessions_abandoned += 1
        else:
            self._failed(point, record.blame)
        if record.informed is not None:
            point.from_plan.add(record.informed - record.planned)
            if accepted is not None:
                point.crs_delivered += 1
        if sent is not None:
            if accepted is not None:
                point.to_inform.add(sent - accepted)
            (point if self._begins <= sent < self._ends else self._find(sent)).informs += 1

    def _failed(self, point: Point, blame: Blame | None) -> None:
        if blame is Blame.SHED:
            point.sessions_shed += 1
            return
        point.sessions_failed += 1
        name = _BLAMES[blame or Blame.OURS]
        setattr(point, name, getattr(point, name) + 1)

    def connection_request(self, at: float, verdict: str) -> None:
        """The Connection Request server has answered one."""
        point = self._at(at)
        point.crs_received += 1
        point.crs_accepted += verdict == "accepted"

    def sample(self, at: float, cpes_on: int, retrying: int, absent: int = 0) -> None:
        """Note the gauges."""
        point = self._at(at)
        point.cpes_on, point.retrying, point.absent = cpes_on, retrying, absent

    def _at(self, at: float) -> Point:
        return self._point if self._begins <= at < self._ends else self._find(at)

    def _find(self, at: float) -> Point:
        number = max(0, int((at - self._start) // self.step))
        while number >= MAX_POINTS:
            self.coarsen()
            number //= 2
        point = self._point = self._point_of(number)
        self._newest = self._touched[number] = max(number, self._newest)
        self._begins = self._start + number * self.step
        self._ends = self._begins + self.step
        return point

    def _point_of(self, number: int) -> Point:
        point = self._points.get(number)
        if point is None:
            point = self._points[number] = Point()
        return point

    # Merging.

    def coarsen(self) -> None:
        """Make two steps one; gauges are those at its end."""
        old, self._points, self.step = self._points, {}, self.step * 2
        for number in sorted(old):
            point = self._point_of(number // 2)
            point.merge(old[number])
            _take_gauges(point, old[number])
        touched, self._touched = self._touched, {}
        for number, newest in touched.items():
            at = number // 2
            self._touched[at] = max(newest // 2, self._touched.get(at, 0))
        self._newest //= 2
        self._begins = self._ends = inf

    def coarser(self, step: float) -> Timeline:
        """The same in a longer step."""
        self.settle()
        other = Timeline(self._start)
        other.step, other._points = self.step, self._points
        while other.step < step:
            other.coarsen()
        return other

    def to_wire(self, *, final: bool) -> TimelineReport:
        """The points that changed in the last ``RECENT_SECONDS``; all of them in a final report."""
        points = self.points
        since = self._newest - RECENT_SECONDS / self.step
        changed = (
            [number, point.to_wire()]
            for number, point in points.items()
            if final or self._touched[number] >= since
        )
        return {"step": self.step, "points": list(changed)}

    def take(self, wire: TimelineReport) -> None:
        """Take a report: its points stand in place of those that were told before."""
        while self.step < wire["step"]:
            self.coarsen()
        if self.step == wire["step"]:  # an older one comes late, and is of no interest
            for number, point in wire["points"]:
                self._points[number] = Point.from_wire(point)

    @classmethod
    def total(cls, timelines: Iterable[Timeline], first: int = 0) -> Timeline:
        """
        What several workers did as one, in the longest step of them.

        Args:
            timelines: of the workers.
            first: number of the first point that is wanted.
        """
        whole = cls()
        given = list(timelines)
        for part in given:
            part.settle()  # which may make the step longer
        whole.step = max((part.step for part in given), default=1.0)
        parts = [part.coarser(whole.step) for part in given]
        size = max((number + 1 for part in parts for number in part.points), default=0)
        whole._points = {number: Point() for number in range(first, size)}
        for part in parts:
            _add(whole.points, part.points)
        return whole

    # For reading.

    def between(self, start: float, end: float) -> Point:
        """What happened in the steps that lie within these seconds of the run, as one."""
        whole = Point()
        for number, point in self.points.items():
            if start <= number * self.step and (number + 1) * self.step <= end:
                whole.merge(point)
        return whole

    def count(self, name: str) -> int:
        """One of ``COUNTS`` over the whole run."""
        return sum(getattr(point, name) for point in self.points.values())

    def summary(
        self, marks: Iterable[Mapping[str, Any]] = (), first: int = 0
    ) -> dict[str, Any]:  # fmt: skip
        """
        The timeline as ``docs/summary.md`` has it.

        Args:
            marks: what was done to the fleet: ``{"at": seconds, "text": ...}``.
            first: number of the first point that is wanted.
        """
        numbers = range(first, max(self.points, default=-1) + 1)
        points = [self.points.get(number) or Point() for number in numbers]
        columns = {name: [getattr(point, name) for point in points] for name in COUNTS}
        failed = {each.value: columns.pop(name) for each, name in _BLAMES.items()}
        gauges = {name: [max(0, getattr(point, name)) for point in points] for name in GAUGES}
        times = {f"{name}_ms": _columns([getattr(p, name) for p in points]) for name in TIMES}
        return {
            "step": self.step,
            "at": [round(number * self.step, 3) for number in numbers],
            **columns,
            "failed_by": failed,
            **gauges,
            **times,
            "marks": [dict(mark) for mark in marks],
        }


def _take_gauges(point: Point, newer: Point) -> None:
    if newer.cpes_on >= 0:
        for name in GAUGES:
            setattr(point, name, getattr(newer, name))


def _add(whole: Mapping[int, Point], part: Mapping[int, Point]) -> None:
    """Add a worker's points; its gauges hold until it tells others."""
    last = Point(cpes_on=0, retrying=0, absent=0)
    before = [number for number in part if number not in whole]
    if before:
        _take_gauges(last, part[max(before)])
    for number, sum_ in whole.items():
        own = part.get(number)
        if own is not None:
            sum_.merge(own)
            _take_gauges(last, own)
        for name in GAUGES:
            setattr(sum_, name, max(0, getattr(sum_, name)) + getattr(last, name))


def _columns(each: Sequence[Times]) -> dict[str, list[float | None]]:
    """Milliseconds by percentile, None where nothing was timed."""
    rows = [[*times.percentiles(), times.longest] if times.buckets else None for times in each]
    names = [*(f"p{percent}" for percent in PERCENTS), "max"]
    return {
        name: [None if row is None else round(row[place] * 1000, 3) for row in rows]
        for place, name in enumerate(names)
    }
