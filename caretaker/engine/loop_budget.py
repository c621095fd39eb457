"""How much one turn of the loop takes on: long answers are spread over turns (decision 0011)."""

from __future__ import annotations

import time
from collections import deque
from typing import Any

import gevent
from gevent.hub import Waiter

TURN_SECONDS = 0.005
"""After this long a turn of the loop takes on no further answer."""


class LoopBudget:
    """
    Keeps the turns of the loop short.

    Answering a read of a whole device takes some milliseconds. When the requests of many CPEs
    arrive together, all their answers would be made in one turn, and Connection Requests, timers
    and heartbeats wait for the last; so a turn has as many as fit into it, but one at least.

    Args:
        share: of a turn; less than 1 for what is to leave time for others.
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
        while self._waiting and self._is_young():
            self._waiting.popleft().switch(None)
        if not self._waiting:
            self._idle.stop()

    def _is_young(self) -> bool:
        return time.perf_counter() - self._began < TURN_SECONDS * self._share

    def wait(self) -> None:
        """Go on now, or in a later turn if this one has lasted long enough."""
        if self._stopped or self._is_young():
            return
        waiter: Waiter[None] = Waiter()
        if not self._waiting:
            self._idle.start(_nothing)  # or the loop would wait for something to happen
        self._waiting.append(waiter)
        waiter.get()

    def stop(self) -> None:
        """Watch no longer; who waits goes on."""
        self._stopped = True
        self._watcher.stop()
        self._idle.stop()
        while self._waiting:
            gevent.get_hub().loop.run_callback(self._waiting.popleft().switch, None)


def _nothing() -> None:
    pass
