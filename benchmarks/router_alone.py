"""A router in a process of its own, for one worker that holds all CPEs."""

from __future__ import annotations

from benchmarks.processes import cpu_seconds
from caretaker.router import RouterServer, Routes, WorkerRoute


class RouterAlone:
    """
    A router.

    Args:
        worker: the URL of a Connection Request server.
        cpes: that are behind it.
    """

    def __init__(self, *, worker: str, cpes: int) -> None:
        self._server = RouterServer().start()
        self._server.take(Routes("FLEET", cpes, (WorkerRoute(worker, ((0, cpes),)),)))

    def url(self) -> str:
        """Of the router."""
        return self._server.url

    def cpu(self) -> float:
        """CPU seconds of this process so far."""
        return cpu_seconds()
