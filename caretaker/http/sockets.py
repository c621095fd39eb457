"""
TCP sockets of greenlets, with no more in them than a CWMP session needs.

Connecting, talking and closing is most of what a session costs. gevent's own sockets create a timer
for each call and look for data before they wait; here a socket waits first, and one timer looks
after the deadlines of all that wait.
"""

from __future__ import annotations

import _socket  # without the layer of Python that socket.socket puts on it
import ssl
from collections.abc import Callable
from contextlib import suppress
from errno import EINPROGRESS
from typing import Any, Protocol

import gevent
import gevent.socket
from greenlet import getcurrent

_READ, _WRITE = 1, 2
_AT_ONCE: int = getattr(_socket, "SOCK_NONBLOCK", 0)
"""Makes a socket that never waits, in one system call; not on macOS."""


class Socket(Protocol):
    """One TCP connection; each call may wait until its deadline, and then raises TimeoutError."""

    def send(self, data: bytes, deadline: float) -> None:
        """Send all of it; raises OSError."""

    def receive(self, size: int, deadline: float) -> bytes:
        """At most so many bytes, as soon as there are some; empty at the end; raises OSError."""

    def close(self) -> None:
        """Close it."""


class Target:
    """
    Where a connection leads to, and where it leaves from.

    ``family`` and ``address`` are as ``getaddrinfo`` gives them; ``source`` is the local address,
    the system's choice if empty.
    """

    __slots__ = ("address", "family", "source")

    def __init__(self, family: int, address: Any, source: str = "") -> None:
        self.family = family
        self.address = address
        self.source = source


class Deadlines:
    """
    Ends the waits of greenlets that have lasted too long.

    Nearly all waits end well before their deadline, so it is enough to look at all of them now and
    then: a wait ends up to a twentieth of the usual timeout late, half a second at most.

    Args:
        timeout: seconds, the usual one.
        clock: seconds, going forward, which the deadlines are of.
    """

    __slots__ = ("_clock", "_period", "_sockets", "_timer")

    def __init__(self, timeout: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._period = min(max(timeout / 20, 0.005), 0.5)
        self._sockets: set[PlainSocket] = set()
        self._timer: Any = None

    def add(self, opened: PlainSocket, loop: Any) -> None:
        """Look after a socket's waits from now on."""
        self._sockets.add(opened)
        if self._timer is None:
            self._timer = loop.timer(self._period, self._period, ref=False)
            self._timer.start(self._look)

    def discard(self, closed: PlainSocket) -> None:
        """Look after it no longer."""
        self._sockets.discard(closed)

    def _look(self) -> None:
        if not self._sockets:
            self._timer.close()
            self._timer = None
            return
        now = self._clock()
        late = [each for each in self._sockets if each.deadline <= now]
        for waiter in [each.waiter for each in late]:
            if waiter is not None:
                waiter.throw(TimeoutError())


class PlainSocket:
    """
    A TCP connection of one greenlet.

    Args:
        target: where to.
        deadlines: end its waits.
        deadline: of connecting.

    Raises:
        OSError: it can't be made.
    """

    __slots__ = ("_deadlines", "_hub", "_socket", "_watcher", "deadline", "waiter")

    def __init__(self, target: Target, deadlines: Deadlines, deadline: float) -> None:
        self._deadlines = deadlines
        self.deadline = deadline
        """When the present wait must end, or the last one had to."""
        self.waiter: Any = None
        """The greenlet that waits; None if none does."""
        self._hub: Any = gevent.get_hub()
        self._socket = _socket.socket(target.family, _socket.SOCK_STREAM | _AT_ONCE)
        if not _AT_ONCE:
            self._socket.setblocking(False)
        self._watcher: Any = self._hub.loop.io(self._socket.fileno(), _READ)
        deadlines.add(self, self._hub.loop)
        try:
            self._connect(target, deadline)
        except BaseException:
            self.close()
            raise

    def _connect(self, target: Target, deadline: float) -> None:
        # Requests leave in pieces; Nagle would hold the last one back until the others are heard.
        self._socket.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        if target.source:
            _bind(self._socket, target.source)
        error = self._socket.connect_ex(target.address)
        if error == EINPROGRESS:
            if self._is_connected():  # within one machine it is at once, whatever it says
                return
            self._wait(_WRITE, deadline)
            error = self._socket.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
        if error:
            raise OSError(error, "connect")

    def _is_connected(self) -> bool:
        try:
            self._socket.getpeername()
        except OSError:
            return False
        return True

    def _wait(self, events: int, deadline: float) -> None:
        """In this greenlet, until data can be read or written; TimeoutError at the deadline."""
        watcher = self._watcher
        if watcher.events != events:
            watcher.events = events
        self.deadline, self.waiter = deadline, getcurrent()
        # As the hub's wait does, without an object of its own for each.
        watcher.start(self.waiter.switch, self)
        try:
            while self._hub.switch() is not self:
                pass
        finally:
            watcher.stop()
            self.waiter = None

    def send(self, data: bytes, deadline: float) -> None:
        """Send all of it; see ``Socket.send``."""
        sent = self._send(data)
        while sent < len(data):
            self._wait(_WRITE, deadline)
            data = data[sent:]
            sent = self._send(data)

    def _send(self, data: bytes) -> int:
        try:
            return self._socket.send(data)
        except BlockingIOError:
            return 0

    def receive(self, size: int, deadline: float) -> bytes:
        """See ``Socket.receive``."""
        while True:
            self._wait(_READ, deadline)
            try:
                return self._socket.recv(size)
            except BlockingIOError:
                pass

    def close(self) -> None:
        """Close it."""
        self._deadlines.discard(self)
        self._watcher.close()
        self._socket.close()


def _bind(opened: Any, source: str) -> None:
    """Use this local address; Linux then chooses the port by the target, which has all of them."""
    with suppress(OSError):
        opened.setsockopt(_socket.IPPROTO_IP, getattr(_socket, "IP_BIND_ADDRESS_NO_PORT", -1), 1)
    opened.bind((source, 0))


class TLSSocket:
    """
    A TLS connection of one greenlet, over gevent's sockets.

    Args:
        target, deadline: as for ``PlainSocket``.
        clock: which the deadlines are of.
        context: verifies the server.
        name: of the server.

    Raises:
        OSError: it can't be made.
    """

    __slots__ = ("_clock", "_socket")

    def __init__(
        self,
        target: Target,
        deadline: float,
        clock: Callable[[], float],
        context: ssl.SSLContext,
        name: str,
    ) -> None:
        self._clock = clock
        plain = gevent.socket.socket(target.family, gevent.socket.SOCK_STREAM)
        try:
            plain.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
            if target.source:
                _bind(plain, target.source)
            plain.settimeout(self._left(deadline))
            plain.connect(target.address)
            self._socket = context.wrap_socket(plain, server_hostname=name)
        except BaseException:
            plain.close()
            raise

    def _left(self, deadline: float) -> float:
        left = deadline - self._clock()
        if left <= 0:
            raise TimeoutError
        return left

    def send(self, data: bytes, deadline: float) -> None:
        """Send all of it; see ``Socket.send``."""
        self._socket.settimeout(self._left(deadline))
        self._socket.sendall(data)

    def receive(self, size: int, deadline: float) -> bytes:
        """See ``Socket.receive``."""
        self._socket.settimeout(self._left(deadline))
        return self._socket.recv(size)

    def close(self) -> None:
        """Close it."""
        self._socket.close()
