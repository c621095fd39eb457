"""One timer in the loop for many due times: it fires at the earliest."""

from __future__ import annotations

from collections.abc import Callable
from math import inf
from typing import Any

import gevent


class Timer:
    """
    Calls a function at the earliest of the times that it was set to.

    Args:
        clock: seconds, going forward.
        act: the function; it runs in the loop itself and must not wait.
    """

    def __init__(self, clock: Callable[[], float], act: Callable[[], None]) -> None:
        self._clock = clock
        self._act = act
        self._at = inf
        self._timer: Any = None

    def set(self, at: float) -> None:
        """Call at this time, on the same clock, unless an earlier call is already set."""
        if at >= self._at:
            return
        self.stop()
        self._at = at
        self._timer = gevent.get_hub().loop.timer(max(0.0, at - self._clock()))
        self._timer.start(self._fire, update=True)

    def _fire(self) -> None:
        self.stop()
        self._act()

    def stop(self) -> None:
        """Forget the time that was set."""
        self._at = inf
        if self._timer is not None:
            self._timer.close()
            self._timer = None
