"""
Charts of a run: its timeline, how its Connection Requests spread, and its scenario's curves.

Pure functions of summaries (``docs/summary.md``). ``templates/charts.js`` draws what they return.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from math import ceil, inf, isfinite
from operator import itemgetter
from typing import Any, NamedTuple

from caretaker.reporting.summary_types import Summary
from caretaker.reporting.verdict import what_broke_first
from caretaker.stats.timeline import Mark

Numbers = list[float | None]
_Columns = Mapping[str, Any]
"""``TimelineColumns`` by name, or none of them: what is drawn is chosen by paths in tables."""

LEAST_STEP = 1e-3
"""Seconds; no timeline of ours has shorter steps."""
MOST_POINTS = 600
"""Of a timeline in a chart; a longer one is thinned out, so that a page stays small."""


class Series(NamedTuple):
    """
    One line of a chart.

    Args:
        label: for the legend.
        color: a name of the palette in ``templates/page.html``.
        values: one for each x; None where there is none.
        dashed: for what was meant, beside what was.
    """

    label: str
    color: str
    values: Numbers
    dashed: bool = False


@dataclass(frozen=True)
class Chart:
    """
    One chart, ready to be drawn.

    Args:
        title, about: what it shows, and how to read it.
        x: where the values are, ascending.
        series: its lines; none when there is no data.
        unit: of the values: ``/s``, ``ms``, ``%``, or empty for a count.
        x_unit: ``time`` for seconds of the run, or a unit as above.
        log: whether the values are on a logarithmic scale.
        x_log: whether x is.
        marks: what happened in the run.
    """

    title: str
    about: str
    x: Sequence[float]
    series: tuple[Series, ...]
    unit: str = ""
    x_unit: str = "time"
    log: bool = False
    x_log: bool = False
    marks: tuple[Mark, ...] = ()

    def to_json(self) -> dict[str, Any]:
        """As plain data."""
        return {**asdict(self), "series": [one._asdict() for one in self.series]}


class Line(NamedTuple):
    """A line of a planned chart: ``path`` is that of its column in the timeline."""

    label: str
    path: str
    color: str
    dashed: bool = False


class ChartPlan(NamedTuple):
    """A chart of the timeline, and whether two runs are compared by it (by these paths)."""

    title: str
    about: str
    unit: str
    lines: tuple[Line, ...]
    log: bool = False
    compared: tuple[str, ...] = ()


def _percentiles(path: str) -> tuple[Line, ...]:
    return (
        Line("p50", f"{path}.p50", "green"),
        Line("p95", f"{path}.p95", "orange"),
        Line("p99", f"{path}.p99", "red"),
        Line("max", f"{path}.max", "grey", dashed=True),
    )


PLANS: tuple[ChartPlan, ...] = (
    ChartPlan(
        "Informs per second",
        "Planned: due by the CPEs' own clocks, whether the ACS let them in or not. Written: what "
        "reached it.",
        "/s",
        (
            Line("written", "informs", "blue"),
            Line("planned", "informs_planned", "orange", dashed=True),
        ),
        compared=("informs",),
    ),
    ChartPlan(
        "Sessions per second, by how they ended",
        "Shed: the ACS answered 503. Failures are told apart by whose fault they are.",
        "/s",
        (
            Line("succeeded", "sessions_succeeded", "green"),
            Line("failed: ACS", "failed_by.acs", "red"),
            Line("failed: ours", "failed_by.ours", "purple"),
            Line("failed: generator's limit", "failed_by.generator", "orange"),
            Line("shed", "sessions_shed", "blue"),
            Line("abandoned", "sessions_abandoned", "grey"),
        ),
        compared=("sessions_succeeded", "sessions_failed"),
    ),
    ChartPlan(
        "From the planned Inform to its InformResponse",
        "What a CPE waits until it is let in, from when it was due. Logarithmic.",
        "ms",
        _percentiles("from_plan_ms"),
        log=True,
        compared=("from_plan_ms.p95",),
    ),
    ChartPlan(
        "From the Connection Request to the Inform",
        "From accepting it to the Inform being written. Logarithmic.",
        "ms",
        _percentiles("to_inform_ms"),
        log=True,
        compared=("to_inform_ms.p95",),
    ),
    ChartPlan(
        "CPEs",
        "Out: the power was cut, and no good session since.",
        "",
        (
            Line("with power", "cpes_on", "green"),
            Line("out", "absent", "grey"),
            Line("waiting for a retry", "retrying", "red"),
        ),
        compared=("cpes_on", "retrying"),
    ),
    ChartPlan(
        "Connection Requests per second",
        "Received counts both requests of a Digest exchange. Delivered: told in an Inform that the "
        "ACS answered.",
        "/s",
        (
            Line("received", "crs_received", "grey"),
            Line("accepted", "crs_accepted", "orange"),
            Line("delivered", "crs_delivered", "blue"),
        ),
        compared=("crs_delivered",),
    ),
)
"""The charts of a timeline."""

CDF_TITLE = "How Connection Requests spread"
_CDF_ABOUT = "The share of Connection Requests whose Inform was written within so many milliseconds"

CURVES = {
    "converged": ("CPEs that have told the new version", "time", "%"),
    "coverage": ("CPEs that were there for their Connection Request", "time", "%"),
    "memory_mb": ("Memory of the workers in MB", "time", ""),
    "served_at_rate": ("Sessions served per second, by Informs per second", "/s", "/s"),
}
"""Curves of the scenarios: title, unit of x, unit of y. Others have their name for a title."""


# -- one run --------------------------------------------------------------------------------------


def of_run(summary: Summary) -> list[Chart]:
    """The charts of a run; those without data have no series."""
    line = _thin(_columns(summary))
    marks = marks_of(summary)
    drawn = [_chart(plan, line, marks) for plan in PLANS]
    scenario = summary.get("scenario")
    curves = scenario["curves"].items() if scenario else ()
    return [*drawn, _cdf({"": summary}), *(_curve(name, pairs) for name, pairs in curves)]


def marks_of(summary: Summary) -> tuple[Mark, ...]:
    """What was done to the fleet, what was reached and what broke first, in the order of time."""
    sections = (summary.get("timeline"), summary.get("scenario"))
    marks = (mark for section in sections if section for mark in section["marks"])
    first = what_broke_first(summary)
    broken = [first.mark()] if first else []
    finite = (mark for mark in (*marks, *broken) if isfinite(mark["at"]))
    return tuple(sorted(finite, key=lambda mark: mark["at"]))


def _columns(summary: Summary) -> _Columns:
    return {**summary["timeline"]} if "timeline" in summary else {}


def _number(value: Any) -> float | None:
    """A number that JSON can hold; None for anything else."""
    fine = isinstance(value, int | float) and not isinstance(value, bool) and isfinite(value)
    return value if fine else None


def _chart(plan: ChartPlan, line: _Columns, marks: tuple[Mark, ...]) -> Chart:
    series = [
        Series(planned.label, planned.color, _column(line, planned.path, plan.unit), planned.dashed)
        for planned in plan.lines
    ]
    drawn = _apart([one for one in series if any(one.values)])
    return Chart(plan.title, plan.about, line.get("at", ()), drawn, plan.unit, log=plan.log,
                 marks=marks)  # fmt: skip


def _apart(series: Sequence[Series]) -> tuple[Series, ...]:
    """Series in which each that lies on an earlier one for the most part is dashed: both show."""
    return tuple(
        one._replace(dashed=one.dashed or any(_is_on(one, other) for other in series[:at]))
        for at, one in enumerate(series)
    )


def _is_on(one: Series, other: Series) -> bool:
    pairs = [pair for pair in zip(one.values, other.values, strict=False) if any(pair)]
    return sum(a == b for a, b in pairs) * 2 > len(pairs)


def _column(line: _Columns, path: str, unit: str) -> Numbers:
    """A column of the timeline, for each of its steps; counts become rates."""
    column: Any = line
    for name in path.split("."):
        column = column.get(name) if isinstance(column, Mapping) else None
    values = [_number(value) for value in column or ()]
    size = len(line.get("at", ()))
    step = _step(line) if unit == "/s" else 1
    scaled = [None if value is None else round(value / step, 3) for value in values[:size]]
    return [*scaled, *[None] * (size - len(scaled))]


def _curve(name: str, pairs: Sequence[Sequence[float]]) -> Chart:
    known = (key for key in CURVES if name.endswith(key))  # behind the scenario's name, if many
    title, x_unit, unit = CURVES.get(next(known, ""), (name.replace("_", " "), "time", ""))
    points = sorted(
        ((_number(pair[0]) or 0.0, _number(pair[1])) for pair in pairs if len(pair) == 2),
        key=itemgetter(0),
    )
    values = [None if y is None else y * 100 if unit == "%" else y for _, y in points]
    series = (Series(title, "blue", values),) if points else ()
    return Chart(title, "", [x for x, _ in points], series, unit, x_unit)


# -- two runs -------------------------------------------------------------------------------------


def of_two(a: Summary, b: Summary) -> list[Chart]:
    """The charts of two runs laid over each other, by seconds since the start of each."""
    lines = _same_steps(_columns(a), _columns(b))
    x = max((line.get("at", ()) for line in lines), key=len)
    drawn = [_overlaid(plan, lines, x) for plan in PLANS]
    return [*drawn, _cdf({"A": a, "B": b})]


def _overlaid(plan: ChartPlan, lines: Sequence[_Columns], x: Sequence[float]) -> Chart:
    labels = {planned.path: planned.label for planned in plan.lines} | {"sessions_failed": "failed"}
    # The first path of each run is a full line, a second one is dashed.
    series = (
        Series(f"{run}: {labels[path]}", color, _padded(_column(line, path, plan.unit), len(x)),
               dashed)
        for path, dashed in zip(plan.compared, (False, True), strict=False)
        for run, color, line in zip("AB", ("blue", "orange"), lines, strict=True)
    )  # fmt: skip
    drawn = tuple(one for one in series if any(one.values))
    return Chart(plan.title, plan.about, x, drawn, plan.unit, log=plan.log)


def _padded(values: Numbers, size: int) -> Numbers:
    return [*values, *[None] * (size - len(values))]


def _same_steps(*lines: _Columns) -> list[_Columns]:
    step = max(_step(line) for line in lines)
    return [_coarser(line, max(1, round(step / _step(line)))) for line in map(_thin, lines)]


# -- fewer points ---------------------------------------------------------------------------------


def step_of(summary: Summary) -> float:
    """The seconds of a point in the charts of a run."""
    return float(_step(_thin(_columns(summary))))


def _step(line: _Columns) -> float:
    """The seconds of a step; 1 where a foreign timeline has none that could be one."""
    step = line.get("step", 1)
    return step if LEAST_STEP <= step < inf else 1


def _thin(line: _Columns) -> _Columns:
    return _coarser(line, ceil(len(line.get("at", ())) / MOST_POINTS) or 1)


_GAUGES = ("cpes_on", "retrying", "absent")


def _coarser(line: _Columns, factor: int) -> _Columns:
    """So many steps as one: counts add up, of gauges the last counts, of times the longest."""
    if factor == 1:
        return line
    columns = {name: _thinned(name, column, factor) for name, column in line.items()}
    at = list(line.get("at", ()))[::factor]
    return {**columns, "step": _step(line) * factor, "at": at}


def _thinned(name: str, column: Any, factor: int) -> Any:
    if isinstance(column, Mapping):
        how = _longest if name.endswith("_ms") else sum
        return {key: _groups(values, factor, how) for key, values in column.items()}
    if not isinstance(column, list) or name in ("at", "marks"):
        return column
    return _groups(column, factor, _last if name in _GAUGES else sum)


def _groups(column: Sequence[Any], factor: int, how: Callable[[list[Any]], Any]) -> Numbers:
    return [how(list(column[at : at + factor])) for at in range(0, len(column), factor)]


def _last(values: list[Any]) -> Any:
    return values[-1]


def _longest(values: Iterable[Any]) -> Any:
    return max((value for value in values if value is not None), default=None)


# -- distributions --------------------------------------------------------------------------------


def _cdf(runs: Mapping[str, Summary]) -> Chart:
    """How the times from the Connection Request to the Inform spread, in each of the runs."""
    by_run = {name: _pairs(summary) for name, summary in runs.items()}
    x = sorted({ms for pairs in by_run.values() for ms, _ in pairs})
    series = (
        Series(name or "Connection Requests", color, [_share_at(pairs, ms) for ms in x])
        for (name, pairs), color in zip(by_run.items(), ("blue", "orange"), strict=False)
        if pairs
    )
    return Chart(CDF_TITLE, f"{_CDF_ABOUT}.", x, tuple(series), "%", "ms", x_log=True)


def _pairs(summary: Summary) -> list[tuple[float, float]]:
    cdf = summary["connection_requests"]["to_inform_cdf"]
    pairs = ((pair[0], pair[1]) for pair in cdf if len(pair) == 2)
    return [(ms, share) for ms, share in pairs if isfinite(ms) and ms > 0]


def _share_at(pairs: Sequence[tuple[float, float]], ms: float) -> float:
    place = bisect_right(pairs, (ms, 2.0))
    return round(pairs[place - 1][1] * 100, 3) if place else 0.0
