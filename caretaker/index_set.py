"""Sets of the indices of CPEs, kept as ranges."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Collection, Iterable, Iterator
from itertools import accumulate
from operator import sub

Ranges = list[tuple[int, int]]
"""Half-open ranges of indices, in the form that messages carry."""


class IndexSet:
    """
    A set of indices, kept as sorted, disjoint, half-open ranges.

    With n ranges, however long they are, a lookup takes O(log n) steps, and a change moves at most
    n numbers.
    """

    __slots__ = ("_ranks", "_size", "_starts", "_stops")

    def __init__(self, ranges: Iterable[tuple[int, int]] = ()) -> None:
        self._starts: list[int] = []
        self._stops: list[int] = []
        self._size = 0
        self._ranks: list[int] | None = None  # indices up to each range's end; made on demand
        for start, stop in ranges:
            self.add(start, stop)

    @property
    def ranges(self) -> Ranges:
        """The ranges, lowest first."""
        return list(zip(self._starts, self._stops, strict=True))

    def __len__(self) -> int:
        """How many indices the set has."""
        return self._size

    def __iter__(self) -> Iterator[int]:
        """The indices, lowest first."""
        for start, stop in self.ranges:
            yield from range(start, stop)

    def __contains__(self, index: int) -> bool:
        """Whether the set has this index."""
        place = bisect_right(self._starts, index) - 1
        return place >= 0 and index < self._stops[place]

    def __getitem__(self, rank: int) -> int:
        """The index at this place in ascending order; for a random choice."""
        if self._ranks is None:
            self._ranks = list(accumulate(map(sub, self._stops, self._starts)))
        place = bisect_right(self._ranks, rank)
        return self._stops[place] - (self._ranks[place] - rank)

    def between(self, start: int, stop: int) -> Iterator[int]:
        """The indices of the set from ``start`` to ``stop - 1``, lowest first."""
        for place in range(bisect_right(self._stops, start), bisect_left(self._starts, stop)):
            yield from range(max(start, self._starts[place]), min(stop, self._stops[place]))

    def add(self, start: int, stop: int) -> None:
        """Add the indices from ``start`` to ``stop - 1``."""
        if start >= stop:
            return
        low, high = bisect_left(self._stops, start), bisect_right(self._starts, stop)
        if low < high:
            start, stop = min(start, self._starts[low]), max(stop, self._stops[high - 1])
        self._replace(low, high, [(start, stop)])

    def discard(self, start: int, stop: int) -> None:
        """Take out the indices from ``start`` to ``stop - 1``."""
        low, high = bisect_right(self._stops, start), bisect_left(self._starts, stop)
        if start >= stop or low >= high:
            return
        kept = [(self._starts[low], start), (stop, self._stops[high - 1])]
        self._replace(low, high, [(first, end) for first, end in kept if first < end])

    def _replace(self, low: int, high: int, ranges: Ranges) -> None:
        """Put ranges in the place of those at ``low`` to ``high - 1``."""
        self._size += sum(stop - start for start, stop in ranges)
        self._size -= sum(self._stops[low:high]) - sum(self._starts[low:high])
        self._starts[low:high] = [start for start, _ in ranges]
        self._stops[low:high] = [stop for _, stop in ranges]
        self._ranks = None

    def take(self, count: int) -> Ranges:
        """Take out and return the lowest ``count`` indices, or all if there are fewer."""
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
        """The indices that both sets have."""
        common = IndexSet()
        for start, stop in self.ranges:
            low, high = bisect_right(other._stops, start), bisect_left(other._starts, stop)
            for place in range(low, high):
                common.add(max(start, other._starts[place]), min(stop, other._stops[place]))
        return common


def ranges_of(indices: Collection[int]) -> Ranges:
    """The indices of a set, or the keys of a mapping, as ranges, lowest first."""
    starts = sorted(index for index in indices if index - 1 not in indices)
    stops = sorted(index + 1 for index in indices if index + 1 not in indices)
    return list(zip(starts, stops, strict=True))
