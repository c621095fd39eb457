"""Figures of a benchmark over several runs, beside a reference measured in the same runs."""

from __future__ import annotations

import platform
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from importlib.metadata import version
from itertools import combinations
from pathlib import Path
from statistics import median
from typing import Any, NamedTuple

from benchmarks.processes import MeasurementError
from caretaker.cwmp import session


@dataclass(frozen=True)
class Options:
    """
    How to measure.

    Args:
        runs: of each figure; the candidates take turns.
        seconds: of each measurement.
        scale: factor on fleets and counts; the goals are for 1.
        beside: other builds of Caretaker, where a benchmark can measure them too.
    """

    runs: int = 5
    seconds: float = 3.0
    scale: float = 1.0
    beside: Sequence[Path] = ()

    @property
    def warm_up(self) -> float:
        """Seconds to wait before each measurement."""
        return self.seconds / 3

    def scaled(self, number: int, least: int = 100) -> int:
        """A count at this scale, in whole hundreds."""
        return max(least, round(number * self.scale / 100) * 100)


class Goal(NamedTuple):
    """A bound to be reached, ``>=`` or ``<=`` a number, by a figure or by its ratio."""

    bound: str
    number: float
    of_ratio: bool = False

    def __str__(self) -> str:
        """As the table shows it."""
        return f"{'ratio ' if self.of_ratio else ''}{self.bound} {self.number:g}"

    def holds(self, number: float) -> bool:
        """Whether a figure or ratio reaches the goal."""
        return number >= self.number if self.bound == ">=" else number <= self.number


@dataclass(frozen=True)
class Figure:
    """
    One figure of a benchmark.

    Args:
        name: of the measured quantity.
        unit: of the values.
        values: one for each run.
        reference: name of the reference; empty without one.
        reference_values: one for each run, in the same order and unit.
        goal: to be reached by the median; None without one.
    """

    name: str
    unit: str
    values: Sequence[float]
    reference: str = ""
    reference_values: Sequence[float] = ()
    goal: Goal | None = None

    def __post_init__(self) -> None:
        if 0 in self.reference_values:
            raise MeasurementError(f"{self.reference!r} did nothing in the time; more --seconds?")

    @property
    def ratios(self) -> list[float]:
        """Figure divided by reference, run by run: what slows both in a run cancels out."""
        if not self.reference_values:
            return []
        return [a / b for a, b in zip(self.values, self.reference_values, strict=True)]

    @property
    def reached(self) -> bool | None:
        """Whether the median reaches the goal; None without one."""
        if self.goal is None:
            return None
        return self.goal.holds(median(self.ratios if self.goal.of_ratio else self.values))

    def to_json(self) -> dict[str, Any]:
        """The figure as plain data, for ``--json``."""
        ratios = self.ratios
        return {
            "name": self.name,
            "unit": self.unit,
            "median": median(self.values),
            "values": list(self.values),
            "reference": self.reference or None,
            "reference_median": median(self.reference_values) if ratios else None,
            "reference_values": list(self.reference_values),
            "ratio": median(ratios) if ratios else None,
            "ratios": ratios,
            "goal": str(self.goal) if self.goal else None,
            "reached": self.reached,
        }


def take_turns(
    runs: int, candidates: Mapping[str, Callable[[], float]]
) -> dict[str, list[float]]:  # fmt: skip
    """The values of each candidate, measured in turns, so that other load hits all alike."""
    values: dict[str, list[float]] = {name: [] for name in candidates}
    for _ in range(runs):
        for name, measure in candidates.items():
            values[name].append(measure())
    return values


def compared(
    title: str, unit: str, values: Mapping[str, Sequence[float]], builds: Iterable[str]
) -> list[Figure]:
    """Each build beside all before it: the figures of a later one by those of an earlier one."""
    return [
        Figure(f"{title}: {later}", unit, values[later], earlier, values[earlier])
        for earlier, later in combinations(builds, 2)
    ]


_HEADINGS = ("figure", "median (spread)", "unit", "reference", "ratio (spread)", "goal", "")


def table(figures: Sequence[Figure]) -> str:
    """The figures as lines of text, in columns."""
    return columns([_HEADINGS, *map(_row, figures)])


def columns(rows: Sequence[Sequence[str]]) -> str:
    """Rows of text in columns that are as wide as their widest cell."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    cells = ([text.ljust(width) for text, width in zip(row, widths, strict=True)] for row in rows)
    return "\n".join("  ".join(row).rstrip() for row in cells)


def _row(figure: Figure) -> tuple[str, ...]:
    reference = ""
    if figure.reference:
        reference = f"{figure.reference} {short(median(figure.reference_values))}"
    verdict = {None: "", True: "reached", False: "not reached"}[figure.reached]
    return (
        figure.name,
        _spread(figure.values),
        figure.unit,
        reference,
        _spread(figure.ratios),
        str(figure.goal or ""),
        verdict,
    )


def _spread(values: Sequence[float]) -> str:
    if not values:
        return ""
    if len(values) == 1:
        return short(values[0])
    return f"{short(median(values))} ({short(min(values))}-{short(max(values))})"


def short(value: float) -> str:
    """A number with as many digits as a reader needs."""
    return f"{value:.0f}" if abs(value) >= 100 else f"{value:.3g}"  # noqa: PLR2004


_PACKAGES = ("caretaker-cwmp", "locust", "gevent", "lxml", "httptools", "requests")


def machine() -> dict[str, Any]:
    """The machine and the versions of this measurement, and whether the program is compiled."""
    return {
        "processor": _processor(),
        "system": f"{platform.system()} {platform.release()}",
        "python": platform.python_version(),
        "packages": {name: version(name) for name in _PACKAGES},
        "compiled": not str(session.__file__).endswith(".py"),
    }


def _processor() -> str:
    try:
        lines = Path("/proc/cpuinfo").read_text(encoding="utf-8").splitlines()
    except OSError:
        return platform.processor() or platform.machine()
    names = [line.partition(":")[2].strip() for line in lines if line.startswith("model name")]
    return f"{len(names)} x {names[0]}" if names else platform.machine()
