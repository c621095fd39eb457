"""
Ctrl-C, SIGTERM and SIGHUP before a run: one line, and no process is left.

Python raises KeyboardInterrupt in whatever is imported then, and Locust leaves workers that it has
forked alone. Once a run may begin, ``locust_hooks`` and Locust have handlers of their own.
"""

from __future__ import annotations

import os
import signal
import sys
import threading
from functools import partial
from typing import NoReturn

STARTER = int(os.environ.pop("CARETAKER_STARTER", os.getppid()))
"""The process that has started this one: ``scripts/loadtest`` says what its parent was."""
_IS_IN_BACKGROUND = signal.SIG_IGN in map(signal.getsignal, (signal.SIGINT, signal.SIGHUP))
"""A script's shell has what it starts with ``&`` ignore SIGINT, and ``nohup`` SIGHUP."""


def outlives_its_starter() -> bool:
    """Whether this process was started to go on alone: by ``nohup``, ``setsid``, a script's &."""
    return _IS_IN_BACKGROUND or os.getsid(0) == os.getpid()


def end_at_signals() -> None:
    """End this process at SIGINT, SIGTERM and SIGHUP, until others handle them."""
    if threading.current_thread() is threading.main_thread():
        for signum in (signal.SIGINT, signal.SIGTERM, *hang_up()):
            signal.signal(signum, partial(end_before_run, os.getpid()))


def hang_up() -> list[signal.Signals]:
    """SIGHUP, which tells that the terminal was closed; not below ``nohup``, which ignores it."""
    return [] if signal.getsignal(signal.SIGHUP) is signal.SIG_IGN else [signal.SIGHUP]


def end_before_run(first: int, signum: int, _frame: object = None) -> NoReturn:
    """
    End with all processes that this one has started, and one line.

    Args:
        first: the process that tells so; those that it forked inherit its handlers.
        signum: the signal.
    """
    import psutil  # noqa: PLC0415  # begins before anything heavy is imported

    if os.getpid() != first:
        os._exit(1)  # Locust complains of the exit codes of workers above 1
    print("caretaker: interrupted before a run began", file=sys.stderr, flush=True)
    for child in psutil.Process().children():
        child.terminate()
    os._exit(128 + signum)
