"""Waiting for what comes true at last, however busy the machine is."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

T = TypeVar("T")


def wait_until(
    condition: Callable[[], T | None], instead: Callable[[], str] = str, seconds: float = 120
) -> T:
    """
    What a condition returns when it comes true.

    Args:
        condition: asked again and again.
        instead: what there is instead, for the message of a test that has waited in vain.
        seconds: until that; it ends only a test that hangs.
    """
    deadline = time.monotonic() + seconds
    while not (found := condition()):
        assert time.monotonic() < deadline, f"it never came true: {instead()}"
        time.sleep(0.02)
    return found
