"""The I/O engine in gevent's loop, with sessions that say always the same."""

from __future__ import annotations

from time import monotonic

import gevent

from benchmarks.nginx import INFORM_RESPONSE
from benchmarks.processes import cpu_seconds
from caretaker.errors import InputError
from caretaker.http.io_engine import DONE, Event, IOEngine
from caretaker.http.sockets import Target
from fuzz.extensions import engine_module

_PATIENCE = 60.0


class EngineAlone:
    """
    Runs so many sessions at once, one after the other.

    Args:
        port: of the sink, on loopback.
        connections: sessions at once.
        inform: the request with the Inform, headers and all.
        empty: the request that follows.

    Raises:
        InputError: there is no engine here.
    """

    def __init__(self, *, port: int, connections: int, inform: str, empty: str) -> None:
        module = engine_module()
        if isinstance(module, str):
            raise InputError(f"I/O engine: {module}")
        self._engine = IOEngine(module, most=connections, timeout=_PATIENCE, handle=self._take)
        self._engine.know(INFORM_RESPONSE)
        self._target = Target(gevent.socket.AF_INET, ("127.0.0.1", port))
        self._inform, self._empty = inform.encode(), empty.encode()
        self._connections = connections
        self._is_running = False
        self._count = self._failed = 0

    def _take(self, events: list[Event]) -> None:
        for event in events:
            if event[0] == DONE:
                self._count += 1
            else:
                self._failed += 1
            if self._is_running:
                self._begin(event[1])

    def _begin(self, token: int) -> None:
        deadline = monotonic() + _PATIENCE
        self._engine.begin(token, self._target, self._inform, self._empty, deadline)

    def measure(self, seconds: float) -> dict[str, float]:
        """Count the sessions of so many seconds, those that failed, and the CPU seconds."""
        self._count, self._is_running = 0, True
        cpu = cpu_seconds()
        for token in range(self._connections):
            self._begin(token)
        gevent.sleep(seconds)
        self._is_running = False
        used = cpu_seconds() - cpu
        count = self._count
        while self._engine.active:
            gevent.sleep(0.01)
        return {"count": count, "failed": self._failed, "cpu": used}
