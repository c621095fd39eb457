"""Lines for a terminal."""

from __future__ import annotations

from caretaker.reporting.terminal import aligned, one_line


def test_a_text_stays_on_its_line_and_moves_no_cursor() -> None:
    assert one_line("a\nb\x1b[2Jc") == "a b [2Jc"


def test_columns_stand_below_each_other_and_numbers_to_the_right() -> None:
    rows = [("Run", "CPEs"), ("first", "5"), ("2nd", "")]
    assert aligned(rows, numbers=[1]) == ["Run    CPEs", "first     5", "2nd"]
