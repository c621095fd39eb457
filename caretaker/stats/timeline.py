"""
How a run went, second by second: counts, gauges and times that merge (decision 0018).

Each worker keeps points of a second from the start of the run, which all workers share. The master
merges the points of all workers. A report holds whole points, not changes: a point that comes twice
does no harm, and a lost one comes again with the last report.

A run of any length takes no more than ``MAX_POINTS``: beyond them two become one of twice the step.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from math import inf
from typing import Any, TypedDict, cast

from caretaker.cwmp.outcome import Outcome
from caretaker.errors import Blame
from caretaker.stats.histogram import CoarseHistogram
from caretaker.stats.records import (
    SessionColumns,
    SessionRecord,
    session_columns,
    succeeded,
)

MAX_POINTS = 600
RECENT_SECONDS = 15.0
"""A report has the points that changed in this time: a few reports may be lost."""

PERCENTS = (50, 95, 99)
"""The percentiles of each point in the summary."""
_BATCH = 256
"""Sessions that are put into their points together."""


@dataclass(slots=True)
class Point:
    """
    What happened in one step of the run.

    Args:
        informs_planned: due times of Informs.
        informs: Informs written.
        sessions_succeeded, sessions_failed, sessions_shed, sessions_abandoned: ended sessions by
            outcome; a session that was planned and has not ended is open.
        failed_ours, failed_acs, failed_generator: failed sessions by blame.
        crs_received, crs_accepted: Connection Requests.
        crs_delivered: Connection Requests whose Inform the ACS answered.
        cpes_on: CPEs with power at the end of the step; below 0 without a sample.
        retrying: CPEs with power that wait for the retry of a session; below 0 without a sample.
        absent: CPEs without a good session since their power was cut; below 0 without a sample.
        sessions: how long the succeeded sessions took.
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
    sessions: CoarseHistogram = field(default_factory=CoarseHistogram)
    from_plan: CoarseHistogram = field(default_factory=CoarseHistogram)
    to_inform: CoarseHistogram = field(default_factory=CoarseHistogram)

    def merge(self, other: Point) -> None:
        """Add counts and times of another worker, or of the next step; gauges are not added up."""
        for name in COUNTS:
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for name in TIMES:
            getattr(self, name).merge(getattr(other, name))

    def to_wire(self) -> list[Any]:
        """The point as plain data, for ``from_wire``."""
        numbers = [getattr(self, name) for name in (*COUNTS, *GAUGES)]
        return [*numbers, *(getattr(self, name).to_wire() for name in TIMES)]

    @classmethod
    def from_wire(cls, wire: Sequence[Any]) -> Point:
        """The point that ``to_wire`` made plain data of."""
        size = len(COUNTS) + len(GAUGES)
        return cls(*wire[:size], *map(CoarseHistogram.from_wire, wire[size:]))


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
        self._points: dict[int, Point] = {}
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

    def inform(self, at: float) -> None:
        """Count an Inform that was written at that time, by a session that still runs."""
        self._at(at).informs += 1

    def session(self, record: SessionRecord) -> None:
        """Take a session that has ended; sessions wait for each other, as a batch costs less."""
        self._ended.append(record)
        if len(self._ended) >= _BATCH:
            self.settle()

    @property
    def points(self) -> dict[int, Point]:
        """The points by the number of their step."""
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
            _count(newest, columns)
            return
        parts: defaultdict[int, list[SessionRecord]] = defaultdict(list)
        for at, record in zip(times, ended, strict=True):
            parts[self._number(at)].append(record)
        for part in parts.values():
            _count(self._at(part[0].started + part[0].seconds), session_columns(part))

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
        point = self._point = self._point_of(number)
        self._newest = self._touched[number] = max(number, self._newest)
        self._begins = self._start + number * self.step
        self._ends = self._begins + self.step
        return point

    def _number(self, at: float) -> int:
        return max(0, int((at - self._start) // self.step))

    def _point_of(self, number: int) -> Point:
        point = self._points.get(number)
        if point is None:
            point = self._points[number] = Point()
        return point

    # Merging.

    def coarsen(self) -> None:
        """Double the step: two points become one, with the gauges of the later one."""
        old, self._points, self.step = self._points, {}, self.step * 2
        for number in sorted(old):
            point = self._point_of(number // 2)
            point.merge(old[number])
            _take_gauges(point, old[number])
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
        changed = (
            [number, point.to_wire()]
            for number, point in points.items()
            if final or self._touched[number] >= since
        )
        return {"step": self.step, "points": list(changed)}

    def take(self, wire: TimelineReport) -> None:
        """Take a report: its points replace those of the same numbers."""
        while self.step < wire["step"]:
            self.coarsen()
        if self.step == wire["step"]:  # a report in a shorter step is an old one
            for number, point in wire["points"]:
                self._points[number] = Point.from_wire(point)

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
        whole._points = {number: Point() for number in range(first, size)}
        for part in parts:
            _add(whole.points, part.points)
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
        failed = {blame.value: columns.pop(name) for blame, name in _BLAMES.items()}
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


def _count(point: Point, columns: SessionColumns) -> None:
    """Count sessions that have ended in a point."""
    durations, abandoned = succeeded(columns), columns.outcome.count(Outcome.ABANDONED)
    point.sessions_succeeded += len(durations)
    point.sessions_abandoned += abandoned
    if len(durations) + abandoned < len(columns.outcome):
        _count_failures(point, columns)
    from_plan = [
        at - planned
        for at, planned in zip(columns.informed, columns.planned, strict=True)
        if at is not None
    ]
    for times, histogram in (durations, point.sessions), (from_plan, point.from_plan):
        if times:
            histogram.extend(times)
    if columns.accepted.count(None) < len(columns.accepted):
        _count_requests(point, columns)


def _count_requests(point: Point, columns: SessionColumns) -> None:
    """Count what has become of accepted Connection Requests."""
    to_inform: list[float] = []
    for accepted, sent, informed in zip(
        columns.accepted, columns.inform_sent, columns.informed, strict=True
    ):
        if accepted is not None:
            point.crs_delivered += informed is not None
            if sent is not None:
                to_inform.append(sent - accepted)
    if to_inform:
        point.to_inform.extend(to_inform)


def _count_failures(point: Point, columns: SessionColumns) -> None:
    for outcome, blame in zip(columns.outcome, columns.blame, strict=True):
        if outcome is Outcome.FAILED or outcome is Outcome.SHED:
            if blame is Blame.SHED:
                point.sessions_shed += 1
            else:
                point.sessions_failed += 1
                name = _BLAMES[blame or Blame.OURS]
                setattr(point, name, getattr(point, name) + 1)


def _gauge(value: int) -> int | None:
    """A gauge as the summary has it: None without a sample."""
    return value if value >= 0 else None


def _take_gauges(point: Point, newer: Point) -> None:
    if newer.cpes_on >= 0:
        for name in GAUGES:
            setattr(point, name, getattr(newer, name))


def _add(whole: Mapping[int, Point], part: Mapping[int, Point]) -> None:
    """Add a worker's points; a gauge holds from the worker's first sample until the next one."""
    last = Point()
    before = [number for number in part if number not in whole]
    if before:
        _take_gauges(last, part[max(before)])
    for number, sum_ in whole.items():
        own = part.get(number)
        if own is not None:
            sum_.merge(own)
            _take_gauges(last, own)
        if last.cpes_on >= 0:
            for name in GAUGES:
                setattr(sum_, name, max(0, getattr(sum_, name)) + getattr(last, name))


def _columns(histograms: Sequence[CoarseHistogram]) -> dict[str, list[float | None]]:
    """Milliseconds by percentile; None where a histogram is empty."""
    rows = [times.summary(*PERCENTS) for times in histograms]
    return {name: [row[name] for row in rows] for name in CoarseHistogram().summary(*PERCENTS)}
