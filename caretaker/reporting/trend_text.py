"""A trend as text for a terminal, as Markdown, and as a page."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

from caretaker.reporting.charts import Chart, Series
from caretaker.reporting.markdown import code, escaped, folded, table
from caretaker.reporting.number_text import with_unit
from caretaker.reporting.outcomes import RunOutcome
from caretaker.reporting.pages import render
from caretaker.reporting.terminal import aligned, one_line
from caretaker.reporting.trend import LEAST_RUNS, FigureTrend, Point, Trend

_BLOCKS = "▁▂▃▄▅▆▇█"
_CHANGES = {1: "worse", 0: "", -1: "better"}


def headline(trend: Trend) -> str:
    """The outcome and its reason, in one line."""
    return f"{trend.outcome}: {_finding(trend)}"


def _finding(trend: Trend) -> str:
    if trend.doubts:
        return f"the newest run can't be judged ({', '.join(trend.doubts)})"
    first = next(figure for figure in trend.figures if figure.outcome == trend.outcome)
    if trend.outcome == RunOutcome.BROKEN:
        return f"{_brief(first)}, beyond noise (limit {_limit(first, first.newest)})"
    if trend.outcome == RunOutcome.HELD:
        return f"nothing is worse than before in {_runs(len(trend.runs))}"
    if first.newest.value is None:
        return f"the newest run has no data for {first.metric}"
    return f"fewer than {LEAST_RUNS} comparable runs before the newest have {first.metric}"


def _brief(figure: FigureTrend) -> str:
    baseline, unit = figure.newest.baseline, figure.kind.unit
    before = "" if baseline is None else f"{with_unit(baseline.middle, '')} -> "
    return f"{figure.metric} {before}{with_unit(figure.newest.value, unit)}"


def _runs(number: int) -> str:
    return "1 run" if number == 1 else f"{number} runs"


def left_out(trend: Trend) -> str:
    """The runs that are not drawn, with what is different with them; empty if all are."""
    parts = [f"{_runs(number)} ({reason})" for reason, number in trend.left_out.items()]
    return f"Left out: {', '.join(parts)}" if parts else ""


def _limit(figure: FigureTrend, point: Point) -> str:
    return with_unit(figure.limit(point), figure.kind.unit)


def _before(figure: FigureTrend) -> str:
    baseline = figure.newest.baseline
    return with_unit(None if baseline is None else baseline.middle, figure.kind.unit)


HEADS = ("Figure", "Runs", "Newest", "Baseline", "Limit", "")


def rows(trend: Trend) -> list[tuple[str, ...]]:
    """The figures of the newest run beside those of before, as the cells of ``HEADS``."""
    return [
        (
            figure.metric,
            sparkline([point.value for point in figure.points]),
            with_unit(figure.newest.value, figure.kind.unit),
            _before(figure),
            _limit(figure, figure.newest),
            _CHANGES[figure.change(figure.newest)],
        )
        for figure in trend.figures
    ]


def sparkline(values: Sequence[float | None]) -> str:
    """Numbers as a line of blocks, the lowest first; a space where there is none."""
    known = [value for value in values if value is not None]
    low, high = min(known, default=0.0), max(known, default=0.0)
    steps = (high - low) / (len(_BLOCKS) - 1) or 1.0
    return "".join(" " if v is None else _BLOCKS[round((v - low) / steps)] for v in values)


def run_rows(trend: Trend) -> list[tuple[str, ...]]:
    """Each run, the newest first, with its figures in the order of the trend's."""
    return [
        (trend.runs[at].name, *(_cell(figure, figure.points[at]) for figure in trend.figures))
        for at in reversed(range(len(trend.runs)))
    ]


def _cell(figure: FigureTrend, point: Point) -> str:
    change = _CHANGES[figure.change(point)]
    return f"{with_unit(point.value, figure.kind.unit)}{f' ({change})' if change else ''}"


# -- a terminal -----------------------------------------------------------------------------------


def as_text(trend: Trend) -> str:
    """A trend for a terminal."""
    table_lines = aligned([HEADS, *rows(trend)])
    lines = (headline(trend), f"Newest: {trend.runs[-1].name}", *table_lines, left_out(trend))
    return "\n".join(one_line(line) for line in lines if line)


# -- Markdown -------------------------------------------------------------------------------------


def as_markdown(trend: Trend) -> str:
    """A trend for a comment on a pull request: the newest run, and the others folded."""
    return "\n".join(_markdown(trend))


def _markdown(trend: Trend) -> Iterator[str]:
    yield from (f"**{escaped(headline(trend))}**", "")
    yield from table(HEADS, ((code(row[0]), *map(escaped, row[1:])) for row in rows(trend)))
    yield from (("", escaped(left_out(trend))) if trend.left_out else ())
    yield ""
    heads = ("Run", *(code(figure.metric) for figure in trend.figures))
    cells = ((code(row[0]), *map(escaped, row[1:])) for row in run_rows(trend))
    yield from folded("All runs, the newest first", table(heads, cells))


# -- a page ---------------------------------------------------------------------------------------

_CHART_UNITS = {"ms": "ms", "/s": "/s", "%": "%", "ratio": "%"}


def as_html(trend: Trend) -> str:
    """A trend as a page that needs no network."""
    return render(
        "trend.html", [_chart(figure) for figure in trend.figures], trend=trend,
        headline=headline(trend), left_out=left_out(trend), heads=HEADS, rows=rows(trend),
        run_rows=run_rows(trend),
    )  # fmt: skip


def _chart(figure: FigureTrend) -> Chart:
    size = 100 if figure.kind.unit == "ratio" else 1

    def series(label: str, color: str, values: Sequence[float | None]) -> Series:
        sized = [None if value is None else value * size for value in values]
        return Series(label, color, sized, dashed=label != "run")

    middles = [point.baseline and point.baseline.middle for point in figure.points]
    lines = (
        series("run", "blue", [point.value for point in figure.points]),
        series("baseline", "green", middles),
        series("limit", "red", [figure.limit(point) for point in figure.points]),
    )
    drawn = tuple(line for line in lines if any(value is not None for value in line.values))
    about = "By run, the newest on the right. Beyond the limit a run is worse than before."
    unit = _CHART_UNITS.get(figure.kind.unit, "")
    numbers = tuple(range(1, len(figure.points) + 1))
    return Chart(figure.metric, about, numbers, drawn, unit, "")
