"""The base of scenarios, the run as they see it, and their reports."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, ClassVar, NamedTuple, Protocol

from caretaker.scenarios.actions import ACTIONS
from caretaker.scenarios.arguments import Argument, checked
from caretaker.scenarios.criterion import Criterion, MeasuredRun
from caretaker.stats.timeline import Timeline

SETTLE_SECONDS = 8.0
"""What a fleet that is up needs at least to be seen settled: workers report every 3 s."""


class FleetPlan(NamedTuple):
    """
    What is known of a run's fleet before the run.

    Args:
        cpes: how many it will have.
        up_after: seconds from the start of the run until the last one informs for the first time.
        download_seconds: the longest simulated download, with the reboot after it.
        stun_keep_alive: the most seconds between the STUN requests of a CPE.
    """

    cpes: int
    up_after: float
    download_seconds: float
    stun_keep_alive: float = 0.0


class RunControl(MeasuredRun, Protocol):
    """What can be seen of a run and done to it, by its scenarios and by their player."""

    def mark(self, text: str) -> None:
        """Put a text on the timeline at the present time."""

    def timeline(self) -> Timeline:
        """The timeline of the whole run, as reported so far."""

    def plan(self) -> FleetPlan:
        """What was known of the fleet before the run."""

    def grow(self, cpes: int, rate: float) -> None:
        """Add new CPEs, at a rate per second."""

    def finish(self) -> None:
        """End the run before its time."""


class ScenarioRun(RunControl, Protocol):
    """The run as a scenario sees it; times are seconds since its start."""

    def now(self) -> float:
        """The present time."""

    def wait(self, seconds: float) -> None:
        """Let the run go on for a time."""

    def act(self, name: str, **arguments: Any) -> None:
        """Do something to the whole fleet (``caretaker.scenarios.actions.ACTIONS``)."""

    def settle(self) -> None:
        """Wait until all CPEs have informed after their boot, and none waits for a retry."""

    def catch_up(self) -> None:
        """Wait until all workers have reported everything up to now."""


@dataclass(frozen=True)
class ScenarioReport:
    """
    The outcome of a scenario.

    Args:
        kpis: numbers by name; None for a goal that was not reached.
        findings: plain sentences.
        curves: lists of (seconds, number) by name.
        marks: goals that were reached, as (seconds of the run, text).
        criterion: what the scenario is judged by; None for a scenario that judges nothing.
    """

    kpis: Mapping[str, float | None] = field(default_factory=dict)
    findings: Sequence[str] = ()
    curves: Mapping[str, Sequence[tuple[float, float]]] = field(default_factory=dict)
    marks: Sequence[tuple[float, str]] = ()
    criterion: Criterion | None = None


class Scenario:
    """
    A scenario that does nothing.

    Args:
        given: values of ``arguments``, by name.

    Raises:
        InputError: one can't be used, or is unknown.
    """

    name: ClassVar[str] = ""
    """The name on the command line."""
    arguments: ClassVar[dict[str, Argument]] = {}
    """What the user can give, as in ``NAME share=0.5``; the values are in ``self.given``."""
    is_last: ClassVar[bool] = False
    """Whether no other scenario can follow: it has no end, or the run ends with it."""
    is_search: ClassVar[bool] = False
    """
    Whether it overloads the ACS and the generator on purpose: then its criterion judges their
    failures and limits, and the standard checks do not.
    """

    def __init__(self, **given: Any) -> None:
        self.given = checked(self.name, self.arguments, given)

    def given_to(self, action: str) -> dict[str, Any]:
        """Those of the given values that an action takes, too."""
        return {name: self.given[name] for name in ACTIONS[action].arguments if name in self.given}

    @property
    def new_cpes(self) -> int:
        """How many CPEs it adds to the fleet."""
        return 0

    def needs(self, plan: FleetPlan) -> float:  # noqa: ARG002
        """Seconds from its begin that it needs at least to show anything, when the fleet is up."""
        return 0.0

    def play(self, run: ScenarioRun) -> None:
        """Do things to the fleet; stopped when the run ends."""

    def report(self, run: ScenarioRun) -> ScenarioReport:  # noqa: ARG002
        """The outcome, after the run has ended and all workers have reported everything."""
        return ScenarioReport()
