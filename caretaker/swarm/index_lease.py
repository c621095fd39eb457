"""The worker's side of the ledger: indices for the CPEs of its users."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Iterable

import gevent
from gevent.event import Event

from caretaker.index_set import IndexSet, Ranges

RETURN_SECONDS = 0.25
"""How long indices that go back are collected, so that thousands of users need few messages."""


class _Waiter:
    """A user that waits for its indices."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.ranges: Ranges = []
        self.served = Event()


class IndexLease:
    """
    What a worker holds of the fleet's indices.

    Users start by the hundred; what they need is asked for in one message, and so is what they
    give back.

    Args:
        send: a message to the master: how many indices are wanted, and which are returned.
    """

    def __init__(self, send: Callable[[int, Ranges], None]) -> None:
        self.held = IndexSet()
        self._send = send
        self._spare = IndexSet()  # granted, but not taken by a user yet
        self._waiting: deque[_Waiter] = deque()
        self._returned = IndexSet()
        self._wanted = 0
        self._planned = False
        self._timer: gevent.Greenlet[..., None] | None = None

    def take(self, count: int) -> Ranges:
        """That many indices; waits for the master's grant."""
        waiter = _Waiter(count)
        self._waiting.append(waiter)
        self._wanted += count
        self._plan()
        try:
            waiter.served.wait()
        except BaseException:  # the user was stopped while it waited
            self._abandon(waiter)
            raise
        return waiter.ranges

    def give_back(self, ranges: Iterable[tuple[int, int]]) -> None:
        """These are not used any more."""
        for start, stop in ranges:
            self.held.discard(start, stop)
            self._returned.add(start, stop)
        self._plan(RETURN_SECONDS if self.held else 0.0)

    def granted(self, ranges: Iterable[tuple[int, int]]) -> None:
        """The master's grant has come."""
        for start, stop in ranges:
            self._spare.add(start, stop)
        while self._waiting and len(self._spare) >= self._waiting[0].count:
            waiter = self._waiting.popleft()
            waiter.ranges = self._spare.take(waiter.count)
            for start, stop in waiter.ranges:
                self.held.add(start, stop)
            waiter.served.set()
        if not self._waiting and self._spare:
            self._return_spare()

    def _abandon(self, waiter: _Waiter) -> None:
        if waiter.served.is_set():
            self.give_back(waiter.ranges)
        else:
            self._waiting.remove(waiter)

    def _return_spare(self) -> None:
        for start, stop in self._spare.ranges:
            self._returned.add(start, stop)
        self._spare = IndexSet()
        self._plan()

    def _plan(self, seconds: float = 0.0) -> None:
        """Send when this turn of the loop is over, so that all users of it are in the message."""
        if seconds and self._timer is None:
            self._timer = gevent.spawn_later(seconds, self._flush)
        elif not seconds and not self._planned:
            self._planned = True
            gevent.spawn(self._flush)

    def _flush(self) -> None:
        self._planned, self._timer = False, None
        wanted, self._wanted = self._wanted, 0
        returned, self._returned = self._returned.ranges, IndexSet()
        if wanted or returned:
            self._send(wanted, returned)
