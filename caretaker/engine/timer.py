"""One timer in the loop for many due times: it rings at the earliest."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import gevent


class Timer:
    """
    Calls a function in the loop at the earliest of the times it was set to.

    Args:
        clock: seconds, going forward, which the times are of.
        act: the function; it must not wait.
    """

    def __init__(self, clock: Callable[[], float], act: Callable[[], None]) -> None:
        self._clock = clock
        self._act = act
        self._at = inf
        self._timer: Any = None

    def set(self, at: float) -> None:
        """Call at this time, unless it is set to an earlier one."""
        if at >= self._at:
            return
        self.stop()
        self._at = at
        self._timer = gevent.get_hub().loop.timer(max(0.0, at - self._clock()))
        self._timer.start(self._ring, update=True)

    def _ring(self) -> None:
        self.stop()
        self._act()

    def stop(self) -> None:
        """Call no more."""
        self._at = inf
        if self._timer is not None:
            self._timer.close()
            self._timer = None
