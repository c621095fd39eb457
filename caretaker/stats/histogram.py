"""Distributions of times that merge over workers, and their percentiles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import ceil, log
from typing import Any, ClassVar, Final, Self

from caretaker.stats.counting import Extent, count_times

_CDF_WIDTH = 8
_OCTAVE: Final = log(2)


class CoarseHistogram:
    """
    Times in buckets that are 4.4 % wide; the longest time is exact.

    Small and quick to fill, as the timeline has three of them for each second. The sum of two is
    exact: percentiles of a fleet are those of all its sessions, not averages of the workers'
    percentiles. Buckets are numbered from 0, which holds all times up to a microsecond.
    """

    __slots__ = ("buckets", "longest")

    PER_OCTAVE: ClassVar[int] = 16
    """Buckets from a time to twice the time."""

    def __init__(self) -> None:
        self.buckets: dict[int, int] = {}
        """How many times there are, by the number of their bucket."""
        self.longest = 0.0

    def add(self, seconds: float) -> None:
        """Count a time."""
        self.extend((seconds,))

    def extend(self, times: Sequence[float]) -> None:
        """Count times, at least one; many at once cost less than single ones."""
        self._count(times)

    def _count(self, times: Sequence[float]) -> Extent:
        extent = count_times(self.buckets, times, self.PER_OCTAVE / _OCTAVE)
        self.longest = max(self.longest, extent[2])
        return extent

    def merge(self, other: Self) -> None:
        """Add all times of another histogram."""
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count
        self.longest = max(self.longest, other.longest)

    @property
    def count(self) -> int:
        """How many times there are."""
        return sum(self.buckets.values())

    def percentiles(self, percents: Iterable[float]) -> list[float | None]:
        """For each percentage, the seconds that so many times do not exceed; None without times."""
        if not self.buckets:
            return [None for _ in percents]
        order = sorted(self.buckets)
        sums = list(accumulate(self.buckets[bucket] for bucket in order))
        return [self._percentile(order, sums, percent) for percent in percents]

    def _percentile(self, order: Sequence[int], sums: Sequence[int], percent: float) -> float:
        rank = max(1, ceil(sums[-1] * percent / 100))
        bucket = next(bucket for bucket, sum_ in zip(order, sums, strict=True) if sum_ >= rank)
        return min(self._seconds(bucket + 0.5), self.longest)

    def percentile(self, percent: float) -> float | None:
        """The seconds that this percentage of the times do not exceed; None without times."""
        return self.percentiles((percent,))[0]

    def summary(self, *percents: int) -> dict[str, float | None]:
        """Milliseconds: ``{"p50": ..., "max": ...}``; None without times."""
        names = [*(f"p{percent}" for percent in percents), "max"]
        times = [*self.percentiles(percents), self.longest if self.buckets else None]
        return {
            name: None if seconds is None else _ms(seconds)
            for name, seconds in zip(names, times, strict=True)
        }

    def _seconds(self, bucket: float) -> float:
        """Where a bucket begins; with 0.5 added, its middle."""
        return float(2 ** (bucket / self.PER_OCTAVE)) / 1e6

    def to_wire(self) -> list[Any]:
        """The histogram as a list of numbers, for ``from_wire``."""
        return [self.longest, *(number for pair in self.buckets.items() for number in pair)]

    @classmethod
    def from_wire(cls, wire: Sequence[Any]) -> Self:
        """The histogram that ``to_wire`` made a list of."""
        histogram = cls()
        histogram._read(wire)  # not by super() in a class method, which mypyc compiles wrongly
        return histogram

    def _read(self, wire: Sequence[Any]) -> None:
        """Take over the numbers of ``to_wire``; subclasses have more in front of these."""
        self.longest = wire[0]
        self.buckets = dict(zip(wire[1::2], wire[2::2], strict=True))


class Histogram(CoarseHistogram):
    """Times in buckets that are 1.1 % wide; sum, shortest and longest are exact."""

    __slots__ = ("shortest", "total")

    PER_OCTAVE: ClassVar[int] = 64

    def __init__(self) -> None:
        super().__init__()
        self.total = 0.0
        self.shortest = 0.0

    def extend(self, times: Sequence[float]) -> None:
        """Count times, at least one; many at once cost less than single ones."""
        is_first = not self.buckets
        total, shortest, _ = self._count(times)
        self.total += total
        self.shortest = shortest if is_first else min(self.shortest, shortest)

    def merge(self, other: Self) -> None:
        """Add all times of another histogram."""
        if not other.buckets:
            return
        self.shortest = min(self.shortest, other.shortest) if self.buckets else other.shortest
        self.total += other.total
        super().merge(other)

    def since(self, earlier: Histogram) -> Histogram:
        """
        The times that were added after ``earlier``, a copy of this histogram at that time.

        The shortest and the longest are as exact as a bucket is wide.
        """
        added = Histogram()
        added.total = self.total - earlier.total
        for bucket, count in self.buckets.items():
            if count > earlier.buckets.get(bucket, 0):
                added.buckets[bucket] = count - earlier.buckets.get(bucket, 0)
        if added.buckets:
            added.shortest = max(self.shortest, self._seconds(min(added.buckets)))
            added.longest = min(self.longest, self._seconds(max(added.buckets) + 1))
        return added

    def _percentile(self, order: Sequence[int], sums: Sequence[int], percent: float) -> float:
        return max(super()._percentile(order, sums, percent), self.shortest)

    def at_most(self, limits: Iterable[float]) -> list[int]:
        """How many times are at most each of these; a limit is as exact as a bucket is wide."""
        middles = [(self._seconds(bucket + 0.5), count) for bucket, count in self.buckets.items()]
        return [sum(count for middle, count in middles if middle <= limit) for limit in limits]

    def to_wire(self) -> list[Any]:
        """The histogram as a list of numbers, for ``from_wire``."""
        return [self.total, self.shortest, *super().to_wire()]

    def _read(self, wire: Sequence[Any]) -> None:
        self.total, self.shortest = wire[:2]
        super()._read(wire[2:])

    def cdf(self) -> list[list[float]]:
        """
        The cumulative distribution: ``[[milliseconds, share of the times up to it], ...]``.

        Eight buckets are one point, so that a decade has about 27 of them.
        """
        counts: dict[int, int] = {}
        for bucket, count in sorted(self.buckets.items()):
            counts[bucket // _CDF_WIDTH] = counts.get(bucket // _CDF_WIDTH, 0) + count
        ends = (self._seconds((group + 1) * _CDF_WIDTH) for group in counts)
        sums, whole = accumulate(counts.values()), self.count
        return [
            [_ms(min(end, self.longest)), round(sum_ / whole, 6)]
            for end, sum_ in zip(ends, sums, strict=True)
        ]


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
