"""JSON that operators post, within limits, and numbers in query strings."""

from __future__ import annotations

import json
from math import isfinite
from typing import Any

from caretaker.errors import InputError
from caretaker.plain_numbers import is_digits

MAX_DEPTH = 32
"""How deeply a query or task may be nested; a task needs four levels."""
MAX_DIGITS = 100
"""Characters of a number in a query or task."""
MAX_COUNT = 10**9
"""Of devices, in ``limit`` and ``skip``."""
_TOO_DEEP = f"nested more than {MAX_DEPTH} levels deep"


def parse_json(text: str | bytes, name: str) -> Any:
    """
    The value of a JSON text.

    Args:
        text: as posted.
        name: what it is, for errors.

    Raises:
        InputError: it is not JSON, or beyond the limits.
    """
    try:
        value = json.loads(
            text, parse_int=_whole, parse_float=_decimal, parse_constant=_no_constant
        )
    except ValueError as error:
        raise InputError(f"{name}: not JSON ({error})") from error
    except RecursionError as error:
        raise InputError(f"{name}: {_TOO_DEEP}") from error
    if _depth(value) > MAX_DEPTH:
        raise InputError(f"{name}: {_TOO_DEEP}")
    return value


def parse_object(text: str | bytes, name: str) -> dict[str, Any]:
    """The same of a JSON object; anything else is an InputError, too."""
    value = parse_json(text, name)
    if not isinstance(value, dict):
        raise InputError(f"{name}: must be a JSON object")
    return value


def parse_count(text: str, name: str) -> int:
    """
    A number from 0 on; 0 of an empty text.

    Raises:
        InputError: it is none.
    """
    if text and not (is_digits(text) and len(text) <= MAX_DIGITS):
        raise InputError(f"{name}: not a number from 0 on")
    return min(int(text or "0"), MAX_COUNT)


def _whole(digits: str) -> int:
    if len(digits) > MAX_DIGITS:
        raise ValueError(f"a number of more than {MAX_DIGITS} digits")
    return int(digits)


def _decimal(digits: str) -> float:
    number = float(digits)
    if len(digits) > MAX_DIGITS or not isfinite(number):
        raise ValueError("a number that is too large")
    return number


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is no number")


def _depth(value: Any) -> int:
    """How deeply objects and arrays are nested."""
    depth, level = 0, [value]
    while level:
        inner = [part for part in level if isinstance(part, dict | list)]
        level = [
            each for part in inner for each in (part.values() if isinstance(part, dict) else part)
        ]
        depth += bool(inner)
    return depth
