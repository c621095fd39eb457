"""
The open connections of a server: how many, whose, and which one makes room when there are too many.

No limit hits a peer for being one address: an ACS opens thousands of connections from one. Only in
a full server each peer has a share, and the peer that has most gives.
"""

from __future__ import annotations

import resource
import socket
from collections.abc import Iterable, Iterator
from itertools import chain
from typing import Protocol

IDLE_SECONDS = 60.0
"""Limit for an idle connection, for a head, for 64 KiB of a body and for sending a response."""
SPARED_SECONDS = 1.0
"""A connection that was used in this time is not closed to make room for another."""
_MAPPED = bytes(10) + b"\xff\xff"
"""How an IPv4 address begins that an IPv6 socket shows."""


class OpenConnection(Protocol):
    """A connection, as far as the table needs it."""

    deadline: float
    """When it is closed if nothing happens; ``IDLE_SECONDS`` after it was used, never in use."""
    held: int
    """Bytes of its requests that are not answered yet."""

    def close(self) -> None:
        """Close it, which drops it from the table."""


Peer = str | bytes


def peer_of(address: str) -> Peer:
    """Who is behind an IP address: an IPv6 network of 64 bits is one peer."""
    if ":" not in address:
        return address
    packed = socket.inet_pton(socket.AF_INET6, address.partition("%")[0])
    return packed if packed.startswith(_MAPPED) else packed[:8]


class ConnectionTable:
    """
    The open connections of a server.

    Args:
        most: how many at once; fewer where the process may open fewer files, of which the server
            takes half.
        most_held: bytes of unanswered requests, over all connections.
    """

    def __init__(self, most: int, most_held: int) -> None:
        files = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        self.most = most if files == resource.RLIM_INFINITY else min(most, files // 2)
        self.held = 0
        """Bytes of requests that are not answered yet."""
        self._most_held = most_held
        self._peers: dict[OpenConnection, Peer] = {}
        """Each connection with its peer, the oldest first."""
        self._of_peer: dict[Peer, dict[OpenConnection, None]] = {}

    def __len__(self) -> int:
        return len(self._peers)

    def __iter__(self) -> Iterator[OpenConnection]:
        return iter(list(self._peers))

    def add(self, connection: OpenConnection, address: str) -> None:
        """Take a new connection from an IP address."""
        peer = self._peers[connection] = peer_of(address)
        self._of_peer.setdefault(peer, {})[connection] = None

    def discard(self, connection: OpenConnection) -> None:
        """Drop a closed connection."""
        peer = self._peers.pop(connection, None)
        if peer is None:
            return
        self.hold(connection, 0)
        own = self._of_peer[peer]
        del own[connection]
        if not own:
            del self._of_peer[peer]

    def hold(self, connection: OpenConnection, held: int) -> None:
        """Note how many bytes of its requests a connection holds now."""
        self.held += held - connection.held
        connection.held = held

    def make_room(self, now: float) -> bool:
        """
        Close an idle connection if the table is full; False if all are in use.

        It is the oldest one of the peer that has most, so that a crowd that says nothing shuts
        nobody out; of any peer where that one has none.
        """
        return len(self) < self.most or self.close_oldest(now)

    def close_oldest(self, now: float) -> bool:
        """As ``make_room``, of a table that may have room."""
        largest = max(self._of_peer.values(), key=len) if self._of_peer else {}
        idle = self._idle(chain(largest, self._peers), now)
        return _close(next(idle, None))

    def has_bytes(self, now: float) -> bool:
        """
        Whether the bytes of all requests are within their limit, or can be made so.

        The idle connection that holds most is closed, until they are.
        """
        while self.held > self._most_held:
            idle = [each for each in self._idle(self._peers, now) if each.held]
            if not _close(max(idle, key=_held, default=None)):
                return False
        return True

    def _idle(self, connections: Iterable[OpenConnection], now: float) -> Iterator[OpenConnection]:
        before = now + IDLE_SECONDS - SPARED_SECONDS
        return (each for each in connections if each.deadline < before)

    def sweep(self, now: float) -> None:
        """Close the connections whose deadline has passed."""
        for connection in self:
            if connection.deadline < now:
                connection.close()


def _held(connection: OpenConnection) -> int:
    return connection.held


def _close(connection: OpenConnection | None) -> bool:
    if connection is None:
        return False
    connection.close()
    return True
