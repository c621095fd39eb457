"""A limit of what a server does in one turn of the loop."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

STEPS = 64
"""Connections that are read, and requests that are answered, in one turn of the loop."""


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
        if self._left <= 0 or self._waiting:
            return False
        self._left -= 1
        return True

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
        while self._waiting and self._left > 0:
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


def _nothing() -> None:
    pass
