"""What a proxy sees of sessions: which CPE has one open, and when it last had a good one."""

from __future__ import annotations

import re
import select
import time
from typing import Any

_SERIAL_NUMBER = re.compile(rb"<SerialNumber>([^<]+)</SerialNumber>")
_LAST_ANSWER = b"HTTP/1.1 204"
"""How the ACS ends a session."""
_HEAD_BYTES = 65536
"""An Inform has its serial number within so many bytes."""


class WatchedConnection:
    """
    One connection of a CPE.

    Args:
        client: its socket towards the CPE.
        peer: the address of the CPE's worker.
    """

    def __init__(self, client: Any, peer: str) -> None:
        self.client = client
        self.peer = peer
        self.serial = ""
        """Of the CPE; empty before its Inform."""
        self.successor = ""
        """The other worker whose session with this CPE has begun meanwhile, if one has."""
        self.head = b""

    @property
    def is_open(self) -> bool:
        """Whether the CPE has it open still; what it sent before it closed may be unread."""
        descriptor = self.client.fileno()
        if descriptor < 0:  # a fault has closed it
            return False
        poll = select.poll()
        poll.register(descriptor, select.POLLRDHUP)
        return not poll.poll(0)


class SessionWatch:
    """The sessions of all connections."""

    def __init__(self) -> None:
        self.good: dict[str, float] = {}
        """When a CPE last had a good session (``time.monotonic``), by serial number."""
        self.overlaps: list[str] = []
        """
        Each CPE that had two sessions at work at once, with the two workers.

        A session that a frozen worker has left open is none: nobody can end it for that worker,
        and the ACS sees the same of a device that has lost its power. It is one as soon as the
        worker sends another byte.
        """
        self.sessions = 0
        """Informs that came."""
        self._open: dict[str, list[WatchedConnection]] = {}

    def sent(self, connection: WatchedConnection, piece: bytes) -> None:
        """A CPE has sent a piece."""
        if connection.successor:
            self._overlap(connection, connection.successor)
            connection.successor = ""
        if connection.serial or len(connection.head) > _HEAD_BYTES:
            return
        connection.head += piece
        found = _SERIAL_NUMBER.search(connection.head)
        if found:
            connection.serial, connection.head = found[1].decode(), b""
            self._begin(connection)

    def _begin(self, connection: WatchedConnection) -> None:
        self.sessions += 1
        others = self._open.setdefault(connection.serial, [])
        for other in others:
            if other.is_open and other.peer != connection.peer:
                other.successor = connection.peer
            elif other.is_open:
                self._overlap(other, connection.peer)
        others.append(connection)

    def _overlap(self, connection: WatchedConnection, successor: str) -> None:
        self.overlaps.append(f"{connection.serial} from {connection.peer} and {successor}")

    def passed_on(self, connection: WatchedConnection, piece: bytes) -> None:
        """A piece has been passed on whole, in either direction."""
        if connection.serial and piece.startswith(_LAST_ANSWER):
            self.good[connection.serial] = time.monotonic()

    def ended(self, connection: WatchedConnection) -> None:
        """The connection is no more."""
        others = self._open.get(connection.serial, [])
        if connection in others:
            others.remove(connection)
