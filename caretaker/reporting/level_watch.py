"""The service levels of a run that goes on: which are broken, and since when."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from caretaker.reporting.generator_limits import GeneratorFigures, added_ms
from caretaker.reporting.metrics import figure, numbers
from caretaker.reporting.number_text import exact
from caretaker.reporting.outcomes import RunOutcome
from caretaker.reporting.service_levels import ServiceLevel, verdicts
from caretaker.reporting.summary_types import LevelVerdict, Summary


class BrokenLevel(NamedTuple):
    """A service level that a run has broken, and what was measured when it was first seen so."""

    level: ServiceLevel
    actual: float
    at: float
    """Seconds since the start of the run."""

    def __str__(self) -> str:
        return f"{self.level} is broken after {self.at:.1f} s (actual {exact(self.actual)})"


class LevelWatch:
    """
    Looks at the service levels of a run.

    Args:
        levels: in the order in which they were given.
    """

    def __init__(self, levels: Sequence[ServiceLevel]) -> None:
        self.levels = levels
        self._broken: dict[ServiceLevel, BrokenLevel] = {}
        self._ended_by: BrokenLevel | None = None

    def look(self, summary: Summary, at: float) -> BrokenLevel | None:
        """
        Note which levels are broken now.

        Args:
            summary: of how the run stands.
            at: seconds since its start.

        Returns:
            The first level, in their order, that is broken; None if there is none.
        """
        measured, added = numbers(summary), added_ms(GeneratorFigures.of_run(summary))
        for level in self.levels:
            actual = figure(level.metric, measured)
            if actual is not None and level.is_breached(actual, added):
                self._broken.setdefault(level, BrokenLevel(level, actual, at))
            else:
                self._broken.pop(level, None)
        return next((self._broken[level] for level in self.levels if level in self._broken), None)

    def end_by(self, broken: BrokenLevel) -> None:
        """A level ends the run: it stays broken, with what was measured then."""
        self._ended_by = broken

    def verdicts(self, summary: Summary) -> list[LevelVerdict]:
        """What the levels say of a summary, and since when those that are broken were so."""
        return [
            self._with_time(level, verdict)
            for level, verdict in zip(self.levels, verdicts(self.levels, summary), strict=True)
        ]

    def _with_time(self, level: ServiceLevel, verdict: LevelVerdict) -> LevelVerdict:
        if self._ended_by is not None and level == self._ended_by.level:
            actual, broken_at = self._ended_by.actual, round(self._ended_by.at, 1)
            return {**verdict, "actual": actual, "outcome": RunOutcome.BROKEN,
                    "broken_at": broken_at}  # fmt: skip
        if verdict["outcome"] == RunOutcome.BROKEN and level in self._broken:
            return {**verdict, "broken_at": round(self._broken[level].at, 1)}
        return verdict
