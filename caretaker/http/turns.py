"""A limit of what is done for sockets in one turn of the loop."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from time import perf_counter
from typing import Any

STEPS = 64
"""Connections that are read, and requests that are answered, in one turn of the loop."""
SECONDS = 0.005
"""For which sockets of clients are read in one turn of the loop."""


class Turns:
    """
    Spreads what is to be done over turns of the loop, each in its turn.

    The loop calls all sockets that are readable in one turn. In a flood these are thousands, and
    sessions and timers would wait for the last of them.

    Args:
        loop: gevent's.
    """

    def __init__(self, loop: Any) -> None:
        self._left = STEPS
        self._waiting: deque[Callable[[], object]] = deque()
        self._check = loop.check(ref=False)
        self._check.start(self._turn)
        self._idle = loop.idle()

    def take(self) -> bool:
        """Take one step of this turn; False if there is none left, or others wait for one."""
        if self._waiting or not self._has_room():
            return False
        self._left -= 1
        return True

    def _has_room(self) -> bool:
        return self._left > 0

    def spend(self) -> None:
        """Take one more step, as part of one that has begun."""
        self._left -= 1

    def wait(self, act: Callable[[], object]) -> None:
        """Do something in a later turn, after all that wait already."""
        if not self._waiting:
            self._idle.start(_nothing)  # the next turn begins without an event
        self._waiting.append(act)

    def _turn(self) -> None:
        self._left = STEPS
        if not self._waiting:
            return
        self._waiting.popleft()()  # one at least
        self._left -= 1
        while self._waiting and self._has_room():
            self._left -= 1
            self._waiting.popleft()()
        if not self._waiting:
            self._idle.stop()

    def stop(self) -> None:
        """Forget all that waits."""
        self._waiting.clear()
        for watcher in (self._check, self._idle):
            watcher.stop()
            watcher.close()


class TimedTurns(Turns):
    """
    As ``Turns``, with as many steps in a turn as begin within ``SECONDS``.

    For clients, whose steps take more or less time: a herd of CPEs has its answers at once, and
    one may come with a handshake of TLS.
    """

    def __init__(self, loop: Any) -> None:
        super().__init__(loop)
        self._end = perf_counter() + SECONDS

    def _has_room(self) -> bool:
        return perf_counter() < self._end

    def _turn(self) -> None:
        self._end = perf_counter() + SECONDS
        super()._turn()


def _nothing() -> None:
    pass
