"""Where the STUN servers of a fleet are: each name is looked up once, and only allowed ones."""

from __future__ import annotations

import _socket  # not gevent's, which waits where the loop itself must not
from collections.abc import Callable, Collection
from math import inf
from typing import Any, NamedTuple

import gevent
import gevent.socket

from caretaker.stun.udp_socket import local_host

MAX_SERVERS = 64
"""That are kept; an ACS can name any port of an allowed host."""
RETRY_SECONDS = 60.0
"""After which a name that was not found is looked up again."""
NOT_ALLOWED = "host not allowed"
NOT_FOUND = "host name not found"


class STUNServer(NamedTuple):
    """
    A STUN server.

    Args:
        family: of its address; None where there is none.
        address: that datagrams are sent to.
        local: the address of this machine that they come from.
        reason: why there is no address; empty while it is looked up.
        until: when a lookup that has failed is over.
    """

    family: int | None
    address: Any = None
    local: str = ""
    reason: str = ""
    until: float = inf


_LOOKED_UP = STUNServer(None)


class STUNServers:
    """
    The servers by host and port.

    Args:
        allowed: the hosts that CPEs may be sent to (decision D10).
        clock: seconds, going forward.
    """

    def __init__(self, allowed: Collection[str], clock: Callable[[], float]) -> None:
        self._allowed = allowed
        self._clock = clock
        self._servers: dict[tuple[str, int], dict[str, STUNServer]] = {}
        """By the local address of CPEs, of which the fleet has as many as its options name."""

    def server(self, host: str, port: int, source: str = "") -> STUNServer:
        """A server as it is known now; one that is not known is looked up in the background."""
        if host not in self._allowed:
            return STUNServer(None, reason=NOT_ALLOWED)
        by_source = self._servers.get((host, port))
        if by_source is None:
            if len(self._servers) >= MAX_SERVERS:
                self._servers.clear()
            by_source = self._servers[host, port] = {}
        server = by_source.get(source)
        if server is None or self._clock() >= server.until:
            server = by_source[source] = self._numeric(host, port, source, by_source)
        return server

    def _numeric(
        self, host: str, port: int, source: str, by_source: dict[str, STUNServer]
    ) -> STUNServer:
        """The server if its host is an IP address; any other one is looked up."""
        try:
            return self._first(source, _addresses(host, port))
        except (OSError, UnicodeError):
            gevent.spawn(self._look_up, host, port, source, by_source)
            return _LOOKED_UP

    def _look_up(self, host: str, port: int, source: str, by_source: dict[str, STUNServer]) -> None:
        try:
            host.encode("idna")  # gevent's resolver prints a traceback if that fails in it
            found = gevent.socket.getaddrinfo(host, port, type=gevent.socket.SOCK_DGRAM)
        except (OSError, UnicodeError):
            found = []
        by_source[source] = self._first(source, [(each[0], each[4]) for each in found])

    def _first(self, source: str, found: list[tuple[int, Any]]) -> STUNServer:
        """The first address of those found that datagrams from the source can be sent to."""
        for family, address in found:
            if not source or (":" in source) == (":" in address[0]):
                return STUNServer(family, address, local_host(family, address, source))
        return STUNServer(None, reason=NOT_FOUND, until=self._clock() + RETRY_SECONDS)


def _addresses(host: str, port: int) -> list[tuple[int, Any]]:
    """The addresses of a host that is an IP address, which no name server is asked for."""
    found = _socket.getaddrinfo(host, port, 0, _socket.SOCK_DGRAM, 0, _socket.AI_NUMERICHOST)
    return [(int(family), address) for family, _, _, _, address in found]
