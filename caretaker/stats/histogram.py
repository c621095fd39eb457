"""Distributions of times that merge over workers, and their percentiles."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from itertools import accumulate
from math import ceil, log2
from typing import Any

_PER_OCTAVE = 64
_UNIT = 1e-6
_CDF_WIDTH = 8


class Histogram:
    """
    A distribution of times, in buckets that are 1.1 % wide; count, sum and extremes are exact.

    Small, quick to fill, and the sum of two is exact: percentiles of a fleet are those of all its
    sessions, not averages of the workers' percentiles.
    """

    __slots__ = ("buckets", "count", "longest", "shortest", "total")

    def __init__(self) -> None:
        self.buckets: dict[int, int] = {}
        self.count = 0
        self.total = 0.0
        self.longest = 0.0
        self.shortest = 0.0

    def add(self, seconds: float) -> None:
        """Count a time; one below a microsecond counts as that."""
        self.extend((seconds,))

    def extend(self, times: Sequence[float]) -> None:
        """Count times, some at least."""
        buckets = self.buckets
        for seconds in times:
            bucket = int(log2(seconds / _UNIT) * _PER_OCTAVE) if seconds > _UNIT else 0
            buckets[bucket] = buckets.get(bucket, 0) + 1
        shortest, longest = min(times), max(times)
        self.shortest = min(shortest, self.shortest) if self.count else shortest
        self.longest = max(self.longest, longest)
        self.count += len(times)
        self.total += sum(times)

    def merge(self, other: Histogram) -> None:
        """Add all of another's times."""
        if other.count == 0:
            return
        for bucket, count in other.buckets.items():
            self.buckets[bucket] = self.buckets.get(bucket, 0) + count
        self.shortest = min(self.shortest, other.shortest) if self.count else other.shortest
        self.longest = max(self.longest, other.longest)
        self.count += other.count
        self.total += other.total

    def percentile(self, percent: float) -> float:
        """The time that this many percent of the times do not exceed; 0 if there are none."""
        rank = ceil(self.count * percent / 100)
        for bucket in sorted(self.buckets):
            rank -= self.buckets[bucket]
            if rank <= 0:
                middle = _UNIT * 2 ** ((bucket + 0.5) / _PER_OCTAVE)
                return min(max(middle, self.shortest), self.longest)
        return self.longest

    def at_most(self, limits: Iterable[float]) -> list[int]:
        """How many times are at most each of these; a limit is as exact as a bucket is wide."""
        middles = [
            (_UNIT * 2 ** ((each + 0.5) / _PER_OCTAVE), n) for each, n in self.buckets.items()
        ]
        return [sum(count for middle, count in middles if middle <= limit) for limit in limits]

    @property
    def mean(self) -> float:
        """The mean, 0 if there are no times."""
        return self.total / self.count if self.count else 0.0

    def to_wire(self) -> list[Any]:
        """As lists of numbers."""
        pairs = [list(pair) for pair in self.buckets.items()]
        return [self.count, self.total, self.longest, self.shortest, pairs]

    @classmethod
    def from_wire(cls, wire: list[Any]) -> Histogram:
        """What ``to_wire`` made."""
        histogram = cls()
        histogram.count, histogram.total, histogram.longest, histogram.shortest, pairs = wire
        histogram.buckets = dict(pairs)
        return histogram

    def cdf(self) -> list[list[float]]:
        """
        The cumulative distribution: ``[[milliseconds, share of the times up to it], ...]``.

        Eight buckets are one point, so that a decade has about 27 of them.
        """
        counts: dict[int, int] = {}
        for bucket, count in sorted(self.buckets.items()):
            counts[bucket // _CDF_WIDTH] = counts.get(bucket // _CDF_WIDTH, 0) + count
        ends = (_UNIT * 2 ** ((group + 1) * _CDF_WIDTH / _PER_OCTAVE) for group in counts)
        sums = accumulate(counts.values())
        return [
            [_ms(min(end, self.longest)), round(sum_ / self.count, 6)]
            for end, sum_ in zip(ends, sums, strict=True)
        ]

    def summary(self, *percents: int) -> dict[str, float]:
        """Milliseconds: ``{"p50": ..., "max": ...}``."""
        found = {f"p{percent}": _ms(self.percentile(percent)) for percent in percents}
        return {**found, "max": _ms(self.longest)}


def _ms(seconds: float) -> float:
    return round(seconds * 1000, 3)
