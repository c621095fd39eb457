"""
One connection of a client: a stream, a socket that never waits, and a watcher of the loop.

It has no greenlet, so 5,000 of them are small. TLS reads and writes the socket directly: with a
buffer of ours in between (``ssl.MemoryBIO``) a connection would be 4 KiB larger.
"""

from __future__ import annotations

import _socket  # without the layer of Python that socket.socket puts on it
import ssl
from collections.abc import Callable
from contextlib import suppress
from errno import EINPROGRESS
from typing import Any

import gevent

from caretaker.errors import TransportError
from caretaker.http.connect_errors import connect_error, lost_error
from caretaker.http.sockets import Target
from caretaker.xmpp.client_stream import ClientStream
from caretaker.xmpp.stream_events import Ended, EndKind, Event, StartTLS

MAX_UNSENT = 64 * 1024
"""Bytes that a server may leave unread before the connection is given up."""
_CHUNK = 16 * 1024
_READS = 8
"""Chunks that are read before others get their turn."""
_READ, _WRITE = 1, 2
_WAITS = (BlockingIOError, ssl.SSLWantReadError, ssl.SSLWantWriteError)


class _Socket(_socket.socket):
    """A socket that TLS can refer to."""

    __slots__ = ("__weakref__",)


class XMPPConnection:
    """
    One connection, from ``open`` on.

    Its methods don't wait, and are called in the loop's thread.

    Args:
        stream: the protocol.
        tls: of the server; None: TLS is not to be had.
        name: of the server, for its certificate and for SNI.
        on_event: is told what the stream tells, but for TLS; of ``Ended`` exactly once, unless
            ``close`` was called before.
    """

    __slots__ = (
        "_ended", "_name", "_on_event", "_socket", "_tls", "_tls_context", "_unsent", "_watcher",
        "stream",
    )  # fmt: skip

    def __init__(
        self,
        stream: ClientStream,
        tls: ssl.SSLContext | None,
        name: str,
        on_event: Callable[[XMPPConnection, Event], None],
    ) -> None:
        self.stream = stream
        self._tls_context: Any = tls
        self._name = name
        self._on_event = on_event
        self._socket: Any = None
        self._tls: Any = None
        self._watcher: Any = None
        self._unsent = b""
        self._ended = False

    def open(self, target: Target) -> None:
        """Begin to connect."""
        try:
            opened = self._socket = _Socket(target.family, _socket.SOCK_STREAM)
            opened.setblocking(False)
            if target.source:
                opened.bind((target.source, 0))
            number = opened.connect_ex(target.address)
            failure = None if number in (0, EINPROGRESS) else OSError(number, "connect")
        except OSError as error:
            failure = error
        if failure is not None:
            self._end(EndKind.OTHER, connect_error(failure).reason)
            return
        self._watcher = gevent.get_hub().loop.io(opened.fileno(), _WRITE)
        self._watcher.start(self._connected)

    def flush(self) -> None:
        """Send what the stream has to send; the rest follows when the server has read."""
        if self._ended or self._socket is None:
            return
        self._unsent += self.stream.data_to_send()
        if not self._unsent:
            return
        try:
            sent = self._send(self._unsent)
        except OSError as error:
            self._end(EndKind.OTHER, _lost(error))
            return
        self._unsent = self._unsent[sent:]
        if len(self._unsent) > MAX_UNSENT:
            self._end(EndKind.OTHER, "the server does not read")
        else:
            self._watch(_READ | _WRITE if self._unsent else _READ)

    def close(self) -> None:
        """Say goodbye and close, without waiting for the server."""
        if self._ended:
            return
        self.stream.close()
        self.flush()
        self._ended = True
        self._release()

    def fail(self, reason: str) -> None:
        """Give the connection up."""
        self._end(EndKind.OTHER, reason)

    # What the watcher calls.

    def _connected(self) -> None:
        error = self._socket.getsockopt(_socket.SOL_SOCKET, _socket.SO_ERROR)
        if error:
            self._end(EndKind.OTHER, connect_error(OSError(error, "connect")).reason)
            return
        self._watcher.stop()
        self._watcher.events = _READ
        self._watcher.start(self._ready)
        self.flush()

    def _ready(self) -> None:
        """Read, and send what has waited; of the loop, so no error may leave it."""
        if self._ended:
            return
        if self._tls_is_starting() and not self._shake_hands():
            return
        for _ in range(_READS):
            try:
                data = self._receive()
            except _WAITS:
                break
            except OSError as error:
                self._end(EndKind.OTHER, _lost(error))
                return
            self._take(data)
            if not self._is_open() or self._tls_is_starting():
                return
        else:
            if self._tls is not None and self._tls.pending():  # which no watcher sees
                self._watcher.loop.run_callback(self._ready)
        self.flush()

    def _is_open(self) -> bool:
        return not self._ended

    def _take(self, data: bytes) -> None:
        for event in self.stream.receive(data):
            if isinstance(event, StartTLS):
                self._start_tls()
            elif isinstance(event, Ended):
                self._say_goodbye()
                self._end(event.kind, event.reason)
            else:
                self._on_event(self, event)

    def _say_goodbye(self) -> None:
        """Send what there is, if that goes: why the stream has ended is known, and counts."""
        with suppress(OSError):
            self._send(self._unsent + self.stream.data_to_send())

    # TLS.

    def _tls_is_starting(self) -> bool:
        return self._tls is not None and not self.stream.is_secure

    def _start_tls(self) -> None:
        if self._tls_context is None:
            self._end(EndKind.OTHER, "the server demands TLS")
            return
        # Not ``wrap_socket``: its SSLSocket is gevent's, which waits.
        wrap = self._tls_context._wrap_socket  # noqa: SLF001
        try:
            self._tls = wrap(self._socket, server_side=False, server_hostname=self._name)
        except (OSError, ValueError):  # an ACS writes any domain
            self._end(EndKind.OTHER, "the domain is no host name")
            return
        self._shake_hands()

    def _shake_hands(self) -> bool:
        """Go on with the handshake; whether it is done."""
        try:
            self._tls.do_handshake()
        except ssl.SSLWantReadError:
            self._watch(_READ)
            return False
        except ssl.SSLWantWriteError:
            self._watch(_READ | _WRITE)
            return False
        except OSError as error:
            self._end(EndKind.OTHER, connect_error(error).reason)
            return False
        self.stream.secured()
        self.flush()
        return not self._ended

    # The socket.

    def _send(self, data: bytes) -> int:
        try:
            sent: int = self._socket.send(data) if self._tls is None else self._tls.write(data)
        except _WAITS:
            return 0
        return sent

    def _receive(self) -> bytes:
        source = self._socket.recv if self._tls is None else self._tls.read
        try:
            data: bytes = source(_CHUNK)
        except (ssl.SSLZeroReturnError, ssl.SSLEOFError):
            return b""
        return data

    def _watch(self, events: int) -> None:
        if self._watcher is not None and self._watcher.events != events:
            self._watcher.stop()
            self._watcher.events = events
            self._watcher.start(self._ready)

    def _end(self, kind: EndKind, reason: str) -> None:
        if self._ended:
            return
        self._ended = True
        self._release()
        self._on_event(self, Ended(kind, reason))

    def _release(self) -> None:
        if self._watcher is not None:
            self._watcher.close()
        if self._socket is not None:
            with suppress(OSError, ValueError):
                if self._tls is not None:
                    self._tls.shutdown()
            self._socket.close()
        self._tls = self._watcher = self._socket = None
        self._unsent = b""


def _lost(error: OSError) -> str:
    lost: TransportError = lost_error(error)
    return lost.reason
