"""Times are counted alike in Python and in C."""

from __future__ import annotations

from math import inf, log, nan, nextafter
from typing import Any

import pytest
from helpers.compiled_counting import in_c
from hypothesis import given
from hypothesis import strategies as st
from locust.stats import bucket_response_time

from caretaker.stats.counting import IN_PYTHON, Counting, counting_of

SCALES = [per_octave / log(2) for per_octave in (16, 64)]
SECONDS = st.one_of(
    st.floats(0, 1e-5),
    st.floats(0, 0.2),
    st.floats(0, 1e12),
    st.floats(-1, 0),
    st.integers(0, 100_000),
    # Where rounding and buckets change.
    st.integers(0, 100_000).map(lambda number: (number + 0.5) / 1000),
    st.integers(0, 900).map(lambda octaves: 1e-6 * 2 ** (octaves / 16)),
    st.sampled_from([1e-6, nextafter(1e-6, 1), nextafter(0.1, 0), 0.1, 0.0995]),
)
TIMES = st.lists(SECONDS, min_size=1, max_size=300)


@pytest.fixture(params=["Python", "C"])
def counting(request: pytest.FixtureRequest) -> Counting:
    """Each of both."""
    return IN_PYTHON if request.param == "Python" else in_c()


@given(st.lists(TIMES, min_size=1, max_size=3), st.sampled_from(SCALES))
def test_both_count_the_same_in_buckets(batches: list[list[float]], scale: float) -> None:
    ours: dict[int, int] = {}
    cs: dict[int, int] = {}
    for times in batches:
        total, *ends = IN_PYTHON.count_times(ours, times, scale)
        sum_, *others = in_c().count_times(cs, tuple(times), scale)
        assert ends == others
        assert sum_ == pytest.approx(total)
    assert cs == ours


@given(st.lists(TIMES, min_size=1, max_size=3))
def test_both_round_as_locust_does(batches: list[list[float]]) -> None:
    ours: dict[int, int] = {}
    cs: dict[int, int] = {}
    for times in batches:
        total, *ends = IN_PYTHON.count_milliseconds(ours, times, bucket_response_time)
        sum_, *others = in_c().count_milliseconds(cs, times, bucket_response_time)
        assert ends == others
        assert sum_ == pytest.approx(total)
    assert cs == ours


def test_a_time_that_is_no_number_is_in_the_first_bucket(counting: Counting) -> None:
    buckets: dict[int, int] = {}
    counting.count_times(buckets, [nan], 1.0)
    assert buckets == {0: 1}


def test_an_infinite_time_is_an_error(counting: Counting) -> None:
    with pytest.raises(OverflowError):
        counting.count_times({}, [1.0, inf], 1.0)


@pytest.mark.parametrize(
    "arguments",
    [(), ({}, [1.0]), ([], [1.0], 1.0), ({}, 1.0, 1.0), ({}, ["1"], 1.0), ({}, [1], "")],
)
def test_wrong_arguments_are_errors_in_c(arguments: tuple[Any, ...]) -> None:
    with pytest.raises(TypeError):
        in_c().count_times(*arguments)
    with pytest.raises(TypeError):
        in_c().count_milliseconds(*arguments)


def test_an_error_of_the_rounding_function_is_passed_on(counting: Counting) -> None:
    def broken(_: float) -> int:
        raise ArithmeticError

    with pytest.raises(ArithmeticError):
        counting.count_milliseconds({}, [1000.0], broken)


def test_what_counts_the_times_may_shorten_them() -> None:
    times = [1.0] * 10

    def shortening(_: float) -> int:
        times.clear()
        return 1

    counts: dict[int, int] = {}
    in_c().count_milliseconds(counts, times, shortening)
    assert counts == {1: 1}


def test_without_the_module_times_are_counted_in_python() -> None:
    assert counting_of(None) is IN_PYTHON
