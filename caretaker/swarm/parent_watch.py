"""
A forked worker ends when its master has ended, whatever its own loop is busy with.

A worker hears by message that its master has gone. Where its loop does not turn any more, as in
swap, it hears nothing; so a thread looks, which needs no turn of the loop.
"""

from __future__ import annotations

import os

from gevent import monkey

INTERVAL = 1.0
"""Seconds between two looks."""
PATIENCE = 60.0
"""Seconds that a worker has to end by itself: longer than the last snapshot may take."""


def end_with_parent() -> None:
    """End this process when the process that forked it has been gone for ``PATIENCE``."""
    start = monkey.get_original("_thread", "start_new_thread")
    start(_watch, (os.getppid(), monkey.get_original("time", "sleep")))


def _watch(parent: int, sleep: object) -> None:
    assert callable(sleep)
    while os.getppid() == parent:
        sleep(INTERVAL)
    sleep(PATIENCE)
    os._exit(1)
