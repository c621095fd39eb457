"""What becomes of a process whose parent dies: it ends, or goes on to end by itself."""

from __future__ import annotations

import ctypes
import signal
import sys

_PR_SET_PDEATHSIG = 1  # linux/prctl.h


def thaw_at_parent_death() -> None:
    """
    Have Linux send SIGCONT to this process when its parent dies; nothing on other systems.

    A process that was stopped would never learn otherwise that it is alone. Linux counts the thread
    that started this process as its parent, and a SIGCONT too many does no harm.
    """
    _signal_at_parent_death(signal.SIGCONT)


def end_at_parent_death() -> None:
    """Have Linux end this process when its parent dies; nothing on other systems."""
    _signal_at_parent_death(signal.SIGTERM)


def _signal_at_parent_death(number: signal.Signals) -> None:
    if sys.platform == "linux":
        ctypes.CDLL(None).prctl(_PR_SET_PDEATHSIG, int(number))
