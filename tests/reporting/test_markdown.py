"""Markdown for comments on pull requests."""

from __future__ import annotations

from caretaker.reporting.markdown import code, escaped, folded, table


def test_no_character_of_a_text_is_markup() -> None:
    assert escaped("a | *b*\n<c> @d") == "a \\| \\*b\\* &lt;c&gt; \\@d"
    assert code("`x`") == "<code>\\`x\\`</code>"


def test_a_table_has_its_numbers_to_the_right() -> None:
    assert table(("A", "B"), [("x", "1")]) == ["| A | B |", "| --- | ---: |", "| x | 1 |"]


def test_folded_lines_stand_behind_their_title() -> None:
    opened, *between, closed = folded("T", ["x"])
    assert (opened, closed) == ("<details><summary>T</summary>", "</details>")
    assert between == ["", "x", ""]
