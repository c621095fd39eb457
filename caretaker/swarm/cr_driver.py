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
from caretaker.device.reach_values import reach_of
from caretaker.device.reachability import Reach
from caretaker.engine.shard import Shard
from caretaker.index_set import IndexSet
from caretaker.scenarios.tasks import Operator, Tasks, ways_of
from caretaker.stats.results import Results
from caretaker.way import Way

LONGEST_STEP = 1.0
"""Seconds after which the rate is looked at again; it may rise or fall all the time."""
IDLE_STEP = 0.2
"""The same, while the rate is 0."""
_ROUNDING = 1e-9
_WAYS = {Reach.STUN: Way.UDP, Reach.XMPP: Way.XMPP}
"""The ways of the CPEs that HTTP does not reach; they have one after their first contact."""
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
        planned, left = time.monotonic(), self._rng.random() * self._gap()
        while True:
            rate = self._rate()
            step = min(LONGEST_STEP, left / rate) if rate > 0 else IDLE_STEP
            planned += step
            left -= step * rate
            gevent.sleep(max(0.0, planned - time.monotonic()))
            if rate <= 0 or left > _ROUNDING:
                continue
            left = self._gap()
            if not self._drive(planned):  # nobody yet: plan from here on, do not catch up
                planned = max(planned, time.monotonic())

    def _gap(self) -> float:
        """Arrivals that the rate stands for between two arrivals, which are 1 in the mean."""
        return self._rng.expovariate(1.0) if self._poisson else 1.0

    def _drive(self, due: float) -> bool:
        """Have a CPE sent a Connection Request, as it is due; whether there was one to send to."""
        cpe = self._pick() if self._rate() > 0 else None
        if cpe is not None:
            self._results.time("generator.lateness", max(0.0, time.monotonic() - due))
            self._tasks.start(self._operator.name, cpe, self._operator.send, due)
        return cpe is not None

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
    now = time.monotonic()
    pending = [event.event_code for event in cpe.pending]
    is_up = now >= cpe.down_until and ev.BOOTSTRAP not in pending
    return is_up and (reach_of(cpe) not in _WAYS or _has_told_its_way(cpe, pending, now))


def _has_told_its_way(cpe: CPE, pending: list[str], now: float) -> bool:
    """
    Whether the ACS can know the way to a CPE that HTTP does not reach.

    Until then a request would fail whatever the ACS does. What keeps a CPE from having that way,
    as a STUN server that is silent, is counted where it happens.
    """
    return ways_of(cpe, now).way is _WAYS[reach_of(cpe)] and ev.VALUE_CHANGE not in pending
