"""The four outcomes of a run, and of each thing that it is judged by (decision 0026)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum


class RunOutcome(StrEnum):
    """What a run has shown. The values are the words of the summary, the report and the console."""

    HELD = "held"
    """The ACS kept to all that was asked of it."""
    BROKEN = "broken"
    """The ACS did not keep to what was asked of it."""
    FAILED = "failed"
    """The run itself went wrong, so its figures can't stand."""
    NOT_SHOWN = "not shown"
    """Nothing was proved: no data, an early end, or the generator was the limit."""

    @classmethod
    def _missing_(cls, _: object) -> RunOutcome:
        """Another word, which only a file that somebody has changed can have, shows nothing."""
        return cls.NOT_SHOWN


EXIT_CODES = {
    RunOutcome.FAILED: 1,
    RunOutcome.BROKEN: 3,
    RunOutcome.NOT_SHOWN: 4,
    RunOutcome.HELD: 0,
}
"""Exit codes by outcome, in order of precedence. Bad input, 2, goes before all of them."""

BAD_INPUT = 2
"""The exit code of bad input: one line says what, and nothing was run."""


def worst(outcomes: Iterable[str]) -> RunOutcome:
    """The outcome among several that goes before the others; held when there are none."""
    given = {RunOutcome.HELD, *outcomes}
    return next(outcome for outcome in EXIT_CODES if outcome in given)
