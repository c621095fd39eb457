"""What all errors have."""

from __future__ import annotations

import pytest

from caretaker.errors import InputError, one_line


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("a b: No such file", "a b: No such file"),
        ("a\nb\t\x1b[2J\u2028c", "a\\nb\\t\\x1b[2J\\u2028c"),
        ("é ٣", "é ٣"),
    ],
)
def test_a_complaint_is_one_line_whatever_name_stands_in_it(text: str, line: str) -> None:
    assert str(InputError(text)) == one_line(text) == line


def test_a_long_name_leaves_flag_and_cure() -> None:
    line = str(InputError(f"--devices: {'x' * 5000}: no such file; give another"))
    assert len(line) < 1100
    assert line.startswith("--devices: xxx")
    assert line.endswith("no such file; give another")
