"""Figures over the time of a run, for terminals with rows to spare."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import NamedTuple

from rich.console import Console, ConsoleOptions
from rich.text import Text

from caretaker.reporting.number_text import readable
from caretaker.stats.timeline import TimelineColumns

Values = Sequence[float | None]


class Figure(NamedTuple):
    """A figure of the timeline: its values, their unit, and the style of its curve."""

    values: Callable[[TimelineColumns], Values]
    unit: str
    style: str


FIGURES: Mapping[str, Figure] = {
    "Informs": Figure(lambda line: _rates(line["informs"], line["step"]), "/s", "green"),
    "CRs": Figure(lambda line: _rates(line["crs_accepted"], line["step"]), "/s", "cyan"),
    "CPEs on": Figure(lambda line: line["cpes_on"], "", "magenta"),
    "Inform p99": Figure(lambda line: line["from_plan_ms"]["p99"], "ms", "red"),
}
"""The figures that have a curve, by what they are called beside it."""

BLOCKS, BLOCKS_IN_ASCII = " ▁▂▃▄▅▆▇█", " ..::||##"


class Curve:
    """
    One row of a curve, whose columns are the newest values.

    Args:
        values: one of each step of the run; None without data.
        row: of the curve, from 0 at its foot.
        rows: of the whole curve.
        style: of its characters.
    """

    def __init__(self, values: Values, row: int, rows: int, style: str) -> None:
        self._values = values
        self._row = row
        self._rows = rows
        self._style = style

    def __rich_console__(self, _: Console, options: ConsoleOptions) -> Iterator[Text]:
        """As characters, which are all in ASCII where the terminal has no others."""
        blocks = BLOCKS_IN_ASCII if options.ascii_only else BLOCKS
        full = len(blocks) - 1
        highest = highest_of(self._values) or 1.0
        levels = (
            round(value / highest * full * self._rows) - full * self._row
            for value in (each or 0.0 for each in self._values[-options.max_width :])
        )
        yield Text("".join(blocks[min(full, max(0, level))] for level in levels), self._style)


def curves(timeline: TimelineColumns, rows: int) -> Iterator[tuple[str, str, Curve]]:
    """
    The rows of all curves from the top down, each with its label and its highest value.

    Args:
        timeline: of the run so far.
        rows: of each curve; label and value stand beside the first one.
    """
    for name, figure in FIGURES.items():
        values = figure.values(timeline)[:-1]  # of the last step there are reports to come
        highest = f"max {readable(highest_of(values), figure.unit)}"
        for row in reversed(range(rows)):
            label, value = (name, highest) if row == rows - 1 else ("", "")
            yield label, value, Curve(values, row, rows, figure.style)


def highest_of(values: Values) -> float | None:
    """The highest value; None without data."""
    return max((value for value in values if value is not None), default=None)


def _rates(counts: Sequence[int], step: float) -> Values:
    return [count / step for count in counts]
