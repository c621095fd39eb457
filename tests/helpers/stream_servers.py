"""Servers that end with all that they have accepted."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from gevent.pool import Pool
from gevent.server import StreamServer


def stream_server(
    handle: Callable[[Any, Any], None], *, host: str = "127.0.0.1", port: int = 0, **secure: Any
) -> StreamServer:
    """
    A server whose ``stop(0)`` also ends those that handle its connections, and closes these.

    They would go on in a later test.
    """
    return StreamServer((host, port), handle, spawn=Pool(), **secure)
