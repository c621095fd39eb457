"""Paths of rows, and those in which ``*`` is any instance number (profile files)."""

from __future__ import annotations

import re

from caretaker.plain_numbers import is_digits

_INSTANCE = re.compile(r"(?<=\.)[0-9]+(?=\.|$)")


def last_of(path: str) -> str:
    """The last name in a path: of a row, its instance number."""
    return path.rstrip(".").rpartition(".")[2]


def is_row(path: str) -> bool:
    """Whether the last name in a path is an instance number; other scripts' digits are none."""
    return is_digits(last_of(path))


def shape(path: str) -> str:
    """A path with ``*`` for each instance number; it can only match paths of the same shape."""
    return _INSTANCE.sub("*", path)


def pattern(path: str) -> re.Pattern[str]:
    """The regular expression of a path with ``*`` for instance numbers."""
    return re.compile(re.escape(path).replace(r"\*", "[0-9]+"))
