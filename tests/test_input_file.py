"""Files that the user names."""

from __future__ import annotations

from pathlib import Path

import pytest

from caretaker.errors import InputError
from caretaker.input_file import read_input


def test_a_file_is_read_up_to_the_limit(tmp_path: Path) -> None:
    file = tmp_path / "a"
    file.write_bytes(b"123")
    assert read_input(str(file), 3) == b"123"


@pytest.mark.parametrize(
    ("name", "why"),
    [
        ("/nowhere", "/nowhere: No such file or directory"),
        ("/", "/: Is a directory"),
        ("/dev/zero", "/dev/zero: larger than 1 MiB"),
        ("a\0", "a\\x00: embedded null byte"),
    ],
)
def test_what_is_no_such_file_is_one_line(name: str, why: str) -> None:
    with pytest.raises(InputError) as raised:
        read_input(name, 2**20)
    assert str(raised.value) == why
