"""What tests have begun, which ends with them wherever it was made."""

from __future__ import annotations

from collections.abc import Callable

_ENDS: list[Callable[[], object]] = []


def at_end(end: Callable[[], object]) -> None:
    """Call this at the end of the test, also if it fails."""
    _ENDS.append(end)


def end_all() -> None:
    """End what the test has begun."""
    while _ENDS:
        _ENDS.pop()()
