"""
Who holds which indices of the fleet, and until when (decisions D3 and 0027).

The master keeps the ledger; workers lease indices for the CPEs they power on, renew their leases
and give indices back. Whatever joins, leaves, dies or falls silent, no index has two holders, so no
serial number lives twice.

A worker stops using its indices by itself when its renewals have not been answered for a while.
The ledger frees them a margin later, and counts from when it took the last renewal, which is later
than when that was sent. So no clock of one machine is compared with that of another.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import NamedTuple

from caretaker.index_set import IndexSet, Ranges
from caretaker.swarm.worker_messages import LeaseRenewal, LeaseRenewed

MARGIN_SECONDS = 1.0
"""How much later than its holder must stop the ledger frees a lease."""


@dataclass
class _Lease:
    """What one holder has, and what the ledger has last answered it."""

    id: int
    term: int
    heard: float
    number: int = 0
    granted: Ranges = field(default_factory=list)
    held: IndexSet = field(default_factory=IndexSet)


class LostLease(NamedTuple):
    """
    What a holder had that was dead or silent.

    Args:
        holder: whose it was.
        indices: that are free now.
        heard: when the holder was heard for the last time.
    """

    holder: str
    indices: Ranges
    heard: float


class IndexLedger:
    """
    The leases of a fleet: the lowest free indices go out first, so N CPEs are indices 0..N-1.

    Holders are named as Locust names its workers.

    Args:
        seconds: how long a holder may use its indices after a renewal.
    """

    def __init__(self, seconds: float) -> None:
        self.seconds = seconds
        self._leases: dict[str, _Lease] = {}
        self._free = IndexSet()
        self._next = 0
        self._opened = 0

    @property
    def total(self) -> int:
        """How many indices are leased."""
        return sum(len(lease.held) for lease in self._leases.values())

    @property
    def opened(self) -> int:
        """How many indices have ever been leased: those below this one."""
        return self._next

    @property
    def holders(self) -> list[str]:
        """Who has a lease."""
        return list(self._leases)

    def counts(self) -> dict[str, int]:
        """How many indices each holder has."""
        return {holder: len(lease.held) for holder, lease in self._leases.items()}

    def held(self, holder: str) -> Ranges:
        """What a holder has."""
        return self._leases[holder].held.ranges if holder in self._leases else []

    def holds(self, holder: str, index: int) -> bool:
        """Whether a holder has this index."""
        return holder in self._leases and index in self._leases[holder].held

    def renew(
        self, holder: str, renewal: LeaseRenewal, now: float, limit: int
    ) -> LeaseRenewed | None:
        """
        Take a renewal and return its answer; None for one of a term that is over.

        Args:
            holder: whose it is.
            renewal: what it says.
            now: the present time.
            limit: how many CPEs the fleet is to have. Indices that were never leased go out only
                up to it; what a holder lacks beyond that has to come back from others.
        """
        lease = self._leases.get(holder)
        if lease is not None and renewal.term < lease.term:
            return None
        if lease is None or renewal.term > lease.term:
            self.gone(holder)
            if renewal.lease:
                return self._answer(renewal, renewal.lease, [], still_yours=False)
            lease = self._open(holder, renewal.term, now)
        elif renewal.lease not in (0, lease.id):
            self.gone(holder)
            return self._answer(renewal, renewal.lease, [], still_yours=False)
        lease.heard = now
        if renewal.number > lease.number:
            lease.number = renewal.number
            self._take_back(lease, renewal.returned)
            lease.granted = self._grant(lease, renewal.want, limit)
        return self._answer(renewal, lease.id, lease.granted, still_yours=True)

    def _open(self, holder: str, term: int, now: float) -> _Lease:
        self._opened += 1
        self._leases[holder] = _Lease(self._opened, term, now)
        return self._leases[holder]

    def _answer(
        self, renewal: LeaseRenewal, lease: int, granted: Ranges, *, still_yours: bool
    ) -> LeaseRenewed:
        return LeaseRenewed(
            sent=renewal.sent,
            term=renewal.term,
            number=renewal.number,
            lease=lease,
            still_yours=still_yours,
            seconds=self.seconds,
            granted=granted,
            total=self.total,
        )

    def _grant(self, lease: _Lease, count: int, limit: int) -> Ranges:
        granted = self._free.take(count)
        lacking = count - sum(stop - start for start, stop in granted)
        fresh = min(lacking, max(0, limit - self._next))
        if fresh > 0:
            granted.append((self._next, self._next + fresh))
            self._next += fresh
        for start, stop in granted:
            lease.held.add(start, stop)
        return granted

    def _take_back(self, lease: _Lease, ranges: Iterable[tuple[int, int]]) -> None:
        """Free indices; those that the holder does not have are passed over."""
        for start, stop in (IndexSet(ranges) & lease.held).ranges:
            lease.held.discard(start, stop)
            self._free.add(start, stop)

    def gone(self, holder: str) -> None:
        """The holder has ended, or has begun anew: all it had is free."""
        lease = self._leases.pop(holder, None)
        if lease is not None:
            self._take_back(lease, lease.held.ranges)

    def expire(self, now: float) -> list[LostLease]:
        """Free what holders have that have been silent for so long that they use it no more."""
        limit = now - self.seconds - MARGIN_SECONDS
        silent = [name for name, lease in self._leases.items() if lease.heard < limit]
        return [self.lose(name) for name in silent]

    def lose(self, holder: str) -> LostLease:
        """Free what a holder has that is dead or silent."""
        lease = self._leases[holder]
        lost = LostLease(holder, lease.held.ranges, lease.heard)
        self.gone(holder)
        return lost

    def stalled(self, seconds: float, now: float) -> None:
        """Do not count as silence what the ledger's own process could not hear."""
        for lease in self._leases.values():
            lease.heard = min(lease.heard + seconds, now)
