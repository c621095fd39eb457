"""At which of a master's addresses its workers join it."""

from __future__ import annotations

import socket
from contextlib import suppress

CONNECT_SECONDS = 3.0
"""How long an address may take to accept a connection, where there is another."""


def joined_host(host: str, port: int) -> str:
    """
    The address at which a worker joins its master, in the order of the system's resolver.

    ZeroMQ takes one address of a name: of IPv6, where this machine has that, though the master may
    be bound to one of IPv4.

    Args:
        host: of the master; a name, or an address.
        port: at which it listens.

    Returns:
        the first address that accepts a connection; the host, where none does (yet).
    """
    with suppress(OSError, UnicodeError):
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM)
        for _, _, _, _, address in found if len(found) > 1 else ():
            if _accepts(str(address[0]), port):
                return str(address[0])
    return host


def _accepts(address: str, port: int) -> bool:
    with (
        suppress(OSError),
        socket.create_connection((address, port), timeout=CONNECT_SECONDS),
    ):
        return True
    return False
