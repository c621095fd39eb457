"""
What a scenario is judged by: its criterion, with an outcome and one sentence.

A time that is over its limit by no more than the generator itself may have added says nothing of
the ACS: it is not shown.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple, Protocol

from caretaker.reporting.generator_limits import GeneratorFigures, added_ms
from caretaker.reporting.outcomes import RunOutcome
from caretaker.stats.results import Results
from caretaker.stats.worker_snapshot import WorkerSnapshot

ROOM_SECONDS = 60.0
"""
What a limit of time leaves to the ACS beyond the time that the scenario itself takes.

By the retry table of TR-069 (3.2.1.1) a CPE that was turned away twice comes again after at most
10 + 20 s. There is as much room again.
"""


class Criterion(NamedTuple):
    """
    What a scenario was judged by.

    Args:
        outcome: what was shown.
        finding: one sentence, without a full stop.
    """

    outcome: RunOutcome
    finding: str


def held(finding: str) -> Criterion:
    """The ACS kept to the criterion."""
    return Criterion(RunOutcome.HELD, finding)


def broken(finding: str) -> Criterion:
    """The ACS did not keep to the criterion."""
    return Criterion(RunOutcome.BROKEN, finding)


def not_shown(reason: str) -> Criterion:
    """Nothing was proved, for a reason."""
    return Criterion(RunOutcome.NOT_SHOWN, f"Not shown: {reason}")


class MeasuredRun(Protocol):
    """What a criterion reads of a run; ``ScenarioRun`` has it."""

    def results(self) -> Results:
        """Counters and histograms of the whole run, as reported so far."""

    def workers(self) -> Sequence[WorkerSnapshot]:
        """The newest report of each worker that is there."""


def within_limit(excess: float, run: MeasuredRun, finding: str) -> Criterion:
    """Held if a time is not over its limit, by so many seconds; else as ``broken_by``."""
    return held(finding) if excess <= 0 else broken_by(excess, run, finding)


def broken_by(excess: float, run: MeasuredRun, finding: str) -> Criterion:
    """Broken, unless the generator may have added the seconds that a time is over its limit."""
    figures = GeneratorFigures.since(Results(), run.results(), run.workers())
    if excess > added_ms(figures) / 1000:
        return broken(finding)
    return not_shown(f"the generator was the limit; {finding[:1].lower()}{finding[1:]}")


def optional(check: Callable[[Any], float]) -> Callable[[Any], float | None]:
    """A check that lets None through: then the scenario itself finds a value."""
    return lambda given: None if given is None else check(given)
