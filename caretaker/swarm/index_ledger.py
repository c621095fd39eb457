"""
Who holds which indices of the fleet (decision D3).

The master keeps the ledger; workers lease indices for the CPEs they power on and give them back.
Whatever joins, leaves or dies, no index has two holders, so no serial number lives twice.

A worker that says goodbye frees its indices at once. One that falls silent may still be running
its CPEs, cut off: its indices are kept until it must have ended by itself (Locust's workers do
when they hear nothing from the master for 60 s).
"""

from __future__ import annotations

from collections.abc import Iterable

from caretaker.index_set import IndexSet, Ranges

QUARANTINE_SECONDS = 90.0
"""How long the indices of a silent holder are kept."""


class IndexLedger:
    """
    The leases of a fleet: the lowest free indices go out first, so N CPEs are indices 0..N-1.

    Holders are named as Locust names its workers.
    """

    def __init__(self) -> None:
        self._held: dict[str, IndexSet] = {}
        self._lost: dict[str, float] = {}
        self._free = IndexSet()
        self._next = 0

    @property
    def total(self) -> int:
        """How many indices are leased."""
        return sum(len(held) for held in self._held.values())

    @property
    def live(self) -> int:
        """How many of them are with holders that are heard of."""
        lost = sum(len(self._held[holder]) for holder in self._lost)
        return self.total - lost

    @property
    def holders(self) -> list[str]:
        """Who holds any."""
        return list(self._held)

    def held(self, holder: str) -> Ranges:
        """What a holder has."""
        return list(self._held[holder].ranges) if holder in self._held else []

    def holds(self, holder: str, index: int) -> bool:
        """Whether a holder has this index."""
        return index in self._held.get(holder, ())

    def count(self, holder: str) -> int:
        """How many a holder has."""
        return len(self._held.get(holder, ()))

    def lease(self, holder: str, count: int) -> Ranges:
        """Lease that many indices to a holder."""
        granted = self._free.take(count)
        fresh = count - sum(stop - start for start, stop in granted)
        if fresh > 0:
            granted.append((self._next, self._next + fresh))
            self._next += fresh
        held = self._held.setdefault(holder, IndexSet())
        for start, stop in granted:
            held.add(start, stop)
        return granted

    def release(self, holder: str, ranges: Iterable[tuple[int, int]]) -> None:
        """Take back indices; those that the holder does not have are passed over."""
        held = self._held.get(holder)
        if held is None:
            return
        for start, stop in (held & IndexSet(ranges)).ranges:
            held.discard(start, stop)
            self._free.add(start, stop)
        if not held:
            self._forget(holder)

    def gone(self, holder: str) -> None:
        """The holder has ended: all it had is free."""
        self.release(holder, self.held(holder))

    def lost(self, holder: str, now: float) -> None:
        """The holder is silent: its indices are free after the quarantine, unless it speaks."""
        if holder in self._held:
            self._lost.setdefault(holder, now)

    def heard_again(self, holder: str) -> None:
        """The holder is heard of again, and still has what it had."""
        self._lost.pop(holder, None)

    def is_lost(self, holder: str) -> bool:
        """Whether the holder is silent."""
        return holder in self._lost

    def reclaim(self, now: float) -> None:
        """Free what holders had that have been silent longer than the quarantine."""
        for holder, since in list(self._lost.items()):
            if now - since > QUARANTINE_SECONDS:
                self.gone(holder)

    def _forget(self, holder: str) -> None:
        del self._held[holder]
        self._lost.pop(holder, None)
