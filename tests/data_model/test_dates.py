"""Dates of parameters, and times on a grid."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.data_model.dates import next_on_grid, seconds_of, utc


@given(st.integers(0, 4_000_000_000))
def test_a_date_that_was_written_is_read(wall: int) -> None:
    assert seconds_of(utc(wall)) == wall


@pytest.mark.parametrize("text", ["0001-01-01T00:00:00Z", "", "soon", "2030-13-01T00:00:00Z"])
def test_the_unknown_time_and_what_is_no_date_are_none(text: str) -> None:
    assert seconds_of(text) is None


def test_a_date_without_zone_is_utc() -> None:
    assert seconds_of("1970-01-01T00:00:05") == seconds_of("1970-01-01T01:00:05+01:00") == 5.0


@given(st.floats(-1e9, 1e9), st.floats(0.1, 1e6), st.floats(0, 4e9))
def test_the_next_time_on_the_grid_is_after_now_and_within_an_interval(
    start: float, interval: float, now: float
) -> None:
    due = next_on_grid(start, interval, now)
    assert now < due <= now + 2 * interval
