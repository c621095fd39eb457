"""Where the STUN servers of a fleet are, as seen from its addresses; only allowed ones."""

from __future__ import annotations

from collections.abc import Collection
from typing import Any, NamedTuple

from caretaker.http.ip_addresses import same_host
from caretaker.http.resolver import HostAddresses, Resolver
from caretaker.stun.udp_socket import local_host

MAX_SERVERS = 64
"""That are kept; an ACS can name any port of an allowed host."""
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
    """

    family: int | None
    address: Any = None
    local: str = ""
    reason: str = ""


class STUNServers:
    """
    The servers by host and port.

    Args:
        allowed: the hosts that CPEs may be sent to (decision D10), as ``same_host`` spells them.
        resolver: knows their addresses.
    """

    def __init__(self, allowed: Collection[str], resolver: Resolver) -> None:
        self._allowed = allowed
        self._resolver = resolver
        self._servers: dict[tuple[str, int], dict[str, tuple[HostAddresses, STUNServer]]] = {}
        """By the local address of CPEs, of which the fleet has as many as its options name."""

    def server(self, host: str, port: int, source: str = "") -> STUNServer:
        """A server as it is known now; one that is not known is looked up in the background."""
        if host not in self._allowed:
            host = same_host(host)  # in any spelling, as an ACS may write it
        if host not in self._allowed:
            return STUNServer(None, reason=NOT_ALLOWED)
        found = self._resolver.look_up(host)
        by_source = self._servers.get((host, port))
        if by_source is None:
            if len(self._servers) >= MAX_SERVERS:
                self._servers.clear()
            by_source = self._servers[host, port] = {}
        kept = by_source.get(source)
        if kept is None or kept[0] is not found:
            kept = by_source[source] = found, _seen_from(source, found, port)
        return kept[1]


def _seen_from(source: str, found: HostAddresses, port: int) -> STUNServer:
    """The first address of those found that datagrams from the source can be sent to."""
    for family, address in found.at(port):
        if not source or (":" in source) == (":" in address[0]):
            return STUNServer(family, address, local_host(family, address, source))
    return STUNServer(None, reason=found.reason or ("" if found.is_awaited else NOT_FOUND))
