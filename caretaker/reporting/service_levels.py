"""
Service levels: what a run must keep to, like ``sessions.failed_ratio < 0.001``.

A level is a metric, an operator and a number (``docs/service-levels.md``). A level without data
is not shown.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from functools import cache
from math import isinf
from pathlib import Path
from typing import NamedTuple

from caretaker.errors import InputError
from caretaker.reporting.metrics import (
    UNITS,
    MetricKind,
    exact,
    figure,
    kind,
    numbers,
    proposals,
)
from caretaker.reporting.outcomes import RunOutcome
from caretaker.reporting.summary import summarize
from caretaker.reporting.summary_types import LevelVerdict, Summary

OPERATORS: dict[str, Callable[[float, float], bool]] = {
    "<": operator.lt,
    "<=": operator.le,
    ">": operator.gt,
    ">=": operator.ge,
    "==": operator.eq,
}

_AT_LEAST = (">", ">=", "==")
"""Operators that a count below the number may still satisfy while a run goes on."""

_LEVEL = re.compile(
    r"\s*(?P<metric>.*\S)\s*(?P<operator><=|>=|==|<|>)"
    r"\s*(?P<number>[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?)\s*(?P<unit>[A-Za-z/%]*)\s*",
    re.ASCII,
)
_EXAMPLE = "write METRIC < NUMBER, like sessions.failed_ratio < 0.001"


class ServiceLevel(NamedTuple):
    """
    One service level.

    Args:
        metric: the dotted path of a number in the summary.
        operator: one of ``OPERATORS``.
        bound: in the metric's metric_kind unit.
    """

    metric: str
    operator: str
    bound: float

    @classmethod
    def parse(cls, text: str) -> ServiceLevel:
        """
        Read ``METRIC OPERATOR NUMBER [UNIT]``.

        Raises:
            InputError: it is none, or of a metric that no summary has.
        """
        parts = _LEVEL.fullmatch(text)
        if parts is None:
            raise InputError(f"{text!r} is no service level; {_EXAMPLE}")
        metric = parts["metric"]
        number, size = float(parts["number"]), _size(metric, known_metric(metric), parts["unit"])
        if isinf(number):
            raise InputError(f"{text!r}: {parts['number']} is too large")
        bound = number if size == 1 else round(number * size, 12)
        return cls(metric, parts["operator"], bound)

    def __str__(self) -> str:
        return f"{self.metric} {self.operator} {exact(self.bound)}"

    def holds(self, actual: float | None) -> bool:
        """Whether what was measured, None for no data, keeps to it."""
        return actual is not None and OPERATORS[self.operator](actual, self.bound)

    def is_breached(self, actual: float | None) -> bool:
        """
        Whether a run that goes on has broken it already.

        A metric without data may still get some, and a count that must reach a number may grow.
        """
        if actual is None or self.holds(actual):
            return False
        growing = isinstance(actual, int) and actual <= self.bound
        return not (growing and self.operator in _AT_LEAST)

    def verdict(self, actual: float | None) -> LevelVerdict:
        """What the summary says of it."""
        missed = RunOutcome.NOT_SHOWN if actual is None else RunOutcome.BROKEN
        outcome = RunOutcome.HELD if self.holds(actual) else missed
        return {"level": str(self), "actual": actual, "outcome": outcome}


@cache
def _in_every_summary() -> Mapping[str, float | None]:
    return numbers(summarize([], 1.0))


def known_metric(metric: str) -> MetricKind:
    """
    The kind of a metric that a summary can have.

    Raises:
        InputError: no summary has it; the text has the nearest names.
    """
    closed = _in_every_summary()
    try:
        metric_kind = kind(metric)
    except KeyError:
        metric_kind = None
    if metric_kind is None or (metric_kind.members is None and metric not in closed):
        near = proposals(metric, closed)
        cure = f"did you mean {' or '.join(near)}?" if near else "docs/summary.md lists them"
        raise InputError(f"no metric {metric!r}; {cure}")
    return metric_kind


def _size(metric: str, metric_kind: MetricKind, unit: str) -> float:
    """How much of the metric's metric_kind unit a unit is."""
    units = UNITS[metric_kind.unit]
    if unit and unit not in units:
        cure = f"it takes {' or '.join(units)}" if units else "it is a plain number"
        raise InputError(f"{metric} has no unit {unit!r}; {cure}")
    return units[unit] if unit else 1


def service_levels(texts: Iterable[str], file: str | None) -> tuple[ServiceLevel, ...]:
    """
    The service levels of a run, each once.

    Args:
        texts: one level each.
        file: one level a line; what begins with ``#`` is passed over.

    Raises:
        InputError: one of them is none, or the file can't be read.
    """
    levels = [ServiceLevel.parse(text) for text in texts]
    if file is not None:
        levels += read_levels(file)
    return tuple(dict.fromkeys(levels))


def read_levels(file: str) -> list[ServiceLevel]:
    """
    The service levels of a file.

    Raises:
        InputError: it can't be read, one of its lines is no level, or none of them is one.
    """
    try:
        lines = Path(file).read_text(encoding="utf-8").splitlines()
    except OSError as error:
        raise InputError(f"{file}: {error.strerror}") from error
    except UnicodeDecodeError:
        raise InputError(f"{file}: not a text file in UTF-8") from None
    levels = []
    for number, line in enumerate(lines, 1):
        if line.strip() and not line.lstrip().startswith("#"):
            try:
                levels.append(ServiceLevel.parse(line))
            except InputError as error:
                raise InputError(f"{file}:{number}: {error}") from error
    if not levels:
        raise InputError(f"{file}: no service level in it; {_EXAMPLE}")
    return levels


def verdicts(levels: Iterable[ServiceLevel], summary: Summary) -> list[LevelVerdict]:
    """Each level with what was measured and its outcome: ``{"level", "actual", "outcome"}``."""
    measured = numbers(summary)
    return [level.verdict(figure(level.metric, measured)) for level in levels]


class BrokenLevel(NamedTuple):
    """The first service level that a run broke, with what was measured then."""

    level: ServiceLevel
    actual: float
    at: float
    """Seconds since the start of the run."""

    def __str__(self) -> str:
        return f"{self.level} is broken after {self.at:.1f} s (actual {exact(self.actual)})"

    def pinned(self, verdicts: Sequence[LevelVerdict]) -> list[LevelVerdict]:
        """The verdicts, with what was measured at the breach: it ended the run, so it is broken."""
        at_breach: LevelVerdict = {
            "level": str(self.level),
            "actual": self.actual,
            "outcome": RunOutcome.BROKEN,
            "broken_at": round(self.at, 1),
        }
        return [at_breach if v["level"] == at_breach["level"] else v for v in verdicts]


def first_broken(levels: Iterable[ServiceLevel], summary: Summary, at: float) -> BrokenLevel | None:
    """
    The first level that a run which goes on has broken; None if there is none.

    Args:
        levels: in the order that was given.
        summary: of how the run stands.
        at: seconds since its start.
    """
    measured = numbers(summary)
    for level in levels:
        actual = figure(level.metric, measured)
        if actual is not None and level.is_breached(actual):
            return BrokenLevel(level, actual, at)
    return None
