"""
The driver: has Connection Requests sent to random CPEs, as an operator's system does.

It is an open model (decision D6): arrivals are planned by the clock, whatever became of those
before, and latency counts from the planned time. Each worker drives its own shard at its share of
the whole rate. Independent Poisson streams add up to one; constant ones interleave.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from random import Random

import gevent

from caretaker.device import events as ev
from caretaker.device.cpe import CPE
from caretaker.engine.shard import Shard
from caretaker.index_set import IndexSet
from caretaker.scenarios.tasks import Operator, Tasks
from caretaker.stats.results import Results

_TRIES = 50
"""CPEs that are looked at to find one that is ready."""


class CRDriver:
    """
    Plans arrivals, and has a Connection Request sent at each to a random CPE that the ACS knows.

    Args:
        operator: sends it, or has the ACS send it.
        shard: whose CPEs.
        tasks: runs what was sent, until its end.
        results: take how late arrivals were.
        held: the indices of this shard.
        rate: arrivals per second of this shard, asked before each.
        arrivals: ``poisson`` or ``constant``.
        rng: picks CPEs and, for poisson, intervals.
    """

    def __init__(
        self,
        operator: Operator,
        shard: Shard,
        tasks: Tasks,
        results: Results,
        *,
        held: Callable[[], IndexSet],
        rate: Callable[[], float],
        arrivals: str,
        rng: Random,
    ) -> None:
        self._operator = operator
        self._shard = shard
        self._held = held
        self._rate = rate
        self._poisson = arrivals == "poisson"
        self._tasks = tasks
        self._results = results
        self._rng = rng
        self._planner = gevent.spawn(self._plan)

    def _plan(self) -> None:
        due = time.monotonic() + self._rng.random() * self._interval()
        while True:
            gevent.sleep(max(0.0, due - time.monotonic()))
            cpe = self._pick() if self._rate() > 0 else None
            if cpe is not None:
                self._results.time("generator.lateness", max(0.0, time.monotonic() - due))
                self._tasks.start(self._operator.name, cpe, self._operator.send, due)
            due += self._interval()
            if cpe is None:  # nobody to drive yet: plan from here on, do not catch up
                due = max(due, time.monotonic())

    def _interval(self) -> float:
        rate = self._rate()
        if rate <= 0:
            return 0.2
        return self._rng.expovariate(rate) if self._poisson else 1 / rate

    def _pick(self) -> CPE | None:
        held = self._held()
        size = len(held)
        for _ in range(_TRIES if size else 0):
            cpe = self._shard.cpes.get(held[self._rng.randrange(size)])
            if cpe is not None and _is_ready(cpe) and self._operator.reaches(cpe):
                return cpe
        return None

    def stop(self) -> None:
        """Plan no more."""
        self._planner.kill()


def _is_ready(cpe: CPE) -> bool:
    """Whether it has had its first contact, in this run or before it, and is up."""
    return time.monotonic() >= cpe.down_until and all(
        event.event_code != ev.BOOTSTRAP for event in cpe.pending
    )
