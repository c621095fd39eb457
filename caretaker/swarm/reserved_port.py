"""A free port that stays free until a server binds it."""

from __future__ import annotations

import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from caretaker.http.ip_addresses import IPVersion, family_of


@contextmanager
def reserved_port() -> Iterator[int]:
    """
    A free port of loopback, which the system gives to no one else meanwhile.

    A server binds it all the same if it sets SO_REUSEADDR, as ours and those of Locust do: Linux
    allows that as long as who holds the port does not listen. Elsewhere the port is free when it
    is found, and no longer kept.
    """
    loopback = IPVersion.ANY.loopback
    with socket.socket(family_of(loopback)) as holding:
        holding.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        holding.bind((loopback, 0))
        port: int = holding.getsockname()[1]
        if sys.platform != "linux":
            holding.close()
        yield port
