"""Sets of indices of the fleet, as ranges."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator
from itertools import accumulate
from operator import sub

Ranges = list[tuple[int, int]]
"""Half-open ranges of indices, as they travel in messages."""


class IndexSet:
    """
    A set of indices as sorted, disjoint, half-open ranges; a million take no more than one.

    With n ranges, what asks takes O(log n) steps and what changes moves at most n numbers.
    """

    __slots__ = ("_ranks", "_size", "_starts", "_stops")

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []
        self._size = 0
        self._ranks: list[int] | None = None  # of the ends of the ranges, once they are asked for
        for start, stop in ranges:
            self.add(start, stop)

    @property
    def ranges(self) -> Ranges:
        """The ranges, lowest first."""
        return list(zip(self._starts, self._stops, strict=True))

    def __len__(self) -> int:
        """How many indices."""
        return self._size

    def __iter__(self) -> Iterator[int]:
        """The indices, lowest first."""
        for start, stop in self.ranges:
            yield from range(start, stop)

    def __contains__(self, index: int) -> bool:
        """Whether the index is in."""
        place = bisect_right(self._starts, index) - 1
        return place >= 0 and index < self._stops[place]

    def __getitem__(self, rank: int) -> int:
        """The index of this rank, lowest first; for picking one at random."""
        if self._ranks is None:
            self._ranks = list(accumulate(map(sub, self._stops, self._starts)))
        place = bisect_right(self._ranks, rank)
        return self._stops[place] - (self._ranks[place] - rank)

    def between(self, start: int, stop: int) -> Iterator[int]:
        """The indices from start up to, not with, stop, lowest first."""
        for place in range(bisect_right(self._stops, start), bisect_left(self._starts, stop)):
            yield from range(max(start, self._starts[place]), min(stop, self._stops[place]))

    def add(self, start: int, stop: int) -> None:
        """Add all from start up to, not with, stop."""
        if start >= stop:
            return
        low, high = bisect_left(self._stops, start), bisect_right(self._starts, stop)
        if low < high:
            start, stop = min(start, self._starts[low]), max(stop, self._stops[high - 1])
        self._replace(low, high, [(start, stop)])

    def discard(self, start: int, stop: int) -> None:
        """Take out all from start up to, not with, stop."""
        low, high = bisect_right(self._stops, start), bisect_left(self._starts, stop)
        if start >= stop or low >= high:
            return
        left = [(self._starts[low], start), (stop, self._stops[high - 1])]
        self._replace(low, high, [each for each in left if each[0] < each[1]])

    def _replace(self, low: int, high: int, ranges: Ranges) -> None:
        """Have these ranges in place of those from ``low`` up to ``high``."""
        self._size += sum(stop - start for start, stop in ranges)
        self._size -= sum(self._stops[low:high]) - sum(self._starts[low:high])
        self._starts[low:high] = [start for start, _ in ranges]
        self._stops[low:high] = [stop for _, stop in ranges]
        self._ranks = None

    def take(self, count: int) -> Ranges:
        """Take out the lowest ``count``, or all if there are fewer."""
        taken: Ranges = []
        for start, stop in zip(self._starts, self._stops, strict=True):
            if count <= 0:
                break
            taken.append((start, min(stop, start + count)))
            count -= stop - start
        if taken:
            self.discard(taken[0][0], taken[-1][1])
        return taken

    def __and__(self, other: IndexSet) -> IndexSet:
        """The indices that are in both."""
        common = IndexSet()
        for start, stop in self.ranges:
            low, high = bisect_right(other._stops, start), bisect_left(other._starts, stop)
            for place in range(low, high):
                common.add(max(start, other._starts[place]), min(stop, other._stops[place]))
        return common


def ranges_of(indices: Collection[int]) -> Ranges:
    """The ranges of indices in a set, or in a mapping by them, lowest first."""
    starts = sorted(index for index in indices if index - 1 not in indices)
    stops = sorted(index + 1 for index in indices if index + 1 not in indices)
    return list(zip(starts, stops, strict=True))
