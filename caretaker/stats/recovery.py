"""
Recovery, measured on a timeline: when all is as before, and how high the peak of Informs was.

Pure functions; times are seconds from the start of the run. ``docs/scenarios.md`` defines the KPIs
in words.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from itertools import accumulate
from math import inf
from typing import NamedTuple

from caretaker.stats.timeline import Timeline
from caretaker.stats.timeline_point import Point

STEADY_STEPS = 3
"""Steps in a row that must be as before for the fleet to be in steady state."""
FACTOR = 2.0
"""Latencies are as before when their p95 is at most this many times that of before ..."""
FLOOR = 0.05
"""... or no more than this many seconds above it."""


class Span(NamedTuple):
    """A part of the run; start and end in seconds."""

    start: float
    end: float


class Baseline(NamedTuple):
    """
    The fleet before something was done to it.

    Args:
        informs_per_second: Informs written.
        open: the most sessions that were due and had not ended.
        retrying: the most CPEs that waited for a retry.
        p95: seconds from plan to InformResponse; None without Informs.
    """

    informs_per_second: float
    open: int
    retrying: int
    p95: float | None

    @classmethod
    def of(cls, timeline: Timeline, span: Span) -> Baseline:
        """The baseline in a part of a timeline."""
        points = _numbers(timeline, span)
        whole = timeline.between(*span)
        opened = open_sessions(timeline)
        seconds = max(1, len(points)) * timeline.step
        return cls(
            whole.informs / seconds,
            max((opened[number] for number in points), default=0),
            max((timeline.points[number].retrying for number in points), default=0),
            whole.from_plan.percentile(95),
        )


def _numbers(timeline: Timeline, span: Span) -> list[int]:
    """The numbers of the steps that lie within a part of the run."""
    step = timeline.step
    size = max(timeline.points, default=-1) + 1
    return [n for n in range(size) if span.start <= n * step and (n + 1) * step <= span.end]


def seconds_in(timeline: Timeline, span: Span) -> float:
    """How many seconds the steps have that lie within a part of the run."""
    return len(_numbers(timeline, span)) * timeline.step


def open_sessions(timeline: Timeline) -> list[int]:
    """For each step, the Informs that were due and whose sessions had not ended at its end."""
    size = max(timeline.points, default=-1) + 1
    points = (timeline.points.get(number) or Point() for number in range(size))
    return list(accumulate(point.informs_planned - _ended(point) for point in points))


def _ended(point: Point) -> int:
    return (
        point.sessions_succeeded
        + point.sessions_failed
        + point.sessions_shed
        + point.sessions_abandoned
    )


def steady(timeline: Timeline, baseline: Baseline, since: float) -> float | None:
    """
    When the fleet was in steady state again, not before ``since``; None if it never was.

    That is the end of the first of ``STEADY_STEPS`` steps in a row in each of which every CPE whose
    power was cut has had a good session, no more CPEs wait for a retry and no more Informs are open
    than before, and the latencies of those steps are as before.
    """
    numbers = _numbers(timeline, Span(since, inf))
    opened = open_sessions(timeline)
    good = [
        _is_at_baseline(timeline.points[number], opened[number], baseline) for number in numbers
    ]
    for place in range(len(numbers) - STEADY_STEPS + 1):
        steps = slice(place, place + STEADY_STEPS)
        if all(good[steps]) and _has_latency_of(timeline, numbers[steps], baseline):
            return (numbers[place] + 1) * timeline.step
    return None


def _is_at_baseline(point: Point, opened: int, baseline: Baseline) -> bool:
    waits = point.retrying <= baseline.retrying and opened <= baseline.open + 2
    return point.absent <= 0 and waits


def _has_latency_of(timeline: Timeline, numbers: Sequence[int], baseline: Baseline) -> bool:
    times = Point()
    for number in numbers:
        times.merge(timeline.points[number])
    p95 = times.from_plan.percentile(95)
    if baseline.p95 is None or p95 is None:
        return True
    return p95 <= max(baseline.p95 * FACTOR, baseline.p95 + FLOOR)


def lacking(timeline: Timeline, baseline: Baseline, number: int) -> list[str]:
    """What keeps a step of the timeline from being as before, each as a phrase."""
    point, opened = timeline.points.get(number) or Point(), open_sessions(timeline)[number]
    found = (
        (point.absent > 0, f"{point.absent:,} CPEs had no good session since"),
        (point.retrying > baseline.retrying, f"{point.retrying:,} CPEs still wait for a retry"),
        (opened > baseline.open + 2, f"{opened:,} Informs are open"),
    )
    return [text for is_so, text in found if is_so] or ["Informs are answered later than before"]


def all_back(timeline: Timeline, since: float) -> float | None:
    """When every CPE whose power was cut had had a good session; None if one never had."""
    for number in _numbers(timeline, Span(since, inf)):
        if timeline.points[number].absent <= 0:
            return (number + 1) * timeline.step
    return None


def recovery(
    timeline: Timeline, baseline: Baseline, began: float, since: float
) -> dict[str, float | None]:  # fmt: skip
    """
    The KPIs of a disruption: the peak of Informs that follows, and when it was over.

    Args:
        timeline: of the whole run.
        baseline: the fleet before.
        began: when the disruption began.
        since: when recovery could begin: the power, or the ACS, is back.
    """
    end = steady(timeline, baseline, since)
    until = inf if end is None else end  # a later scenario does not count
    numbers = _numbers(timeline, Span(float(int(since)), until))
    step = timeline.step
    peak = max(numbers, key=lambda n: timeline.points[n].informs_planned, default=None)
    highest = timeline.points[peak].informs_planned / step if peak is not None else 0.0
    whole = timeline.between(float(int(began)), until)
    return {
        "time_to_steady_state_s": None if end is None else round(end - since, 1),
        "informs_per_second_before": round(baseline.informs_per_second, 2),
        "peak_informs_per_second": round(highest, 2),
        "peak_after_s": None if peak is None else round(max(0.0, peak * step - since), 1),
        "peak_over_before": _ratio(highest, baseline.informs_per_second),
        "from_plan_max_ms": whole.from_plan.summary()["max"],
        "sessions_failed": whole.sessions_failed,
        "sessions_shed": whole.sessions_shed,
        "most_retrying": max((timeline.points[n].retrying for n in numbers), default=0),
    }


def _ratio(above: float, below: float) -> float | None:
    return round(above / below, 1) if below else None


def reached(curve: Sequence[tuple[float, float]], share: float) -> float | None:
    """The seconds at which a curve of (seconds, share) first has this share; None if never."""
    return next((round(at, 1) for at, reached in curve if reached >= share), None)


def convergence(curve: Sequence[tuple[float, float]]) -> Mapping[str, float | None]:
    """The KPIs of a curve of (seconds, share): when 50, 95 and 100 % were reached, and the end."""
    marks = {f"time_to_{percent}_percent_s": reached(curve, percent / 100)
             for percent in (50, 95, 100)}  # fmt: skip
    return {**marks, "converged": round(curve[-1][1], 4) if curve else None}
