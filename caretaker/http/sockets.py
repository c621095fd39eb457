"""
TCP sockets for greenlets, with only what a CWMP session needs.

Connecting, sending, receiving and closing are most of the cost of a session. gevent's own sockets
create a timer for each call and try to read before they wait. These sockets wait first, and one
timer checks the deadlines of all of them.
"""

from __future__ import annotations

import _socket  # without the layer of Python that socket.socket puts on it
import os
import ssl
import struct
from collections.abc import Callable
from contextlib import suppress
from errno import EAGAIN, EINPROGRESS, ENOTCONN
from typing import Any, Protocol

import gevent
import gevent.socket
from greenlet import getcurrent

from caretaker.errors import InputError
from caretaker.http.connect_errors import (
    HandshakeTimeout,
    NotTLS,
    UnusableIdentity,
    is_not_tls,
)
from caretaker.http.tls_sessions import Resumption
from caretaker.http.tls_settings import TLSClient
from caretaker.http.turns import TimedTurns

_READ, _WRITE = 1, 2
_AT_ONCE: int = getattr(_socket, "SOCK_NONBLOCK", 0)
"""Makes a non-blocking socket in one system call; macOS has no such flag."""
_RESET = struct.pack("ii", 1, 0)
"""``SO_LINGER`` without any time."""
_CONNECTING = (EAGAIN, ENOTCONN)
"""What sending fails with while a socket connects; ENOTCONN on macOS."""


class Socket(Protocol):
    """One TCP connection; a call waits until its deadline at most, and then raises TimeoutError."""

    def send(self, data: bytes, deadline: float) -> None:
        """Send all of the data; raises OSError."""

    def receive(self, size: int, deadline: float) -> bytes:
        """The next bytes, ``size`` at most; empty when the peer has closed; raises OSError."""

    def close(self) -> None:
        """Close the socket."""


class Target:
    """
    The two ends of a connection to be made.

    Args:
        family, address: of the server, as from ``getaddrinfo``.
        source: the local address; the system chooses one if empty.
    """

    __slots__ = ("address", "family", "source")

    def __init__(self, family: int, address: Any, source: str = "") -> None:
        self.family = family
        self.address = address
        self.source = source


def deadline_period(timeout: float) -> float:
    """How often deadlines are checked where most waits have this timeout, in seconds."""
    return min(max(timeout / 20, 0.005), 0.5)


class Deadlines:
    """
    Ends the waits of greenlets whose deadline has passed, and spreads the others over turns.

    Nearly all waits end well before their deadline, so one timer checks all of them now and then:
    a wait ends late by a twentieth of the timeout at most, and never by more than half a second.

    Args:
        timeout: of most waits, in seconds.
        clock: monotonic, in seconds; deadlines are times of this clock.
    """

    __slots__ = ("_clock", "_period", "_sockets", "_timer", "_turns")

    def __init__(self, timeout: float, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._period = deadline_period(timeout)
        self._sockets: set[PlainSocket] = set()
        self._timer: Any = None
        self._turns: TimedTurns | None = None

    def add(self, opened: PlainSocket, loop: Any) -> None:
        """Check the deadlines of a socket from now on."""
        self._sockets.add(opened)
        if self._timer is None:
            self._timer = loop.timer(self._period, self._period, ref=False)
            self._timer.start(self._check)
            self._turns = TimedTurns(loop)

    def may_go_on(self, ready: PlainSocket) -> bool:
        """Whether a socket that is ready has its turn now; else it goes on in a later turn."""
        if self._turns is None or self._turns.take():
            return True
        self._turns.wait(ready.go_on)
        return False

    def discard(self, closed: PlainSocket) -> None:
        """Check the deadlines of a closed socket no more."""
        self._sockets.discard(closed)

    def _check(self) -> None:
        if not self._sockets:
            self._timer.close()
            self._timer = None
            if self._turns is not None:
                self._turns.stop()
            return
        now = self._clock()
        late = [opened for opened in self._sockets if opened.deadline <= now]
        for opened in late:
            if opened.waiter is not None and not opened.is_ready:
                opened.waiter.throw(TimeoutError())


class PlainSocket:
    """
    A TCP connection of one greenlet.

    Args:
        target: of the connection; None to go on with one.
        deadlines: ends waits that last too long.
        deadline: for connecting.
        descriptor: of the connection to go on with, which is non-blocking.

    Raises:
        OSError: the connection can't be made.
    """

    __slots__ = ("_deadlines", "_hub", "_socket", "_watcher", "deadline", "is_ready", "waiter")

    def __init__(
        self, target: Target | None, deadlines: Deadlines, deadline: float, descriptor: int = -1
    ) -> None:
        self._deadlines = deadlines
        self.deadline = deadline
        """Deadline of the present wait, or of the last one."""
        self.waiter: Any = None
        """The waiting greenlet, if any."""
        self.is_ready = False
        """Whether what it waits for has come, and it waits for a turn of the loop."""
        self._hub: Any = gevent.get_hub()
        if target is None:
            self._socket = _socket.socket(fileno=descriptor)
        else:
            self._socket = _socket.socket(target.family, _socket.SOCK_STREAM | _AT_ONCE)
        if target is None or not _AT_ONCE:
            self._socket.setblocking(False)
        self._watcher: Any = self._hub.loop.io(self._socket.fileno(), _READ)
        deadlines.add(self, self._hub.loop)
        try:
            if target is not None:
                self._connect(target, deadline)
        except BaseException:
            self.close()
            raise

    def _connect(self, target: Target, deadline: float) -> None:
        # Large requests leave in pieces; Nagle would delay the last until the others are confirmed.
        self._socket.setsockopt(_socket.IPPROTO_TCP, _socket.TCP_NODELAY, 1)
        if target.source:
            _bind(self._socket, target.source)
        error = self._socket.connect_ex(target.address)
        if error == EINPROGRESS:
            self.finish_connecting(deadline)
        elif error:
            raise OSError(error, "connect")

    def finish_connecting(self, deadline: float) -> None:
        """Wait for a connection that is being made; raises OSError."""
        if self._is_connected():  # within one machine it often is, in spite of EINPROGRESS
            return
        self._wait(_WRITE, deadline)
        error = self._socket.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
        if error:
            raise OSError(error, "connect")

    def _is_connected(self) -> bool:
        """Whether the socket is connected already; raises OSError if it never will be."""
        try:
            self._socket.send(b"")  # getpeername tells as much, and makes text of the address
        except OSError as error:
            if error.errno not in _CONNECTING:
                raise
            return False
        return True

    def _wait(self, events: int, deadline: float) -> None:
        """Wait until the socket is readable or writable; TimeoutError at the deadline."""
        watcher = self._watcher
        if watcher.events != events:
            watcher.events = events
        self.deadline, self.waiter = deadline, getcurrent()
        # As gevent's ``Hub.wait`` does, without its Waiter object.
        watcher.start(self._ready)
        try:
            while self._hub.switch() is not self:
                pass
        except gevent.GreenletExit:
            _drop_unsent(self._socket)
            raise
        finally:
            watcher.stop()
            self.waiter, self.is_ready = None, False

    def _ready(self) -> None:
        if self._deadlines.may_go_on(self):
            self.waiter.switch(self)
        else:
            self._watcher.stop()
            self.is_ready = True

    def go_on(self) -> None:
        """Let the greenlet go on if it still waits for its turn."""
        if self.is_ready:
            self.waiter.switch(self)

    def send(self, data: bytes, deadline: float) -> None:
        """Send all of the data; see ``Socket.send``."""
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
        """Receive the next bytes; see ``Socket.receive``."""
        while True:
            self._wait(_READ, deadline)
            try:
                return self._socket.recv(size)
            except BlockingIOError:
                pass

    def close(self) -> None:
        """Close the socket."""
        self._deadlines.discard(self)
        self._watcher.close()
        self._socket.close()


def _drop_unsent(opened: Any) -> None:
    """
    Have closing reset the connection, so that nothing more is sent of it.

    For a CPE that has lost its power or its worker's lease. The system would send what has not
    arrived again and again, and it might arrive when the CPE is in another session.
    """
    with suppress(OSError):
        opened.setsockopt(_socket.SOL_SOCKET, _socket.SO_LINGER, _RESET)


def _bind(opened: Any, source: str) -> None:
    """Use this local address; with the option, Linux has all ports again for each target."""
    with suppress(OSError):
        opened.setsockopt(_socket.IPPROTO_IP, getattr(_socket, "IP_BIND_ADDRESS_NO_PORT", -1), 1)
    opened.bind((source, 0))


def unread(descriptor: int) -> bytes:
    """What has been received, and not been read."""
    try:
        return os.read(descriptor, 1000)
    except OSError:
        return b""


class TLSSocket:
    """
    A TLS connection of one greenlet, over gevent's sockets.

    Args:
        target, deadline: as for ``PlainSocket``.
        clock: monotonic, in seconds; deadlines are times of this clock.
        client: verifies the server, and has the client's certificate.
        resumption: the client's session with this server.

    Raises:
        OSError: the connection can't be made; ``NotTLS`` if the answer was not TLS.
    """

    __slots__ = ("_clock", "_resumption", "_socket")

    def __init__(
        self,
        target: Target,
        deadline: float,
        clock: Callable[[], float],
        client: TLSClient,
        resumption: Resumption,
    ) -> None:
        self._clock = clock
        self._resumption = resumption
        plain = gevent.socket.socket(target.family, gevent.socket.SOCK_STREAM)
        try:
            plain.setsockopt(gevent.socket.IPPROTO_TCP, gevent.socket.TCP_NODELAY, 1)
            if target.source:
                _bind(plain, target.source)
            plain.settimeout(self._left(deadline))
            plain.connect(target.address)
            session = resumption.session
            assert session is None or isinstance(session, ssl.SSLSession)
            self._socket = client.wrap(plain, session)
        except InputError as error:
            plain.close()
            raise UnusableIdentity(str(error)) from error
        except BaseException:
            plain.close()
            raise
        try:
            self._socket.do_handshake()
            client.check(self._socket)
        except TimeoutError as error:
            self._socket.close()
            raise HandshakeTimeout from error
        except BaseException as error:
            resumption.failed()
            rest = unread(self._socket.fileno()) if is_not_tls(error) else None
            self._socket.close()
            if rest is not None:
                raise NotTLS(rest) from error
            raise
        resumption.succeeded(resumed=bool(self._socket.session_reused))

    def _left(self, deadline: float) -> float:
        left = deadline - self._clock()
        if left <= 0:
            raise TimeoutError
        return left

    def send(self, data: bytes, deadline: float) -> None:
        """Send all of the data; see ``Socket.send``."""
        self._socket.settimeout(self._left(deadline))
        try:
            self._socket.sendall(data)
        except TimeoutError:
            raise
        except gevent.GreenletExit:
            _drop_unsent(self._socket)
            raise
        except OSError:
            # A server of TLS 1.3 refuses a client after the client's handshake, and closes: what
            # it has said is still to be read, and the better error.
            self._socket.recv(1)
            raise

    def receive(self, size: int, deadline: float) -> bytes:
        """Receive the next bytes; see ``Socket.receive``."""
        self._socket.settimeout(self._left(deadline))
        try:
            return self._socket.recv(size)
        except gevent.GreenletExit:
            _drop_unsent(self._socket)
            raise

    def close(self) -> None:
        """Close the socket, and keep the session that the server has given."""
        self._resumption.keep_of(self._socket)
        self._socket.close()
