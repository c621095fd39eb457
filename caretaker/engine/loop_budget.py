"""A limit of the time that a turn of the loop takes (decision 0011)."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

import gevent
from gevent.hub import Waiter

TURN_SECONDS = 0.005
"""No answer is begun in a turn of the loop that has lasted this long."""


class LoopBudget:
    """
    Spreads long work over turns of the loop, so that each turn is short.

    An answer with a whole data model takes some milliseconds. When the requests of many CPEs
    arrive together, all their answers would be made in one turn, and Connection Requests, timers
    and heartbeats would wait for the last of them. So a turn has as many as fit into
    ``TURN_SECONDS``, and one at least.

    Args:
        share: which part of ``TURN_SECONDS`` may be used; less than 1 leaves time for other work.
    """

    def __init__(self, share: float = 1.0) -> None:
        self._share = share
        self._began = time.perf_counter()
        self._waiting: deque[Waiter[None]] = deque()
        loop: Any = gevent.get_hub().loop
        self._watcher = loop.check(ref=False)
        self._watcher.start(self._turn)
        self._idle = loop.idle()
        self._stopped = False

    def _turn(self) -> None:
        self._began = time.perf_counter()
        if not self._waiting:
            return
        self._waiting.popleft().switch(None)
        while self._waiting and self._has_time():
            self._waiting.popleft().switch(None)
        if not self._waiting:
            self._idle.stop()

    def _has_time(self) -> bool:
        return time.perf_counter() - self._began < TURN_SECONDS * self._share

    def wait(self) -> None:
        """Return at once, or in a later turn if this one has no time left."""
        if self._stopped or self._has_time():
            return
        waiter: Waiter[None] = Waiter()
        if not self._waiting:
            self._idle.start(_nothing)  # the next turn begins without an event
        self._waiting.append(waiter)
        waiter.get()

    def stop(self) -> None:
        """Limit nothing any more; all that wait go on."""
        self._stopped = True
        self._watcher.stop()
        self._idle.stop()
        while self._waiting:
            gevent.get_hub().loop.run_callback(self._waiting.popleft().switch, None)


def _nothing() -> None:
    pass
