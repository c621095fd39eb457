"""
A gevent loop for callers that have none: plain Python programs and Jupyter kernels.

Servers and fleets need a running gevent loop. Locust patches the process, so there is one. In other
processes ``Loop`` runs one in a thread of its own, and nothing has to be patched.
"""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Callable
from concurrent.futures import Future
from typing import Any, TypeVar

import gevent
import gevent.event
import gevent.hub
import gevent.monkey

_T = TypeVar("_T")


class Loop:
    """
    Runs functions as greenlets: in this thread's gevent loop, or in a thread of its own.

    A process that is not monkey-patched gets the thread. ``call`` then waits for the loop as for
    any other thread.
    """

    def __init__(self) -> None:
        self._thread: threading.Thread | None = None
        self._inbox: deque[Callable[[], None]] = deque()
        self._wake: Any = None

    def start(self) -> None:
        """Start the thread, if the process needs one and none runs."""
        if gevent.monkey.is_module_patched("socket") or self._thread is not None:
            return
        ready: Future[None] = Future()
        self._thread = threading.Thread(target=self._run, args=(ready,), daemon=True)
        self._thread.start()
        ready.result()

    def _run(self, ready: Future[None]) -> None:
        hub = gevent.hub.get_hub()
        stopped = gevent.event.Event()
        # A started watcher also keeps the loop running while it has nothing to do.
        self._wake = hub.loop.async_()
        self._wake.start(self._empty_inbox, stopped)
        ready.set_result(None)
        stopped.wait()
        self._wake.close()
        hub.destroy(destroy_loop=True)

    def _empty_inbox(self, stopped: gevent.event.Event) -> None:
        while self._inbox:
            function = self._inbox.popleft()
            if function is _STOP:
                stopped.set()
            else:
                gevent.spawn(function)

    def _post(self, function: Callable[[], None]) -> None:
        self._inbox.append(function)
        self._wake.send()

    def call(self, function: Callable[..., _T], *args: Any) -> _T:
        """Run a function in the loop; return its result, or raise its error."""
        if self._thread is None or threading.current_thread() is self._thread:
            return function(*args)
        future: Future[_T] = Future()

        def run() -> None:
            try:
                future.set_result(function(*args))
            except BaseException as error:  # noqa: BLE001  # raised again in the caller
                future.set_exception(error)

        self._post(run)
        return future.result()

    def stop(self) -> None:
        """End the thread; greenlets that still run in it are dropped."""
        if self._thread is None:
            return
        self._post(_STOP)
        self._thread.join()
        self._thread = None


def _STOP() -> None:  # noqa: N802  # a marker, compared by identity
    """Tell the loop to end."""
