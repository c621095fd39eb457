"""What the master does for the leases of its workers: it answers, looks on, and frees indices."""

from __future__ import annotations

import os
import socket
from collections.abc import Callable

import psutil

from caretaker.swarm.index_lease import lease_clock
from caretaker.swarm.index_ledger import IndexLedger
from caretaker.swarm.worker_messages import LeaseRenewal, LeaseRenewed, WorkerProcess

LOOK_SECONDS = 0.25
"""How often the master looks after the leases."""


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
        self._clock = clock
        self._looked = clock()
        self._processes: dict[str, WorkerProcess] = {}

    def renew(self, holder: str, renewal: LeaseRenewal, limit: int) -> LeaseRenewed | None:
        """The answer to a renewal; see ``IndexLedger.renew``."""
        self._processes[holder] = renewal.process
        return self.ledger.renew(holder, renewal, self._clock(), limit)

    def look(self) -> list[tuple[str, int]]:
        """
        Free what silent workers had; not by a silence that is this process's own stall.

        Returns these workers and how many indices each had.
        """
        now = self._clock()
        stall = now - self._looked - LOOK_SECONDS
        if stall > LOOK_SECONDS:
            self.ledger.stalled(stall, now)
        self._looked = now
        return self.ledger.expire(now)

    def look_for_dead(self) -> list[str]:
        """The forked workers that have leases, and have ended without giving them back."""
        return [name for name in self.ledger.holders if has_died(self._processes[name])]

    def bury(self, holder: str) -> None:
        """Free what a worker had that has died; it will not come back."""
        self.died.add(holder)
        self.ledger.gone(holder)


def has_died(process: WorkerProcess) -> bool:
    """Whether it is a child of this process that has ended, waited for or not."""
    if (process.host, process.parent) != (socket.gethostname(), os.getpid()):
        return False
    try:
        return psutil.Process(process.pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True
