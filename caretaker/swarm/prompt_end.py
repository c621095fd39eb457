"""
The end of a process whose run can't go on: the terminal, the master or the starter is gone.

It ends in order if its loop can, so that files are closed and the master is told. But it ends soon,
whatever the loop is busy with: in swap it may not turn for minutes.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from contextlib import suppress
from typing import Any, NoReturn

import gevent
import psutil
from gevent import monkey

from caretaker.reporting.outcomes import EXIT_CODES, RunOutcome

SECONDS = 3.0
"""How long an end in order may take."""
EXIT_CODE = EXIT_CODES[RunOutcome.FAILED]


class PromptEnd:
    """Ends this process and those that it has forked; any thread may begin it."""

    def __init__(self) -> None:
        self._first = monkey.get_original("_thread", "allocate_lock")()
        self._start = monkey.get_original("_thread", "start_new_thread")
        self._sleep = monkey.get_original("time", "sleep")
        self._loop_watcher: Any = None

    def in_order(self, end: Callable[[], None]) -> None:
        """
        Have ``begin`` run this in the loop of the calling thread; before, it ends at once.

        Args:
            end: ends in order, in a greenlet of its own.
        """
        self._loop_watcher = gevent.get_hub().loop.async_()
        self._loop_watcher.start(gevent.spawn, end)

    @property
    def has_begun(self) -> bool:
        """Whether the end has begun."""
        return bool(self._first.locked())

    def begin(self, why: str) -> None:
        """Begin the end, unless it has begun; the reason is told in one line."""
        if not self._first.acquire(blocking=False):
            return
        self._start(self._end_late, ())  # first, as the line may block: a terminal can be held
        with suppress(OSError):  # the terminal may be gone
            os.write(2, f"caretaker: process {os.getpid()} ends: {why}\n".encode())
        if self._loop_watcher is None:
            end_now()
        self._loop_watcher.send()

    def _end_late(self) -> None:
        self._sleep(SECONDS)
        end_now()


def end_now() -> NoReturn:
    """End this process and those that it has forked, as they stand."""
    with suppress(psutil.Error):
        for child in psutil.Process().children():
            child.kill()
    os._exit(EXIT_CODE)
