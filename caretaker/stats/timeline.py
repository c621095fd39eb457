"""
How a run went, second by second: counts, gauges and times that merge (decision 0018).

Each worker keeps points of a second from the start of the run, which all workers share. The master
merges the points of all workers. A report holds whole points, not changes: a point that comes twice
does no harm, and a lost one comes again with the last report.

A run of any length takes no more than ``MAX_POINTS``: beyond them two become one of twice the step.
Nearly all of them rest, packed, in ``Points``.
"""

from __future__ import annotations

from bisect import bisect_left
from collections import defaultdict
from collections.abc import Iterable, Sequence
from math import inf
from typing import Any, TypedDict, cast

from caretaker.stats.histogram import CoarseHistogram
from caretaker.stats.records import SessionColumns, SessionRecord, session_columns
from caretaker.stats.timeline_point import BLAMES, COUNTS, GAUGES, TIMES, Point
from caretaker.stats.timeline_points import Points

MAX_POINTS = 600
RECENT_SECONDS = 15.0
"""A report has the points that changed in this time: a few reports may be lost."""

PERCENTS = (50, 95, 99)
"""The percentiles of each point in the summary."""
_BATCH = 256
"""Sessions that are put into their points together."""


class TimelineReport(TypedDict):
    """Points of a worker's timeline, as its reports carry them."""

    step: float
    """Seconds of a point."""
    points: list[list[Any]]
    """The number of each point, and ``Point.to_wire``."""


class Mark(TypedDict):
    """Something that happened in a run."""

    at: float
    """Seconds since the start of the run."""
    text: str


class TimelineColumns(TypedDict):
    """A timeline as the summary has it: columns with a number for each step."""

    step: float
    at: list[float]
    informs_planned: list[int]
    informs: list[int]
    sessions_succeeded: list[int]
    sessions_failed: list[int]
    sessions_shed: list[int]
    sessions_abandoned: list[int]
    crs_received: list[int]
    crs_accepted: list[int]
    crs_delivered: list[int]
    failed_by: dict[str, list[int]]
    cpes_on: list[int | None]
    retrying: list[int | None]
    absent: list[int | None]
    sessions_ms: dict[str, list[float | None]]
    from_plan_ms: dict[str, list[float | None]]
    to_inform_ms: dict[str, list[float | None]]
    marks: list[Mark]


class Timeline:
    """
    The points of a run, by the number of their step.

    Args:
        start: of the run, on the clock of the records.
    """

    def __init__(self, start: float = 0.0) -> None:
        self.step = 1.0
        self._points = Points()
        self._ended: list[SessionRecord] = []
        """Ended sessions that are not in a point yet."""
        self._start = start
        self._newest = 0
        """The highest number of a point so far."""
        self._touched: dict[int, int] = {}
        """For the number of each point, the newest number when the point changed last."""
        self._point = Point()
        """The point of the last look-up, from ``_begins`` to ``_ends``."""
        self._begins = self._ends = inf

    def seconds(self, at: float) -> float:
        """The seconds of the run at a time of the records' clock."""
        return at - self._start

    # Filling: this is on the path of every session.

    def planned(self, at: float) -> None:
        """Count an Inform that was due at that time."""
        self._at(at).informs_planned += 1

    def planned_together(self, times: Sequence[float]) -> None:
        """``planned`` for many Informs; with few steps where many were due in one second."""
        ordered, first = sorted(times), 0
        while first < len(ordered):
            point = self._at(ordered[first])
            end = max(first + 1, bisect_left(ordered, self._ends, first))
            point.informs_planned += end - first
            first = end

    def inform(self, at: float) -> None:
        """Count an Inform that was written at that time, by a session that still runs."""
        self._at(at).informs += 1

    def session(self, record: SessionRecord) -> None:
        """Take a session that has ended; sessions wait for each other, as a batch costs less."""
        self._ended.append(record)
        if len(self._ended) >= _BATCH:
            self.settle()

    @property
    def points(self) -> Points:
        """The points by the number of their step, to be read."""
        self.settle()
        return self._points

    def settle(self) -> None:
        """Put the sessions that wait into their points."""
        ended, self._ended = self._ended, []
        if not ended:
            return
        columns = session_columns(ended)
        self._count_informs(columns)
        times = [
            started + seconds
            for started, seconds in zip(columns.started, columns.seconds, strict=True)
        ]
        newest = self._at(max(times))
        if self._at(min(times)) is newest:
            newest.count_sessions(columns)
            return
        parts: defaultdict[int, list[SessionRecord]] = defaultdict(list)
        for at, record in zip(times, ended, strict=True):
            parts[self._number(at)].append(record)
        for part in parts.values():
            point = self._at(part[0].started + part[0].seconds)
            point.count_sessions(session_columns(part))

    def _count_informs(self, columns: SessionColumns) -> None:
        """Count the Informs of sessions that have ended."""
        times = [
            sent
            for sent, is_there in zip(columns.inform_sent, columns.on_timeline, strict=True)
            if sent is not None and not is_there
        ]
        if not times:
            return
        newest = self._at(max(times))
        if self._at(min(times)) is newest:
            newest.informs += len(times)
            return
        for at in times:
            self._at(at).informs += 1

    def connection_request(self, at: float, verdict: str) -> None:
        """Count a Connection Request; ``verdict`` is one of ``VERDICTS``."""
        point = self._at(at)
        point.crs_received += 1
        point.crs_accepted += verdict == "accepted"

    def sample(self, at: float, cpes_on: int, retrying: int, absent: int = 0) -> None:
        """Set the gauges of ``Point`` at a time."""
        point = self._at(at)
        point.cpes_on, point.retrying, point.absent = cpes_on, retrying, absent

    def _at(self, at: float) -> Point:
        return self._point if self._begins <= at < self._ends else self._find(at)

    def _find(self, at: float) -> Point:
        number = self._number(at)
        while number >= MAX_POINTS:
            self.coarsen()
            number //= 2
        point = self._point = self._points.open(number)
        self._newest = self._touched[number] = max(number, self._newest)
        self._begins = self._start + number * self.step
        self._ends = self._begins + self.step
        return point

    def _number(self, at: float) -> int:
        return max(0, int((at - self._start) // self.step))

    # Merging.

    def coarsen(self) -> None:
        """Double the step: two points become one, with the gauges of the later one."""
        old, self._points, self.step = self._points, Points(), self.step * 2
        for number in sorted(old):
            point, finer = self._points.open(number // 2), old[number]
            point.merge(finer)
            point.take_gauges(finer)
        touched, self._touched = self._touched, {}
        for number, newest in touched.items():
            half = number // 2
            self._touched[half] = max(newest // 2, self._touched.get(half, 0))
        self._newest //= 2
        self._begins = self._ends = inf

    def coarser(self, step: float) -> Timeline:
        """A timeline with these points in a step of at least ``step`` seconds."""
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
        changed = [
            [number, points.wire(number)]
            for number in points
            if final or self._touched[number] >= since
        ]
        return {"step": self.step, "points": changed}

    def take(self, wire: TimelineReport) -> None:
        """Take a report: its points replace those of the same numbers."""
        while self.step < wire["step"]:
            self.coarsen()
        if self.step == wire["step"]:  # a report in a shorter step is an old one
            for number, point in wire["points"]:
                self._points.put(number, Point.from_wire(point))

    @classmethod
    def total(cls, timelines: Iterable[Timeline], first: int = 0) -> Timeline:
        """
        The sum of several workers' timelines, in the longest step among them.

        Args:
            timelines: of the workers.
            first: number of the first point of the sum.
        """
        whole = cls()
        given = list(timelines)
        for part in given:
            part.settle()  # which may make the step longer
        whole.step = max((part.step for part in given), default=1.0)
        parts = [part.coarser(whole.step) for part in given]
        size = max((number + 1 for part in parts for number in part.points), default=0)
        whole._points = Points(MAX_POINTS)  # it is soon read, and dropped
        before = [_gauges_before(part.points, first) for part in parts]
        for number in range(first, size):
            point = whole._points.open(number)
            for part, last in zip(parts, before, strict=True):
                _add(point, part.points.get(number), last)
        return whole

    # Reading.

    def between(self, start: float, end: float) -> Point:
        """One point with all steps that lie within these seconds of the run."""
        whole = Point()
        for number, point in self.points.items():
            if start <= number * self.step and (number + 1) * self.step <= end:
                whole.merge(point)
        return whole

    def count(self, name: str) -> int:
        """The sum of one of ``COUNTS`` over the whole run."""
        return sum(getattr(point, name) for point in self.points.values())

    def summary(
        self, marks: Iterable[Mark] = (), first: int = 0
    ) -> TimelineColumns:  # fmt: skip
        """
        The timeline as ``docs/summary.md`` has it.

        Args:
            marks: what was done to the fleet.
            first: number of the first point in the summary.
        """
        numbers = range(first, max(self.points, default=-1) + 1)
        points = [self.points.get(number) or Point() for number in numbers]
        columns = {name: [getattr(point, name) for point in points] for name in COUNTS}
        failed = {blame.value: columns.pop(name) for blame, name in BLAMES.items()}
        gauges = {name: [_gauge(getattr(point, name)) for point in points] for name in GAUGES}
        times = {f"{name}_ms": _columns([getattr(p, name) for p in points]) for name in TIMES}
        made = {
            "step": self.step,
            "at": [round(number * self.step, 3) for number in numbers],
            **columns,
            "failed_by": failed,
            **gauges,
            **times,
            "marks": [*marks],
        }
        return cast(TimelineColumns, made)


def _gauge(value: int) -> int | None:
    """A gauge as the summary has it: None without a sample."""
    return value if value >= 0 else None


def _gauges_before(points: Points, first: int) -> Point:
    """The gauges of a worker before a step: those of its newest point until then."""
    last = Point()
    before = [number for number in points if number < first]
    if before:
        last.take_gauges(points[max(before)])
    return last


def _add(whole: Point, own: Point | None, last: Point) -> None:
    """Add a worker's point, if it has one; ``last`` has its gauges, which hold until new ones."""
    if own is not None:
        whole.merge(own)
        last.take_gauges(own)
    if last.cpes_on >= 0:
        for name in GAUGES:
            setattr(whole, name, max(0, getattr(whole, name)) + getattr(last, name))


def _columns(histograms: Sequence[CoarseHistogram]) -> dict[str, list[float | None]]:
    """Milliseconds by percentile; None where a histogram is empty."""
    rows = [times.summary(*PERCENTS) for times in histograms]
    return {name: [row[name] for row in rows] for name in CoarseHistogram().summary(*PERCENTS)}
