"""When a shard acts, and how much it takes on at a time: answers, Connection Requests."""

from __future__ import annotations

import time
from collections import Counter, deque
from collections.abc import Callable
from math import inf
from typing import Any

import gevent
from gevent.hub import Waiter

TURN_SECONDS = 0.005
"""After this long a turn of the loop takes on no further answer."""


class Pace:
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


class Alarm:
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


class RateLimit:
    """
    How many Connection Requests one CPE accepts (TR-069 3.2.2.2: the number is its own affair).

    Args:
        most: in each period; 0 for no limit.
        seconds: of a period.
    """

    def __init__(self, most: int = 50, seconds: float = 5.0) -> None:
        self._most = most
        self._seconds = seconds
        self._period = 0
        self._counts: Counter[int] = Counter()

    def allows(self, index: int, now: float) -> bool:
        """Whether this CPE accepts one more now; counts it."""
        if self._most == 0:
            return True
        period = int(now // self._seconds)
        if period != self._period:
            self._period = period
            self._counts.clear()
        self._counts[index] += 1
        return self._counts[index] <= self._most
