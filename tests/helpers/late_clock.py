"""A clock by which all deadlines pass when a test says so, and no others."""

from __future__ import annotations

import time

_LATER = 1e6
"""Seconds: more than any timeout of a test."""


class LateClock:
    """
    The time; while it is late, each look at it is past all deadlines that were set before.

    So a timeout that ends only a test that hangs is over at once where a test wants that.
    """

    def __init__(self) -> None:
        self.is_late = False
        self._late = 0.0

    def __call__(self) -> float:
        """Seconds, as ``time.monotonic`` has them, and more."""
        self._late = self._late + _LATER if self.is_late else 0.0
        return time.monotonic() + self._late
