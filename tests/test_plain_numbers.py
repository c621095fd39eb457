"""Numbers in texts are of the digits 0 to 9; what int() and float() read beside is none."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.errors import InputError
from caretaker.plain_numbers import (
    decimal,
    decimal_number,
    is_digits,
    port,
    whole,
    whole_number,
)

ODD = ["1_0", "\uff11", "1\u0663", "²", "nan", "inf", "-infinity", "0x10", "1e", ".", "", "-"]
"""Most are numbers to int() or float()."""


@pytest.mark.parametrize("text", ODD)
def test_what_only_python_reads_is_no_number(text: str) -> None:
    assert (decimal_number(text), whole_number(text), is_digits(text)) == (None, None, False)
    for read in (decimal(-10, 10), whole(-10, 10), port):
        with pytest.raises(InputError):
            read(text)


@pytest.mark.parametrize(
    ("text", "number"),
    [("1", 1.0), (" 2.50\n", 2.5), ("-.5", -0.5), ("3.", 3.0), ("+1e3", 1000.0), ("2E-1", 0.2)],
)
def test_a_decimal_number_has_a_point_a_sign_or_an_exponent(text: str, number: float) -> None:
    assert decimal_number(text) == number


@given(st.integers(-(10**20) + 1, 10**20 - 1))
def test_a_whole_number_is_read_as_it_is_written(number: int) -> None:
    assert whole_number(f" {number} ") == number
    assert is_digits(str(number)) == (number >= 0)


@given(st.floats(-1e70, 1e70))
def test_a_float_is_read_as_it_is_written(number: float) -> None:
    assert decimal_number(repr(number)) == number


@given(st.text(max_size=12))
def test_what_is_read_is_what_python_reads(text: str) -> None:
    found = decimal_number(text)
    assert found is None or found == float(text)


@pytest.mark.parametrize(("read", "text"), [(whole(1, 9), "10"), (decimal(1, 9), "0.99")])
def test_a_number_out_of_bounds_is_refused_with_them(read: type, text: str) -> None:
    with pytest.raises(InputError, match=f"{text}'? must be a (whole )?number from 1 to 9"):
        read(text)


def test_what_is_shown_of_a_long_text_is_short() -> None:
    with pytest.raises(InputError) as error:
        whole(0, 1)("9" * 100_000)
    assert len(str(error.value)) < 200
