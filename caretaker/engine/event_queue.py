"""The events of an I/O engine whose handling may have to wait for a turn of the loop."""

from __future__ import annotations

from collections import deque
from collections.abc import Callable
from typing import Any

import gevent
import gevent.event

from caretaker.http.io_engine import Progress


class EventQueue:
    """
    Events in their order, all handled in one greenlet.

    Args:
        handle: handles one; it must not raise.
    """

    def __init__(self, handle: Callable[[Any], None]) -> None:
        self._handle = handle
        self._events: deque[Any] = deque()
        self._has_events = gevent.event.Event()
        self._greenlet: Any = gevent.spawn(self._run)

    def put(self, event: Any) -> None:
        """Have an event handled soon."""
        self._events.append(event)
        self._has_events.set()

    def progress(self, token: int) -> Progress | None:
        """How far a connection was, as an event in the queue tells; None if none does."""
        told = ((*event[3:6], event[-1]) for event in self._events if event[1] == token)
        return next(told, None)

    def close(self) -> None:
        """Handle at once what is left."""
        self._greenlet.kill(block=False)
        while self._events:
            self._handle(self._events.popleft())

    def _run(self) -> None:
        while True:
            self._has_events.wait()
            self._has_events.clear()
            while self._events:
                self._handle(self._events.popleft())
