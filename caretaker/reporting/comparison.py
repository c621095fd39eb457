"""
Two runs side by side, as ``caretaker compare`` shows them.

``compare`` is a pure function of two summaries; ``comparison_text`` shows what it returns. Figures
of the generator are apart from those of the ACS: only these make a run worse than another.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from caretaker.reporting.comparability import Difference, differences, doubts, is_limited
from caretaker.reporting.metrics import NEITHER, MetricKind, figure, is_of_generator, kind, numbers
from caretaker.reporting.outcomes import RunOutcome
from caretaker.reporting.run_flags import OF_EMBEDDED_ACS, PLACES
from caretaker.reporting.summary_types import Summary

THRESHOLD = 0.1
"""The relative change that counts as none, unless the user says another."""
FLOORS = {"ms": 0.1, "%": 1.0, "MB": 1.0}
"""By unit: what is noise however small the numbers are that it is a part of."""

WORSE, BETTER, OTHER, SAME = VERDICTS = ("worse", "better", "other", "same")
"""What a change may be; other: neither worse nor better, or only one run has data."""


@dataclass(frozen=True)
class Change:
    """
    One metric of both runs.

    Args:
        a, b: its numbers; None for no data.
        relative: the change as a part of a, infinite from 0; None without data of both.
        verdict: one of ``VERDICTS``.
        of_generator: whether the metric says nothing of the ACS.
    """

    metric: str
    unit: str
    a: float | None
    b: float | None
    relative: float | None
    verdict: str
    of_generator: bool

    @property
    def absolute(self) -> float | None:
        """The change in the metric's unit; None without data of both."""
        return None if self.a is None or self.b is None else self.b - self.a


@dataclass(frozen=True)
class Comparison:
    """
    Two runs side by side.

    Args:
        changes: every metric of either, what got worse first, and by how much.
        settings: what differs, by option; None when one of the runs has not recorded them.
        broken: service levels that hold in the first run and not in the second.
        threshold: the relative change that counts as none.
        differences: in what the runs should have in common.
        doubts: of each run, why its figures may be none of the ACS's.
        limited: whether the generator was the limit of one of them.
    """

    changes: tuple[Change, ...]
    settings: dict[str, tuple[Any, Any]] | None
    broken: tuple[str, ...]
    threshold: float
    differences: tuple[Difference, ...] = ()
    doubts: tuple[Sequence[str], Sequence[str]] = ((), ())
    limited: bool = False

    def of(self, verdict: str, *, of_generator: bool = False) -> list[Change]:
        """The changes of one verdict, of the ACS's figures or of the generator's."""
        return [
            change
            for change in self.changes
            if change.verdict == verdict and change.of_generator == of_generator
        ]

    @property
    def got_worse(self) -> bool:
        """Whether anything of the ACS did."""
        return bool(self.broken or self.of(WORSE))

    @property
    def outcome(self) -> RunOutcome:
        """Broken when the ACS got worse; not shown when the figures may not be the ACS's."""
        if self.broken or (self.got_worse and not self.limited):
            return RunOutcome.BROKEN
        return RunOutcome.NOT_SHOWN if any(self.doubts) else RunOutcome.HELD

    def warnings(self) -> list[str]:
        """What a reader must know of the two runs before the figures, each as a line."""
        in_runs = zip("AB", self.doubts, strict=True)
        return [
            *map(str, self.differences),
            *(f"{doubt} in {run}" for run, run_doubts in in_runs for doubt in run_doubts),
        ]


def compare(a: Summary, b: Summary, threshold: float = THRESHOLD) -> Comparison:
    """
    Compare two summaries.

    Args:
        a: of the first run, to which the second is compared.
        b: of the second.
        threshold: relative changes up to this are noise.
    """
    in_a, in_b = numbers(a), numbers(b)
    changes = [_change(metric, in_a, in_b, threshold) for metric in {**in_a, **in_b}]
    changes.sort(key=lambda change: (VERDICTS.index(change.verdict), -_size(change)))
    return Comparison(
        tuple(changes),
        _settings(a, b),
        _newly_broken(a, b),
        threshold,
        tuple(differences(a, b)),
        (doubts(a), doubts(b)),
        is_limited(a) or is_limited(b),
    )


def _size(change: Change) -> float:
    return abs(change.relative or 0)


def _change(
    metric: str, in_a: Mapping[str, float | None], in_b: Mapping[str, float | None], noise: float
) -> Change:
    try:
        metric_kind = kind(metric)
    except KeyError:  # of a scenario or a plugin that the table does not know
        metric_kind = MetricKind()
        in_a, in_b = {metric: None, **in_a}, {metric: None, **in_b}
    a, b = figure(metric, in_a), figure(metric, in_b)
    relative = None if a is None or b is None else relative_change(a, b)
    verdict = SAME if a == b else OTHER
    if a is not None and b is not None and relative is not None:
        verdict = _verdict(metric_kind, b - a, relative, noise)
    return Change(metric, metric_kind.unit, a, b, relative, verdict, is_of_generator(metric))


def relative_change(a: float, b: float) -> float:
    """The change from a to b as a part of a; infinite from 0."""
    return (b - a) / abs(a) if a else inf * (b - a) if b else 0.0


def _verdict(metric_kind: MetricKind, absolute: float, relative: float, noise: float) -> str:
    if abs(relative) <= noise or abs(absolute) < FLOORS.get(metric_kind.unit, 0):
        return SAME
    if metric_kind.worse == NEITHER:
        return OTHER
    return WORSE if absolute * metric_kind.worse > 0 else BETTER


def _settings(a: Summary, b: Summary) -> dict[str, tuple[Any, Any]] | None:
    if "settings" not in a or "settings" not in b:
        return None
    of_a, of_b = a["settings"], b["settings"]
    ignored = {*PLACES, *(OF_EMBEDDED_ACS if _both_embedded(a, b) else ())}
    both = {flag: (of_a.get(flag), of_b.get(flag)) for flag in {**of_a, **of_b}}
    return {flag: pair for flag, pair in both.items() if pair[0] != pair[1] and flag not in ignored}


def _both_embedded(a: Summary, b: Summary) -> bool:
    return bool(a.get("embedded_acs") and b.get("embedded_acs"))


def _newly_broken(a: Summary, b: Summary) -> tuple[str, ...]:
    held = _levels(a, RunOutcome.HELD)
    return tuple(level for level in _levels(b, RunOutcome.BROKEN) if level in held)


def _levels(summary: Summary, outcome: RunOutcome) -> list[str]:
    verdicts = summary.get("service_levels", ())
    return [verdict["level"] for verdict in verdicts if verdict["outcome"] == outcome]
