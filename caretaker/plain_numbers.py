"""
Numbers that people and peers have written: in the digits 0 to 9.

``int`` and ``float`` read more: ``1_000``, the digits of other scripts, ``nan`` and ``infinity``.
Whatever comes from outside is read here, or is matched by a pattern of ``[0-9]`` before.
"""

from __future__ import annotations

import re
from collections.abc import Callable

from caretaker.errors import InputError

MAX_SHOWN = 80
"""Characters of what was given that an error shows."""
_DECIMAL = re.compile(r"[+-]?([0-9]{1,80}(\.[0-9]{0,80})?|\.[0-9]{1,80})([eE][+-]?[0-9]{1,3})?")
_WHOLE = re.compile(r"[+-]?[0-9]{1,20}")


def is_digits(text: str) -> bool:
    """Whether a text is one or more digits."""
    return text.isascii() and text.isdigit()


def decimal_number(text: str) -> float | None:
    """The number that a text is, which may have white space around it; None if it is none."""
    bare = text.strip()
    return float(bare) if _DECIMAL.fullmatch(bare) else None


def whole_number(text: str) -> int | None:
    """As ``decimal_number``, of at most 20 digits and nothing but them and a sign."""
    bare = text.strip()
    return int(bare) if _WHOLE.fullmatch(bare) else None


def decimal(least: float, most: float) -> Callable[[str], float]:
    """What reads numbers from ``least`` to ``most``; it raises InputError."""

    def parse(text: str) -> float:
        return in_range(decimal_number(text), text, least, most)

    return parse


def in_range(value: float | None, given: object, least: float, most: float) -> float:
    """
    The number that something is, if it is from ``least`` to ``most``.

    Raises:
        InputError: it is no number, so ``value`` is None, or not in this range.
    """
    if value is None:
        raise InputError(f"{shown(given)} is not a number")
    if not least <= value <= most:
        text = str(given)[:MAX_SHOWN]
        raise InputError(f"{text} must be a number from {least:g} to {most:g}")
    return value


def whole(least: int, most: int) -> Callable[[str], int]:
    """What reads whole numbers from ``least`` to ``most``; it raises InputError."""

    def parse(text: str) -> int:
        value = whole_number(text)
        if value is None or not least <= value <= most:
            raise InputError(f"{shown(text)} must be a whole number from {least} to {most}")
        return value

    return parse


port = whole(0, 65_535)
"""Reads a TCP or UDP port; 0 stands for any free one of this machine."""


def shown(given: object) -> str:
    """A text or value that was given, for a message of one line, however long it is."""
    if not isinstance(given, str):
        return repr(given)[:MAX_SHOWN]
    return repr(given) if len(given) <= MAX_SHOWN else f"{given[:MAX_SHOWN]!r}..."
