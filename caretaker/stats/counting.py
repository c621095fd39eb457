"""
Many times into buckets at once, by C where a wheel was compiled with it (decision 0043).

Elsewhere the same is done in Python, and counts the same.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from math import log
from types import ModuleType
from typing import NamedTuple

from caretaker.c_parts import COUNTING, c_part

Extent = tuple[float, float, float]
"""The sum of some times, the shortest and the longest."""


def counted_times(buckets: dict[int, int], times: Sequence[float], scale: float) -> Extent:
    """
    Count times in logarithmic buckets; those up to a microsecond are in bucket 0.

    Args:
        buckets: how many times there are, by the number of their bucket.
        times: seconds, at least one.
        scale: the buckets from a time to e times the time.
    """
    for seconds in times:
        bucket = int(log(seconds * 1e6) * scale) if seconds > 1e-6 else 0
        buckets[bucket] = buckets.get(bucket, 0) + 1
    return sum(times), min(times), max(times)


def counted_milliseconds(
    counts: dict[int, int], times: Sequence[float], rounded: Callable[[float], int]
) -> Extent:
    """
    Count times by what they are rounded to; all results are in milliseconds.

    Args:
        counts: how many times there are, by what they are rounded to.
        times: seconds, at least one.
        rounded: rounds milliseconds. Of less than 100 C does not ask it, but rounds to whole ones.
    """
    milliseconds = [seconds * 1000 for seconds in times]
    for key, number in Counter(map(rounded, milliseconds)).items():
        counts[key] = counts.get(key, 0) + number
    return sum(milliseconds), min(milliseconds), max(milliseconds)


class Counting(NamedTuple):
    """Both functions, of one kind."""

    count_times: Callable[[dict[int, int], Sequence[float], float], Extent]
    count_milliseconds: Callable[[dict[int, int], Sequence[float], Callable[[float], int]], Extent]


IN_PYTHON = Counting(counted_times, counted_milliseconds)


def counting_module() -> ModuleType | None:
    """The module in C; None where there is none."""
    return c_part(COUNTING)


def counting_of(module: ModuleType | None) -> Counting:
    """The functions of the module in C, or those in Python."""
    if module is None:
        return IN_PYTHON
    return Counting(module.count_times, module.count_milliseconds)


count_times, count_milliseconds = counting_of(counting_module())
