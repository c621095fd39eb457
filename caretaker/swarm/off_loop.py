"""Work of seconds in pure Python, beside the loop."""

from __future__ import annotations

import gc
from collections.abc import Callable
from typing import TypeVar

import gevent

from caretaker.errors import CaretakerError

_T = TypeVar("_T")

MANY_OBJECTS = 50_000
"""A collection that looks at so many new objects takes about 10 ms."""


def off_loop(function: Callable[[], _T]) -> _T:
    """
    Call a function in a thread and wait for its result, while the loop goes on.

    The thread and the loop take turns of 5 ms (``sys.getswitchinterval``), so sessions, heartbeats
    and renewals of leases are only slower meanwhile. A collection of garbage would hold both of
    them: there is none before the function ends, and later ones leave out what it has made, if
    that is much.

    Args:
        function: touches nothing that the loop uses.

    Raises:
        CaretakerError: the function has raised it.
    """
    is_collecting = gc.isenabled()
    gc.disable()
    try:
        pool = gevent.get_hub().threadpool
        outcome: _T | CaretakerError = pool.apply(_outcome, (function,))
    finally:
        if gc.get_count()[0] >= MANY_OBJECTS:
            gc.freeze()
        if is_collecting:
            gc.enable()
    if isinstance(outcome, CaretakerError):
        raise outcome
    return outcome


def _outcome(function: Callable[[], _T]) -> _T | CaretakerError:
    """What the function returns or raises: gevent prints what a thread raises."""
    try:
        return function()
    except CaretakerError as error:
        return error
