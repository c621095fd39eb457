"""Every scenario by its name, and the text of ``--scenario`` that chooses and orders them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

from caretaker.errors import InputError
from caretaker.scenarios.arguments import number
from caretaker.scenarios.campaigns import CRSweep, FirmwareCampaign, NATRebind, Provisioning
from caretaker.scenarios.capacity import FindCapacity
from caretaker.scenarios.disruptions import ACSOutage, BootStorm, PowerCut, ValueChangeStorm
from caretaker.scenarios.scenario import FleetPlan, Scenario
from caretaker.scenarios.steady import Ramp, Soak, Steady

SCENARIOS: dict[str, type[Scenario]] = {
    kind.name: kind
    for kind in (
        Steady, Ramp, BootStorm, PowerCut, ACSOutage, CRSweep, FirmwareCampaign, ValueChangeStorm,
        NATRebind, Provisioning, FindCapacity, Soak,
    )
}  # fmt: skip
"""Every scenario by its name; a locustfile may add its own."""


class Step(NamedTuple):
    """
    A scenario's place in a run.

    Args:
        scenario: what is played.
        at: when, in seconds of the run, beside the others; None: when the one before is over.
    """

    scenario: Scenario
    at: float | None


class Schedule(NamedTuple):
    """
    The scenarios of a run. Scenarios keep state while they play, so each run parses its own.

    Args:
        text: what the user wrote.
        steps: the scenarios in the order of the text; empty for none.
    """

    text: str = ""
    steps: tuple[Step, ...] = ()

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read a text as ``parse`` does.

        Raises:
            InputError: as ``parse``.
        """
        return cls(text, tuple(parse(text)))

    def __str__(self) -> str:
        return self.text

    @property
    def new_cpes(self) -> int:
        """How many CPEs all scenarios add to the fleet."""
        return sum(step.scenario.new_cpes for step in self.steps)

    def needs(self, plan: FleetPlan) -> float:
        """Seconds of a run in which all scenarios can show something; 0 without scenarios."""
        row, ends = plan.up_after, [0.0]
        for scenario, at in self.steps:
            took = scenario.needs(plan)
            begin = row if at is None else max(at, plan.up_after)
            row = begin + took if at is None else row
            ends.append(begin + took if took else 0.0)
        return max(ends)


_AT = number(0)


def parse(text: str) -> list[Step]:
    """
    The scenarios of a text like ``power-cut share=0.5 seconds=20, cr-sweep at=60``.

    Raises:
        InputError: no such scenario, an argument can't be used, or one can't follow another.
    """
    steps = [_step(part.split()) for part in text.split(",") if part.strip()]
    row = [step.scenario for step in steps if step.at is None]
    for scenario in row[:-1]:
        if scenario.is_last:
            cure = "put it last, or give the others a time (at=60)"
            raise InputError(f"scenario {scenario.name}: no other can follow it; {cure}")
    return steps


def _step(words: Sequence[str]) -> Step:
    name, *given = words
    if name not in SCENARIOS:
        raise InputError(f"scenario {name!r}: not one of {', '.join(SCENARIOS)}")
    pairs = dict[str, str]()
    for word in given:
        key, is_given, value = word.partition("=")
        if not is_given:
            raise InputError(f"scenario {name}: {word!r} is not NAME=VALUE")
        pairs[key] = value
    at = pairs.pop("at", None)
    return Step(SCENARIOS[name](**pairs), None if at is None else _AT(at))
