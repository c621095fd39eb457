"""
Who holds which indices of the fleet (decision D3).

The master keeps the ledger; workers lease indices for the CPEs they power on and give them back.
Whatever joins, leaves or dies, no index has two holders, so no serial number lives twice.

A worker that says goodbye frees its indices at once. One that falls silent may still be running
its CPEs, cut off: its indices are kept until it must have ended by itself (Locust's workers do
when they hear nothing from the master for 60 s).
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Iterator
from itertools import accumulate

Ranges = list[tuple[int, int]]
"""Half-open ranges of indices, as they travel in messages."""

QUARANTINE_SECONDS = 90.0


class IndexSet:
    """A set of indices as sorted, disjoint, half-open ranges; a million take no more than one."""

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self.ranges: Ranges = []
        for start, stop in ranges:
            self.add(start, stop)

    def __len__(self) -> int:
        """How many indices."""
        return sum(stop - start for start, stop in self.ranges)

    def __iter__(self) -> Iterator[int]:
        """The indices, lowest first."""
        for start, stop in self.ranges:
            yield from range(start, stop)

    def __contains__(self, index: int) -> bool:
        """Whether the index is in."""
        place = bisect_right(self.ranges, (index, float("inf"))) - 1
        return place >= 0 and index < self.ranges[place][1]

    def __getitem__(self, rank: int) -> int:
        """The index of this rank, lowest first; for picking one at random."""
        ends = list(accumulate(stop - start for start, stop in self.ranges))
        place = bisect_right(ends, rank)
        return self.ranges[place][1] - (ends[place] - rank)

    def add(self, start: int, stop: int) -> None:
        """Add all from start up to, not with, stop."""
        if start >= stop:
            return
        before = [r for r in self.ranges if r[1] < start]
        after = [r for r in self.ranges if r[0] > stop]
        touched = [r for r in self.ranges if r[1] >= start and r[0] <= stop]
        start = min([start, *(r[0] for r in touched)])
        stop = max([stop, *(r[1] for r in touched)])
        self.ranges = [*before, (start, stop), *after]

    def discard(self, start: int, stop: int) -> None:
        """Take out all from start up to, not with, stop."""
        if start >= stop:
            return
        left: Ranges = []
        for low, high in self.ranges:
            left += [r for r in ((low, min(high, start)), (max(low, stop), high)) if r[0] < r[1]]
        self.ranges = left

    def take(self, count: int) -> Ranges:
        """Take out the lowest ``count``, or all if there are fewer."""
        taken: Ranges = []
        while count > 0 and self.ranges:
            start, stop = self.ranges[0]
            cut = min(stop, start + count)
            taken.append((start, cut))
            count -= cut - start
            self.ranges[0:1] = [(cut, stop)] if cut < stop else []
        return taken

    def __and__(self, other: IndexSet) -> IndexSet:
        """The indices that are in both."""
        common = IndexSet()
        for start, stop in self.ranges:
            for low, high in other.ranges:
                if max(start, low) < min(stop, high):
                    common.add(max(start, low), min(stop, high))
        return common


class Ledger:
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
        if not held.ranges:
            self._forget(holder)

    def gone(self, holder: str) -> None:
        """The holder has ended: all it had is free."""
        self.release(holder, self.held(holder))

    def lost(self, holder: str, now: float) -> None:
        """The holder is silent: what it has is free after the quarantine, unless it is found."""
        if holder in self._held:
            self._lost.setdefault(holder, now)

    def found(self, holder: str) -> None:
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
