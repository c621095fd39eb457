"""
Service levels: what a run must keep to, like ``sessions.failed_ratio < 0.001``.

A level is a metric, an operator and a number (``docs/service-levels.md``). A level without data
is not shown.
"""

from __future__ import annotations

import operator
import re
from collections.abc import Callable, Iterable, Mapping
from functools import cache
from math import isinf
from typing import NamedTuple

from caretaker.errors import InputError
from caretaker.input_file import read_input
from caretaker.reporting.generator_limits import GeneratorFigures, added_ms
from caretaker.reporting.metrics import UNITS, MetricKind, figure, kind, numbers, proposals
from caretaker.reporting.number_text import exact
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

_MILLISECOND = {"ms": 1.0, "s": 0.001}
"""How much a millisecond is, by the units of times."""

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
        bound: in the metric's own unit.
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

    def is_breached(self, actual: float | None, added_ms: float = 0.0) -> bool:
        """
        Whether a run that goes on has broken it already.

        A metric without data may still get some, and a count that must reach a number may grow.
        """
        if actual is None or (isinstance(actual, int) and self._is_too_low(actual)):
            return False
        return self.outcome(actual, added_ms, did_less=added_ms > 0) == RunOutcome.BROKEN

    def outcome(
        self, actual: float | None, added_ms: float = 0.0, *, did_less: bool = False
    ) -> RunOutcome:
        """
        What was shown.

        Args:
            actual: what was measured; None for no data.
            added_ms: what the generator may have added to times. What would hold without is not
                shown.
            did_less: whether the run did less than it was to do. Counts and rates that are too
                low then are not shown.
        """
        if self.holds(actual):
            return RunOutcome.HELD
        if actual is None or self.holds(actual - added_ms * self._of_ms):
            return RunOutcome.NOT_SHOWN
        return RunOutcome.NOT_SHOWN if did_less and self._is_too_low(actual) else RunOutcome.BROKEN

    def _is_too_low(self, actual: float) -> bool:
        """Whether a count or a rate would have to be larger."""
        is_amount = isinstance(actual, int) or kind(self.metric).unit == "/s"
        return is_amount and self.operator in _AT_LEAST and actual <= self.bound

    @property
    def _of_ms(self) -> float:
        """A millisecond in the metric's unit; 0 of what is no time, or one of the generator."""
        is_own = self.metric.startswith("generator.")
        return 0.0 if is_own else _MILLISECOND.get(kind(self.metric).unit, 0.0)

    def verdict(
        self, actual: float | None, added_ms: float = 0.0, *, did_less: bool = False
    ) -> LevelVerdict:
        """What the summary says of it."""
        outcome = self.outcome(actual, added_ms, did_less=did_less)
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
    """How much of the metric's own unit a unit is."""
    units = UNITS[metric_kind.unit]
    if unit and unit not in units:
        cure = f"it takes {' or '.join(units)}" if units else "it is a plain number"
        raise InputError(f"{metric} has no unit {unit!r}; {cure}")
    return units[unit] if unit else 1


def read_levels(file: str) -> list[ServiceLevel]:
    """
    The service levels of a file, one a line; what begins with ``#`` is passed over.

    Raises:
        InputError: it can't be read, one of its lines is no level, or none of them is one.
    """
    try:
        lines = read_input(file).decode().splitlines()
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
    measured, added = numbers(summary), added_ms(GeneratorFigures.of_run(summary))
    less = added > 0 or ended_early(summary)
    return [level.verdict(figure(level.metric, measured), added, did_less=less) for level in levels]


def ended_early(summary: Summary) -> bool:
    """Whether a run was interrupted, or ended before all its users were started."""
    return summary.get("interrupted", False) or summary.get("users_not_started", 0) > 0


def margin_used(verdict: LevelVerdict) -> float | None:
    """
    How much of its bound a level has used: 0.5 for half of it, above 1 when it is broken.

    None where nothing was measured, or where a bound has no margin, like that of ``== 5``.
    """
    parts, actual = _LEVEL.fullmatch(verdict["level"]), verdict["actual"]
    if parts is None or actual is None:
        return None
    bound, is_upper = float(parts["number"]), parts["operator"].startswith("<")
    part, whole = (actual, bound) if is_upper else (bound, actual)
    return part / whole if whole > 0 and parts["operator"] != "==" else None
