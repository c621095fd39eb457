"""What a scenario is, what it sees of a run, and what it finds."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, Protocol

from caretaker.scenarios.actions import Argument, checked
from caretaker.stats.histogram import Histogram
from caretaker.stats.results import Results
from caretaker.stats.timeline import Timeline
from caretaker.stats.worker_snapshot import WorkerSnapshot


class Run(Protocol):
    """The run as a scenario sees it; times are seconds since its start."""

    def now(self) -> float:
        """The present time."""

    def wait(self, seconds: float) -> None:
        """Let the run go on for so long."""

    def act(self, name: str, **arguments: Any) -> None:
        """Do something to the whole fleet (``caretaker.scenarios.actions.ACTIONS``)."""

    def mark(self, text: str) -> None:
        """Note on the timeline what happens now."""

    def settle(self) -> None:
        """Wait until all CPEs have told of their boot and none waits for a session or a retry."""

    def catch_up(self) -> None:
        """Wait until all workers have told of everything up to now."""

    def timeline(self) -> Timeline:
        """What was told so far, second by second."""

    def results(self) -> Results:
        """Counters and histograms of the whole run, as told so far."""

    def workers(self) -> Sequence[WorkerSnapshot]:
        """The newest report of each worker that is there."""

    def grow(self, cpes: int, rate: float) -> None:
        """Add new CPEs, so many per second."""

    def finish(self) -> None:
        """End the run: there is nothing more to see."""


@dataclass(frozen=True)
class ScenarioReport:
    """
    What a scenario found.

    Args:
        kpis: numbers by name; None where there is none.
        findings: plain sentences.
        curves: lists of (seconds, number) by name.
        marks: what was reached, as (seconds of the run, text).
    """

    kpis: Mapping[str, float | None] = field(default_factory=dict)
    findings: Sequence[str] = ()
    curves: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    marks: Sequence[tuple[float, str]] = ()


class Scenario:
    """
    A scenario that does nothing.

    Args:
        given: values of ``arguments``, by name.

    Raises:
        InputError: one can't be used, or is unknown.
    """

    name: ClassVar[str] = ""
    """What it is chosen by."""
    arguments: ClassVar[dict[str, Argument]] = {}
    """What can be given with its name: ``NAME share=0.5``; in ``self.given`` then."""
    ends_the_run: ClassVar[bool] = False
    """Whether the run is over when it is."""

    def __init__(self, **given: Any) -> None:
        self.given = checked(self.name, self.arguments, given)

    def play(self, run: Run) -> None:
        """Do things to the fleet; cut short when the run ends."""

    def report(self, run: Run) -> ScenarioReport:  # noqa: ARG002
        """What came of it, when the run is over and all workers have told everything."""
        return ScenarioReport()


def since(now: Results, before: Results | None, name: str) -> Histogram:
    """The times under a name that came after earlier results; all times without these."""
    return now.histogram(name).since(before.histogram(name) if before else Histogram())
