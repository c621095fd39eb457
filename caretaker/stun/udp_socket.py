"""A UDP socket in gevent's loop, without a greenlet: a function takes what arrives."""

from __future__ import annotations

import _socket  # not gevent's, which waits where the loop itself must not
import struct
from collections.abc import Callable
from contextlib import closing, suppress
from math import inf
from typing import Any

import gevent

from caretaker.stun.message import MAX_BYTES, SocketAddress

BATCH = 256
"""Datagrams that are read in one turn of the loop, at most: a flood does not hold up all else."""
_RECEIVE_BUFFER = 4 * 1024 * 1024
"""Bytes that the system is asked to keep; it keeps as many as net.core.rmem_max allows."""
_FORCE, _MEMORY_INFO = 33, 55
"""SO_RCVBUFFORCE, which overrides that limit for root, and SO_MEMINFO of Linux."""
_MEMORY = struct.Struct("@9I")
"""What the latter tells; the last number is that of the datagrams that were lost."""
_READ = 1


class UDPSocket:
    """
    An open UDP socket that is not connected: several hosts send to it.

    Args:
        family: AF_INET or AF_INET6.
        source: the local address to bind; empty for any.
        take: called with this socket and each datagram; it must not wait.

    Raises:
        OSError: there are no sockets left, or the address is not of this machine.
    """

    __slots__ = (
        "_has_more",
        "_lost",
        "_lost_at",
        "_opened",
        "_take",
        "_watcher",
        "family",
        "last_address",
        "number",
        "port",
    )

    def __init__(self, family: int, source: str, take: Callable[[UDPSocket, bytes], None]) -> None:
        self.family = family
        self.number = 0
        """Which of several that CPEs share."""
        self.last_address: SocketAddress | None = None
        """The address of the last binding that was found, to keep one of many equal ones."""
        self._take = take
        self._has_more = False
        self._lost, self._lost_at = 0, -inf
        self._opened = _socket.socket(family, _socket.SOCK_DGRAM)
        try:
            self._opened.setblocking(False)
            if family == _socket.AF_INET6:
                self._opened.setsockopt(_socket.IPPROTO_IPV6, _socket.IPV6_V6ONLY, 1)
            self._opened.bind((source, 0))
        except BaseException:
            self._opened.close()
            raise
        self.port: int = self._opened.getsockname()[1]
        self._watcher: Any = gevent.get_hub().loop.io(self._opened.fileno(), _READ)
        self._watcher.start(self._receive)

    def make_room(self) -> None:
        """Ask the system for a large buffer, for a socket that many CPEs share."""
        for name in (_socket.SO_RCVBUF, _FORCE):
            with suppress(OSError):
                self._opened.setsockopt(_socket.SOL_SOCKET, name, _RECEIVE_BUFFER)

    def send(self, datagram: bytes, target: Any) -> None:
        """
        Send a datagram; one that the system has no room for is lost, as others are on their way.

        Raises:
            OSError: it can't be sent: no route, not permitted, ...
        """
        with suppress(BlockingIOError):
            self._opened.sendto(datagram, target)

    def is_read(self) -> bool:
        """Whether all that has come is read now; it is not where that is too much for a turn."""
        if not self._has_more:
            self._receive()
        return not self._has_more

    def has_lost(self, now: float, seconds: float) -> bool:
        """
        Whether the system had no room for datagrams that came to the socket.

        Args:
            now: the present time.
            seconds: how long before it counts; what is lost counts from when it is known here.
        """
        lost = 0
        with suppress(OSError, struct.error):  # other systems do not tell
            told = self._opened.getsockopt(_socket.SOL_SOCKET, _MEMORY_INFO, _MEMORY.size)
            lost = _MEMORY.unpack(told)[-1]
        if lost != self._lost:
            self._lost, self._lost_at = lost, now
        return now - self._lost_at < seconds

    def _receive(self) -> None:
        receive, take = self._opened.recv, self._take
        self._has_more = False
        for _ in range(BATCH):
            try:
                datagram = receive(MAX_BYTES + 1)
            except BlockingIOError:
                return
            except OSError:  # what ICMP has told of an earlier datagram
                continue
            take(self, datagram)
        self._has_more = True

    def close(self) -> None:
        """Close the socket."""
        self._watcher.close()
        self._opened.close()


def local_host(family: int, target: Any, source: str) -> str:
    """The address of this machine that datagrams to a target come from; empty if none do."""
    try:
        with closing(_socket.socket(family, _socket.SOCK_DGRAM)) as probe:
            if source:
                probe.bind((source, 0))
            probe.connect(target)  # sends nothing
            return str(probe.getsockname()[0])
    except OSError:
        return ""
