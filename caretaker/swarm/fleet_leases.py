"""What the master does for the leases of its workers: it answers, looks on, and frees indices."""

from __future__ import annotations

import os
import socket
from collections import Counter
from collections.abc import Callable

import psutil

from caretaker.swarm.index_lease import lease_clock
from caretaker.swarm.index_ledger import IndexLedger, LostLease
from caretaker.swarm.take_overs import TakeOvers
from caretaker.swarm.worker_messages import LeaseRenewal, LeaseRenewed, WorkerProcess

LOOK_SECONDS = 0.25
"""How often the master looks after the leases."""
LOOKS_OF_DEATH = 3
"""In so many looks a worker has ended before it counts as dead: its last word may still be read."""


class FleetLeases:
    """
    The leases of all workers of a master.

    Args:
        seconds: how long a worker may use its indices after a renewal.
        clock: seconds, going forward.
    """

    def __init__(self, seconds: float, clock: Callable[[], float] = lease_clock) -> None:
        self.ledger = IndexLedger(seconds)
        self.died: set[str] = set()
        """The workers that this process has forked, and that have ended by no word of theirs."""
        self.take_overs = TakeOvers()
        """What became in this run of the CPEs of those that were dead or silent."""
        self._clock = clock
        self._looked = clock()
        self._processes: dict[str, WorkerProcess] = {}
        self._ended: Counter[str] = Counter()

    def renew(self, holder: str, renewal: LeaseRenewal, limit: int) -> LeaseRenewed | None:
        """The answer to a renewal; see ``IndexLedger.renew``."""
        self._processes[holder] = renewal.process
        now = self._clock()
        answer = self.ledger.renew(holder, renewal, now, limit)
        if answer is not None and answer.granted:
            self.take_overs.grant(answer.granted, now)
        return answer

    def begin(self) -> None:
        """Begin a run, in which nobody has died yet."""
        self.take_overs = TakeOvers()

    def look(self) -> list[LostLease]:
        """
        Free what silent workers had; not by a silence that is this process's own stall.

        Returns what they had.
        """
        now = self._clock()
        stall = now - self._looked - LOOK_SECONDS
        if stall > LOOK_SECONDS:
            self.ledger.stalled(stall, now)
        self._looked = now
        silent = self.ledger.expire(now)
        for lost in silent:
            self.take_overs.lose(lost)
        return silent

    def look_for_dead(self) -> list[str]:
        """
        The forked workers that have leases, and have ended without giving them back.

        To be called at each look.
        """
        ended = [name for name in self.ledger.holders if has_died(self._processes[name])]
        self._ended = Counter({name: self._ended[name] + 1 for name in ended})
        return [name for name in ended if self._ended[name] >= LOOKS_OF_DEATH]

    def bury(self, holder: str) -> None:
        """Free what a worker had that has died; it will not come back."""
        self.died.add(holder)
        self.take_overs.lose(self.ledger.lose(holder))


def has_died(process: WorkerProcess) -> bool:
    """Whether it is a child of this process that has ended, waited for or not."""
    if (process.host, process.parent) != (socket.gethostname(), os.getpid()):
        return False
    try:
        return psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
