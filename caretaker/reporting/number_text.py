"""Numbers as text: as people read them, with all their digits, or to be compared."""

from __future__ import annotations

from math import isfinite
from typing import Any

NO_DATA = "-"
"""Stands for a number that there is no data for, which is not 0."""


def readable(value: Any, unit: str = "") -> str:
    """
    A number as people read it: 1,234; 12.3 ms; 1.2 s; 4.5 %.

    Args:
        value: None for no data.
        unit: one of ``caretaker.reporting.metrics.UNITS``; a ratio is shown in percent.
    """
    if value is None:
        return NO_DATA
    if isinstance(value, bool) or not isinstance(value, int | float) or not isfinite(value):
        return str(value)
    if unit == "ms" and abs(value) >= 1000:
        value, unit = value / 1000, "s"
    if unit == "ratio":
        value, unit = value * 100, "%"
    return f"{_digits(value)}{'' if unit in ('', '/s') else ' '}{unit}"


def _digits(value: float) -> str:
    if value == int(value):
        return f"{int(value):,}"
    places = 0 if abs(value) >= 1000 else 1 if abs(value) >= 100 else 2 if abs(value) >= 1 else 3
    text = f"{value:,.{places}f}"
    return text.rstrip("0").rstrip(".") if "." in text and float(text.replace(",", "")) else text


def exact(number: float) -> str:
    """A number as text with all its digits, as levels and verdicts have it; ``1``, not ``1.0``."""
    is_whole = abs(number) < 1e15 and number == int(number)
    return str(int(number)) if is_whole else repr(number)


def with_unit(number: float | None, unit: str, sign: str = "") -> str:
    """A number with its unit; ratios need none. ``sign`` is ``+`` for a change."""
    if number is None:
        return NO_DATA
    digits = f"{number:{sign}.6g}" if abs(number) < 1e6 else f"{number:{sign}.0f}"
    return digits if unit in ("", "ratio") else f"{digits} {unit}"
