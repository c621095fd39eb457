"""Histograms: percentiles of many times, exact in their sums, the same over the wire."""

from __future__ import annotations

import json
from math import ceil

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.stats.histogram import CoarseHistogram, Histogram

TIMES = st.lists(st.floats(1e-6, 5000), min_size=1, max_size=200)


def histogram(times: list[float]) -> Histogram:
    made = Histogram()
    for seconds in times:
        made.add(seconds)
    return made


@given(TIMES, st.sampled_from([1, 50, 95, 99, 100]))
def test_percentiles_are_within_two_percent(times: list[float], percent: int) -> None:
    exact = sorted(times)[ceil(len(times) * percent / 100) - 1]
    assert histogram(times).percentile(percent) == pytest.approx(exact, rel=0.02)


@given(TIMES, TIMES)
def test_merged_histograms_are_those_of_all_times(one: list[float], other: list[float]) -> None:
    merged = histogram(one)
    merged.merge(histogram(other))
    both = histogram(one + other)
    assert (merged.buckets, merged.count, merged.longest, merged.shortest) == (
        both.buckets,
        both.count,
        both.longest,
        both.shortest,
    )
    assert merged.total == pytest.approx(both.total)


@given(TIMES)
def test_a_histogram_survives_the_wire(times: list[float]) -> None:
    made = histogram(times)
    again = Histogram.from_wire(json.loads(json.dumps(made.to_wire())))
    assert made.summary(50, 99) == again.summary(50, 99)
    assert made.total == pytest.approx(sum(times))


def test_a_histogram_of_nothing_has_no_data() -> None:
    empty = Histogram()
    empty.merge(Histogram())
    assert empty.summary(50) == {"p50": None, "max": None}


def test_times_below_a_microsecond_count() -> None:
    made = histogram([0.0, 1e-9])
    assert (made.count, made.percentile(99)) == (2, 1e-9)


@given(st.lists(st.floats(0, 500), min_size=1), st.integers(1, 100))
def test_coarse_percentiles_are_within_the_width_of_a_bucket(
    seconds: list[float], percent: int
) -> None:
    times = CoarseHistogram()
    for second in seconds:
        times.add(second)
    (percentile,) = CoarseHistogram.from_wire(times.to_wire()).percentiles([percent])
    true = sorted(seconds)[max(0, -(-len(seconds) * percent // 100) - 1)]
    assert percentile == pytest.approx(true, rel=0.03, abs=2e-6)


def test_a_coarse_histogram_of_nothing_has_no_data() -> None:
    assert CoarseHistogram().percentiles([50, 99]) == [None, None]


@given(TIMES, TIMES)
def test_the_difference_to_an_earlier_time_is_what_was_added(
    before: list[float], after: list[float]
) -> None:
    earlier, now = histogram(before), histogram(before + after)
    added = now.since(earlier)
    assert (added.buckets, added.count) == (histogram(after).buckets, len(after))
    made = histogram(after)
    assert added.longest == pytest.approx(made.longest, rel=0.012)
    assert added.shortest == pytest.approx(made.shortest, rel=0.012)
    assert added.total == pytest.approx(sum(after), rel=1e-3, abs=1e-3)


@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=50))
def test_the_distribution_grows_to_one_and_agrees_with_the_percentiles(times: list[float]) -> None:
    histogram = Histogram()
    for seconds in times:
        histogram.add(seconds)
    pairs = histogram.cdf()
    assert pairs == sorted(pairs)
    assert pairs[-1] == [round(max(times) * 1000, 3), 1.0]
    for ms, share in pairs:
        exact = sum(seconds * 1000 <= ms * 1.02 + 0.001 for seconds in times) / len(times)
        assert share <= exact + 1e-6


def test_the_distribution_of_nothing_is_empty() -> None:
    assert Histogram().cdf() == []


@given(TIMES)
def test_how_many_times_are_at_most_so_long(times: list[float]) -> None:
    below, above = min(times) * 0.5, max(times) * 1.02
    assert histogram(times).at_most([below, above]) == [0, len(times)]
