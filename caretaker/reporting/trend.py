"""
How figures develop over the runs of a folder, and whether the newest run is worse than before.

A pure function of kept runs. Each figure is held against a rolling baseline: the median of the
comparable runs before it. What is beyond noise is worse; the noise is what these runs themselves
have shown of it (``docs/trend.md`` has the reasons).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import NamedTuple

from caretaker.reporting.comparability import differences, doubts
from caretaker.reporting.comparison import FLOORS
from caretaker.reporting.generator_limits import GeneratorFigures, own_ms
from caretaker.reporting.kept_runs import KeptRun
from caretaker.reporting.metrics import MetricKind, figure, is_of_generator, kind, numbers
from caretaker.reporting.outcomes import RunOutcome, worst

FIGURES = (
    "informs.from_plan_ms.p99",
    "sessions.per_second",
    "sessions.failed_ratio",
    "connection_requests.to_inform_ms.p99",
)
"""What is drawn unless the user asks for other metrics."""

BASELINE_RUNS = 7
"""The most runs that a baseline is of; it follows a lasting change after four."""
LEAST_RUNS = 5
"""The fewest; the spread of fewer says nothing."""
SPREADS = 6.0
"""How many standard deviations of the baseline's runs are noise."""
MAD_TO_DEVIATION = 1.4826
"""Standard deviations in a median absolute deviation, of a normal distribution."""


class Baseline(NamedTuple):
    """
    What a figure was before.

    Args:
        middle: the median.
        noise: the distance from it that says nothing.
        runs: how many it is of.
    """

    middle: float
    noise: float
    runs: int


class Point(NamedTuple):
    """A figure of one run, None for no data, and what it was before, None for too few runs."""

    run: str
    value: float | None
    baseline: Baseline | None


@dataclass(frozen=True)
class FigureTrend:
    """A metric over the runs, the newest last."""

    metric: str
    kind: MetricKind
    points: Sequence[Point]

    @property
    def newest(self) -> Point:
        """The figure of the newest run."""
        return self.points[-1]

    def change(self, point: Point) -> int:
        """1 where a run is worse than before beyond noise, -1 where it is better, else 0."""
        if point.value is None or point.baseline is None:
            return 0
        distance = (point.value - point.baseline.middle) * self.kind.worse
        return 0 if abs(distance) <= point.baseline.noise else 1 if distance > 0 else -1

    def limit(self, point: Point) -> float | None:
        """The last value that would not be worse; None where there is no baseline."""
        if point.baseline is None or not self.kind.worse:
            return None
        return point.baseline.middle + self.kind.worse * point.baseline.noise

    @property
    def outcome(self) -> RunOutcome:
        """Of the newest run."""
        if self.newest.value is None or self.newest.baseline is None:
            return RunOutcome.NOT_SHOWN
        return RunOutcome.BROKEN if self.change(self.newest) > 0 else RunOutcome.HELD


@dataclass(frozen=True)
class Trend:
    """
    Figures over the runs that are comparable with the newest.

    Args:
        figures: one or more, those that are worse first.
        runs: that are drawn, the newest last.
        left_out: how many runs are not, by what is different with them.
        doubts: why the figures of the newest run may be none of the ACS's.
    """

    figures: Sequence[FigureTrend]
    runs: Sequence[KeptRun]
    left_out: Mapping[str, int]
    doubts: Sequence[str]

    @property
    def outcome(self) -> RunOutcome:
        """Of the newest run; not shown where its figures may not be the ACS's."""
        if self.doubts:
            return RunOutcome.NOT_SHOWN
        return worst(figure.outcome for figure in self.figures)


def trend(runs: Sequence[KeptRun], metrics: Sequence[str], last: int, threshold: float) -> Trend:
    """
    How figures develop.

    Args:
        runs: at least one, the newest last.
        metrics: the figures; none for those of ``FIGURES`` that any run has data for.
        last: how many runs are drawn, at most.
        threshold: the relative change that is noise in any case.
    """
    like, left_out = _comparable(runs)
    measured = [numbers(run.summary) for run in like]
    wanted = metrics or _with_data(measured)
    figures = [_figure(metric, like, measured, last, threshold) for metric in wanted]
    figures.sort(key=lambda found: found.outcome != RunOutcome.BROKEN)
    return Trend(figures, like[-last:], left_out, doubts(like[-1].summary))


def _comparable(runs: Sequence[KeptRun]) -> tuple[list[KeptRun], Counter[str]]:
    """The runs whose figures may be held against those of the newest, and why others may not."""
    newest, left_out = runs[-1], Counter[str]()
    like = []
    for run in runs[:-1]:
        refusing = [f"another {found.what}" for found in differences(run.summary, newest.summary)
                    if found.refuses]  # fmt: skip
        reason = next(iter([*refusing, *doubts(run.summary)]), None)
        if reason is None:
            like.append(run)
        else:
            left_out[reason] += 1
    return [*like, newest], left_out


def _with_data(measured: Sequence[Mapping[str, float | None]]) -> Sequence[str]:
    """The usual figures that any run has; all of them if none has one."""
    found = [name for name in FIGURES if any(run.get(name) is not None for run in measured)]
    return found or FIGURES


def _figure(
    metric: str,
    runs: Sequence[KeptRun],
    measured: Sequence[Mapping[str, float | None]],
    last: int,
    threshold: float,
) -> FigureTrend:
    metric_kind, values = kind(metric), [figure(metric, run) for run in measured]
    floor = FLOORS.get(metric_kind.unit, 0.0)
    points = [
        Point(run.name, value, _baseline(values[:at], threshold, max(floor, _own(metric, run))))
        for at, (run, value) in enumerate(zip(runs, values, strict=True))
    ]
    return FigureTrend(metric, metric_kind, points[-last:])


def _own(metric: str, run: KeptRun) -> float:
    """What the generator itself may have added to a figure of this run."""
    if is_of_generator(metric) or kind(metric).unit != "ms":
        return 0.0
    return own_ms(GeneratorFigures.of_run(run.summary))


def _baseline(before: Sequence[float | None], threshold: float, floor: float) -> Baseline | None:
    """What a figure was before, None for too few runs; ``floor`` is noise in any case."""
    values = [value for value in before if value is not None][-BASELINE_RUNS:]
    if len(values) < LEAST_RUNS:
        return None
    middle = median(values)
    spread = MAD_TO_DEVIATION * median(abs(value - middle) for value in values)
    noise = max(SPREADS * spread, threshold * abs(middle), floor)
    return Baseline(middle, noise, len(values))
