"""A UDP socket in gevent's loop, without a greenlet: a function takes what arrives."""

from __future__ import annotations

import _socket  # not gevent's, which waits where the loop itself must not
from collections.abc import Callable
from contextlib import closing, suppress
from typing import Any

import gevent

from caretaker.stun.message import MAX_BYTES, SocketAddress

BATCH = 128
"""Datagrams that are read in one turn of the loop, at most: a flood does not hold up all else."""
_RECEIVE_BUFFER = 4 * 1024 * 1024
"""Bytes that the system is asked to keep; it keeps as many as net.core.rmem_max allows."""
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

    __slots__ = ("_opened", "_take", "_watcher", "family", "last_address", "number", "port")

    def __init__(self, family: int, source: str, take: Callable[[UDPSocket, bytes], None]) -> None:
        self.family = family
        self.number = 0
        """Which of several that CPEs share."""
        self.last_address: SocketAddress | None = None
        """The address of the last binding that was found, to keep one of many equal ones."""
        self._take = take
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
        with suppress(OSError):
            self._opened.setsockopt(_socket.SOL_SOCKET, _socket.SO_RCVBUF, _RECEIVE_BUFFER)

    def send(self, datagram: bytes, target: Any) -> None:
        """
        Send a datagram; one that the system has no room for is lost, as others are on their way.

        Raises:
            OSError: it can't be sent: no route, not permitted, ...
        """
        with suppress(BlockingIOError):
            self._opened.sendto(datagram, target)

    def _receive(self) -> None:
        receive, take = self._opened.recv, self._take
        for _ in range(BATCH):
            try:
                datagram = receive(MAX_BYTES + 1)
            except BlockingIOError:
                return
            except OSError:  # what ICMP has told of an earlier datagram
                continue
            take(self, datagram)

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
