"""What is done to the processes of a run, and when: drawn from the seed alone."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from random import Random
from typing import NamedTuple

WORKERS = 2


class Kind(Enum):
    """A kind of disruption, in words; how long Locust takes is in ``locust.runners``."""

    STALL = "frozen within Locust's heartbeat"
    SILENCE = "frozen beyond it, so that Locust misses it"
    OBLIVION = "frozen until Locust has forgotten it"
    REBIRTH = "frozen until its serial numbers are free again"
    DEATH = "killed"
    ACS_STALL = "ACS frozen"
    ACS_DEATH = "ACS killed"


class Rule(NamedTuple):
    """
    How a kind of disruption is drawn.

    Args:
        seconds: how long it lasts, from and to.
        gap: seconds that its target has for itself afterwards, from and to.
        kills: whether the process is killed, and started again afterwards; else it is frozen.
    """

    seconds: tuple[float, float]
    gap: tuple[float, float]
    kills: bool = False


OF_WORKERS = {
    Kind.STALL: Rule((1.0, 3.0), (2.0, 8.0)),
    Kind.SILENCE: Rule((8.0, 25.0), (8.0, 20.0)),
    Kind.OBLIVION: Rule((66.0, 75.0), (15.0, 25.0)),
    Kind.REBIRTH: Rule((100.0, 110.0), (15.0, 25.0)),
    Kind.DEATH: Rule((0.5, 12.0), (15.0, 25.0), kills=True),
}
OF_THE_ACS = {
    Kind.ACS_STALL: Rule((1.0, 15.0), (10.0, 40.0)),
    Kind.ACS_DEATH: Rule((0.5, 10.0), (15.0, 40.0), kills=True),
}
RULES = {**OF_WORKERS, **OF_THE_ACS}
"""Each kind of disruption."""


@dataclass(frozen=True)
class Disruption:
    """
    One thing that is done to a process.

    Args:
        at: seconds from the begin of the faults.
        until: when it is undone, likewise.
        target: the number of the worker; ``ACS`` for the ACS.
        kind: what is done.
    """

    at: float
    until: float
    target: int
    kind: Kind

    @property
    def kills(self) -> bool:
        """Whether the process is killed and started again; else it is frozen."""
        return RULES[self.kind].kills

    @property
    def what(self) -> str:
        """What is done to whom, for people."""
        who = "" if self.target == ACS else f"worker {self.target} "
        return f"{who}{self.kind.value}, for {self.until - self.at:.1f} s"

    def __str__(self) -> str:
        """As the schedule is printed."""
        return f"{self.at:7.1f} s  {self.what}"


ACS = -1
"""The target of disruptions of the ACS."""


def schedule(seed: int, seconds: float) -> list[Disruption]:
    """
    The disruptions of a run in their order.

    One worker at a time is disrupted, as Locust ends a run without workers; the ACS beside them.

    Args:
        seed: that all is drawn from.
        seconds: within which all disruptions begin and end.
    """
    workers = _lane(Random(f"{seed}/workers"), OF_WORKERS, range(WORKERS), seconds)
    acs = _lane(Random(f"{seed}/ACS"), OF_THE_ACS, [ACS], seconds)
    return sorted([*workers, *acs], key=lambda each: (each.at, each.target))


def rebalancing(seed: int) -> bool:
    """Whether the run has Locust's ``--enable-rebalancing``."""
    return Random(f"{seed}/rebalancing").random() < 0.5


def _lane(
    rng: Random, rules: dict[Kind, Rule], targets: range | list[int], seconds: float
) -> Iterator[Disruption]:
    """One disruption after the other; each kind once before any comes again."""
    at = rng.uniform(1.0, 10.0)
    while True:
        fitting = [kind for kind in rules if at + rules[kind].seconds[1] <= seconds]
        if not fitting:
            return
        for kind in rng.sample(fitting, len(fitting)):
            until = at + rng.uniform(*rules[kind].seconds)
            if until <= seconds:
                yield Disruption(round(at, 1), round(until, 1), rng.choice(targets), kind)
                at = until + rng.uniform(*rules[kind].gap)
