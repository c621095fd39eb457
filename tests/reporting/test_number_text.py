"""Numbers as text."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.reporting.number_text import exact, readable, with_unit


@pytest.mark.parametrize(
    ("value", "unit", "expected"),
    [
        (None, "ms", "-"),
        (1234567, "", "1,234,567"),
        (0.105, "ms", "0.105 ms"),
        (68.809, "ms", "68.81 ms"),
        (999.94, "ms", "999.9 ms"),
        (1226.88, "ms", "1.23 s"),
        (0.1473, "ratio", "14.73 %"),
        (1.0, "ratio", "100 %"),
        (60.08, "/s", "60.08/s"),
        (12345.6, "", "12,346"),
        (float("inf"), "ms", "inf"),
        (float("nan"), "", "nan"),
        ("odd", "ms", "odd"),
        (True, "", "True"),
    ],
)
def test_numbers_are_shown_as_people_read_them(value: Any, unit: str, expected: str) -> None:
    assert readable(value, unit) == expected


@given(st.floats(allow_nan=False, allow_infinity=False))
def test_a_number_is_written_exactly(number: float) -> None:
    assert float(exact(number)) == number


@pytest.mark.parametrize(
    ("number", "unit", "text"),
    [
        (None, "ms", "-"),
        (0.5, "ms", "0.5 ms"),
        (0.001, "ratio", "0.001"),
        (3, "", "3"),
        (12345678, "", "12345678"),
        (1.23456789, "/s", "1.23457 /s"),
    ],
)
def test_a_number_is_shown_with_its_unit(number: float | None, unit: str, text: str) -> None:
    assert with_unit(number, unit) == text
