"""
Signals and a lost starter before a run: one line, and no process is left.

Python raises KeyboardInterrupt in whatever is imported then, and Locust leaves workers that it has
forked alone. Once a run may begin, ``locust_hooks`` and Locust have handlers of their own.
"""

from __future__ import annotations

import atexit
import os
import signal
import sys
import threading
from contextlib import suppress
from functools import partial
from typing import NoReturn

STARTER = int(os.environ.pop("CARETAKER_STARTER", os.getppid()))
"""The process that has started this one: ``scripts/loadtest`` says what its parent was."""
LOOK_SECONDS = 0.25
"""How often a process looks for its starter before a run."""
_IS_IN_BACKGROUND = signal.SIG_IGN in map(signal.getsignal, (signal.SIGINT, signal.SIGHUP))
"""A script's shell has what it starts with ``&`` ignore SIGINT, and ``nohup`` SIGHUP."""


def outlives_its_starter() -> bool:
    """Whether this process was started to go on alone: by ``nohup``, ``setsid``, a script's &."""
    return _IS_IN_BACKGROUND or os.getsid(0) == os.getpid()


def end_with_starter() -> None:
    """Until a run may begin, end this process when the one that has started it has ended."""
    if not outlives_its_starter():
        signal.signal(signal.SIGALRM, partial(_look_for_starter, os.getpid()))
        signal.setitimer(signal.ITIMER_REAL, LOOK_SECONDS, LOOK_SECONDS)
        atexit.register(leave_starter_to_others)  # later Python would die of the signal


def leave_starter_to_others() -> None:
    """A run may begin now, and ``ParentWatch`` looks."""
    signal.setitimer(signal.ITIMER_REAL, 0.0)


def _look_for_starter(first: int, *_: object) -> None:
    if os.getpid() == first and os.getppid() != STARTER:
        leave_starter_to_others()  # a busy machine may need longer than until the next look
        _end(1, f"process {first} ends: its starter (process {STARTER}) has ended")


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
    if os.getpid() != first:
        os._exit(1)  # Locust complains of the exit codes of workers above 1
    _end(128 + signum, "interrupted before a run began")


def _end(code: int, why: str) -> NoReturn:
    import psutil  # noqa: PLC0415  # begins before anything heavy is imported

    with suppress(OSError):  # the terminal may be gone
        print(f"caretaker: {why}", file=sys.stderr, flush=True)
    for child in psutil.Process().children():
        child.kill()  # one that is slow to end in order would say that this one has ended
    os._exit(code)
