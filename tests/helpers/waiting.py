"""Waiting for what comes true at last, however busy the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")
SHORTEST, LONGEST = 0.02, 0.2
"""Seconds between two questions."""

PATIENCE = 300.0
"""Seconds; it ends only a test that hangs: with fifteen times the load of the cores a run may take
a minute to begin."""


def wait_until(
    condition: Callable[[], T | None], instead: Callable[[], str] = str, seconds: float = PATIENCE
) -> T:
    """
    What a condition returns when it comes true.

    Args:
        condition: asked again and again, for a tenth of the time at most: who is asked, maybe
            another process, has better to do.
        instead: what there is instead, for the message of a test that has waited in vain.
        seconds: until that.
    """
    began = time.monotonic()
    deadline = began + seconds
    while not (found := condition()):
        ended = time.monotonic()
        assert ended < deadline, f"it never came true: {instead()}"
        time.sleep(min(max(SHORTEST, 9 * (ended - began)), LONGEST))
        began = time.monotonic()
    return found
