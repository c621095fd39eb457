"""A clock for tests: time passes only when a test says so."""

from __future__ import annotations

import gevent


class Clock:
    """
    A clock that stands still until it is moved.

    It is handed to whatever takes a ``clock`` (call it for the time) or a ``sleep``.

    Args:
        now: the first time it shows, in seconds; set ``now`` to move it to any other.
    """

    def __init__(self, now: float = 1000.0) -> None:
        self.now = now
        self.slept: list[float] = []
        """The seconds of every ``sleep``, in order."""

    def __call__(self) -> float:
        """The time in seconds."""
        return self.now

    def advance(self, seconds: float) -> None:
        """Let that many seconds pass."""
        self.now += seconds

    def sleep(self, seconds: float) -> None:
        """Let that many seconds pass, and other greenlets take their turn; never really wait."""
        self.slept.append(seconds)
        self.advance(seconds)
        gevent.sleep(0)
