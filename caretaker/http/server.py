"""
Serves WSGI applications on gevent: the Connection Request server and the embedded ACS.

An HTTP/1.1 server of our own, because most of the cost of a short request is the server's
(decision 0014). A connection has neither greenlet nor timer: the loop calls it when it is readable,
a C parser (httptools) reads its bytes, and only a complete request gets a greenlet. So an
application may wait, and one that does not wait costs one switch.
"""

from __future__ import annotations

import socket
import sys
from _socket import socket as Socket  # noqa: N812  # the base class of socket's and gevent's
from math import inf
from time import monotonic
from typing import TYPE_CHECKING, Any, Self

import gevent
from greenlet import getcurrent, greenlet
from mypy_extensions import mypyc_attr

from caretaker.http.connection_table import IDLE_SECONDS, ConnectionTable
from caretaker.http.gevent_loop import Loop
from caretaker.http.ip_addresses import bracketed, peer_address
from caretaker.http.listener import listen
from caretaker.http.request_parser import (
    DEFAULT_LIMITS,
    Request,
    RequestReader,
    ServerLimits,
    application_response,
    error_response,
)
from caretaker.http.server_tls import CONNECTION, ServerTLS, ServerTLSSocket
from caretaker.http.turns import Turns
from caretaker.http.wsgi_environ import ENVIRON

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment

PROGRESS = 64 * 1024
"""Bytes of a body for which a client has ``IDLE_SECONDS``."""
LINGER_SECONDS = 2.0
"""Grace period so that a rejected client can read the error before we close."""
_ACCEPTS = 64
"""Connections accepted in one turn of the loop."""
_IDLE_WORKERS = 64
"""Greenlets kept for later requests."""
_PIECE = 64 * 1024
_READ, _WRITE = 1, 2  # libev's
_MORE = getattr(socket, "MSG_MORE", 0)
"""What is sent waits for more: the end of the connection, which goes in the same packet."""
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

# -- connections ----------------------------------------------------------------------------------


class _Connection:
    """One TCP connection, whose requests are answered one after the other."""

    __slots__ = (
        "_busy", "_closed", "_host", "_last", "_new", "_out", "_reader", "_refused", "_socket",
        "_watched", "_watcher", "_worker", "deadline", "held",
    )  # fmt: skip

    def __init__(
        self, host: WSGIHost, sock: Socket | ServerTLSSocket, environ: WSGIEnvironment
    ) -> None:
        self._host = host
        self._socket = sock
        self._reader = RequestReader(environ, host.limits)
        self._busy = self._closed = self._last = self._refused = False
        self._worker: Any = None
        self._out: bytes | memoryview = b""
        self._watched = self._new = 0  # bytes since the deadline was set
        self._watcher = host.hub.loop.io(sock.fileno(), _READ)
        self.deadline = monotonic() + IDLE_SECONDS
        """When the connection is closed, if nothing happens before."""
        self.held = 0
        """Bytes of requests that are not answered yet."""

    def readable(self) -> None:
        """Read the available bytes and answer the complete requests, when there is time for it."""
        if self._host.turns.take():
            self._read()
        else:
            self._watch(0)
            self._host.turns.wait(self._read)

    def _read(self) -> None:
        if self._closed:
            return
        try:
            data = self._socket.recv(_PIECE)
        except BlockingIOError:
            data = None
        except OSError:
            data = b""
        if data:
            self._take(data)
        elif data is not None:
            self.close()
            return
        self._proceed()

    def _take(self, data: bytes) -> None:
        reader, host = self._reader, self._host
        is_new = not reader.in_message
        reader.feed(data)
        self._new += len(data)
        # Not at each piece: a client could send a byte now and then, and stay for ever.
        if reader.in_message and (is_new or (self._new >= PROGRESS and not reader.in_head)):
            self._renew()
        host.connections.hold(self, self.held + len(data))
        if not host.connections.has_bytes(monotonic()):
            reader.refuse("503 Service Unavailable")
        if reader.expects and not reader.requests:
            reader.expects = False
            self._send(_CONTINUE)

    def _renew(self) -> None:
        self.deadline, self._new = monotonic() + IDLE_SECONDS, 0

    def _proceed(self) -> None:
        """Answer requests until one has to wait. Runs in the hub."""
        requests, host = self._reader.requests, self._host
        while requests and not (self._busy or self._out or self._closed):
            self._busy = True
            host.turns.spend()
            self._worker = host.worker()
            self._worker.switch(self, requests.popleft())
        if self._closed:
            return
        self._watch(0 if self._busy else _WRITE if self._out else _READ)
        if not (self._busy or requests):
            host.connections.hold(self, self._reader.held)

    def _watch(self, events: int) -> None:
        if events == self._watched:
            return
        self._watched = events
        self._watcher.stop()
        if events:
            self._watcher.events = events
            self._watcher.start(self.readable if events == _READ else self._writable)

    def serve(self, request: Request) -> bool:
        """Answer a request, in a worker; whether the worker may go on, as nobody has killed it."""
        self.deadline = inf
        message, keep_alive = self._host.answer(request)
        if self._closed:
            return False
        self._busy, self._worker = False, None
        self._renew()
        self._last, self._refused = not keep_alive, bool(request.refusal)
        self._send(message)
        if self._watched != _READ:  # the application has waited, and ``_proceed`` has returned
            self._host.hub.loop.run_callback(self._proceed)
        return True

    def _send(self, data: bytes | memoryview) -> None:
        try:
            sent = self._send_last(data) if self._last else self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        self._out = memoryview(data)[sent:] if sent < len(data) else b""
        if self._last and not self._out:
            self._end()

    def _send_last(self, data: bytes | memoryview) -> int:
        if isinstance(self._socket, ServerTLSSocket):
            return self._socket.send(data)
        return self._socket.send(data, _MORE)

    def _writable(self) -> None:
        self._renew()
        self._send(self._out)
        self._proceed()

    def _end(self) -> None:
        # Closing would reset the connection, if bytes are unread, before the answer is read.
        self.deadline = monotonic() + LINGER_SECONDS
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.close()
        else:
            if not self._refused:
                self.close()

    def close(self) -> None:
        """Close the connection, and end the request that is being answered."""
        if self._closed:
            return
        self._closed = True
        self._watcher.stop()
        self._watcher.close()
        self._socket.close()
        self._reader.close()
        self._host.forget(self)
        if self._worker is not None:
            gevent.kill(self._worker)


# -- the host -------------------------------------------------------------------------------------


class WSGIHost:
    """
    A WSGI application at an address.

    Args:
        app: the application.
        host: the address to bind (decision D10: loopback, unless the user chooses another).
        port: 0 for any free one.
        loop: runs it.
        limits: larger requests are refused.
        tls: of its connections; without it they speak plain HTTP.
    """

    def __init__(
        self,
        app: WSGIApplication,
        host: str,
        port: int,
        loop: Loop,
        *,
        limits: ServerLimits = DEFAULT_LIMITS,
        tls: ServerTLS | None = None,
    ) -> None:
        self.scheme = "http" if tls is None else "https"
        self.host = host
        self.port = port
        self.limits = limits
        self.hub: Any = None
        """The gevent hub of the loop, once started."""
        self.turns: Any = None
        """What is done in one turn of the loop, likewise."""
        self.connections = ConnectionTable(limits.connections, limits.held_bytes)
        self._app = app
        self._loop = loop
        self._tls = tls.context() if tls is not None else None
        self._common: WSGIEnvironment = {}
        self._listener: Socket | None = None
        self._watchers: tuple[Any, ...] = ()
        self._idle: list[greenlet] = []

    def start(self) -> None:
        """
        Bind and serve.

        Raises:
            InputError: the address can't be bound.
        """
        self._loop.call(self._start)

    def _start(self) -> None:
        self._listener = listen(self.host, self.port)
        self.port = self._listener.getsockname()[1]
        self.hub = gevent.get_hub()
        self.turns = Turns(self.hub.loop)
        accepting = self.hub.loop.io(self._listener.fileno(), _READ)
        sweeping = self.hub.loop.timer(1.0, 1.0, ref=False)
        self._watchers = (accepting, sweeping)
        accepting.start(self._accept)
        sweeping.start(lambda: self.sweep(monotonic()))

    def _accept(self) -> None:
        for _ in range(_ACCEPTS):
            if not self.connections.make_room(monotonic()):
                self._watchers[0].stop()
                return
            try:
                self._take_one()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError:  # out of descriptors or memory; ``sweep`` tries again
                if not self.connections.close_oldest(monotonic()):
                    self._watchers[0].stop()
                    return

    def _take_one(self) -> None:
        assert self._listener is not None
        accept: Any = getattr(self._listener, "_accept")  # noqa: B009  # without its wrapper
        number, peer = accept()
        address = peer_address(peer[0])
        sock = Socket(self._listener.family, socket.SOCK_STREAM, 0, number)
        sock.setblocking(False)
        environ = self._environ_of(address)
        if self._tls is None:
            connection = _Connection(self, sock, environ)
        else:
            secure = ServerTLSSocket(sock, self._tls)
            of_tls = {"wsgi.url_scheme": "https", CONNECTION: secure}
            connection = _Connection(self, secure, {**environ, **of_tls})
        self.connections.add(connection, address)
        connection.readable()  # often the request is there already

    def _environ_of(self, address: str) -> WSGIEnvironment:
        """What the environs of all requests from an address share; most come from the last one."""
        if self._common.get("REMOTE_ADDR") != address:
            self._common = {
                **ENVIRON,
                "wsgi.errors": sys.stderr,
                "SERVER_NAME": self.host,
                "SERVER_PORT": str(self.port),
                "REMOTE_ADDR": address,
            }
        return self._common

    def sweep(self, now: float) -> None:
        """Close the connections whose deadline has passed; runs every second."""
        self.connections.sweep(now)
        self._accept_again()

    def forget(self, connection: _Connection) -> None:
        """Drop a closed connection, and accept another in its place."""
        self.connections.discard(connection)
        self._accept_again()

    def _accept_again(self) -> None:
        if self._watchers and not self._watchers[0].active:
            self._watchers[0].start(self._accept)

    def worker(self) -> greenlet:
        """
        A greenlet that serves requests: switch to it with a connection and a request.

        Only the hub switches to it, as to gevent's own callbacks, so that an application that waits
        comes back to the hub. Workers are used again, as each new greenlet maps memory.
        """
        return self._idle.pop() if self._idle else greenlet(self._work, self.hub)

    def _work(self, connection: _Connection, request: Request) -> None:
        while connection.serve(request) and len(self._idle) < _IDLE_WORKERS:
            self._idle.append(getcurrent())
            connection, request = self.hub.switch()

    def answer(self, request: Request) -> tuple[bytes, bool]:
        """The response to a request as bytes, and whether the connection stays open after it."""
        if request.refusal:
            return error_response(request, request.refusal), False
        try:
            return application_response(self._app, request)
        except Exception:  # noqa: BLE001  # the application's; other requests are served
            self.hub.handle_error(self._app, *sys.exc_info())
        failed = Request(request.environ, keep_alive=False)
        return error_response(failed, "500 Internal Server Error"), False

    @property
    def url(self) -> str:
        """``http://host:port`` or ``https://host:port``, without a slash at the end."""
        host = bracketed(self.host.replace("%", "%25"))  # the zone of an address (RFC 6874)
        return f"{self.scheme}://{host}:{self.port}"

    def stop(self) -> None:
        """Close the socket and end the requests that are being served."""
        if self._listener is not None:
            self._loop.call(self._stop)

    def _stop(self) -> None:
        assert self._listener is not None
        watchers, self._watchers = self._watchers, ()
        for watcher in watchers:
            watcher.stop()
            watcher.close()
        self._listener.close()
        self._listener = None
        for connection in self.connections:
            connection.close()
        self.turns.stop()
        self._idle.clear()


@mypyc_attr(allow_interpreted_subclasses=True)
class WSGIServer:
    """
    WSGI applications, each at an address of its own, in one gevent loop; also a context manager.

    Runs on the gevent loop of a patched process, in a thread of its own elsewhere.

    Args:
        loop: to share another's, which stays its owner's to stop; one of its own without.
    """

    def __init__(self, loop: Loop | None = None) -> None:
        self._owns_loop = loop is None
        self._loop = loop or Loop()
        self._hosts: list[WSGIHost] = []

    def _host_app(
        self,
        app: WSGIApplication,
        host: str,
        port: int,
        limits: ServerLimits = DEFAULT_LIMITS,
        tls: ServerTLS | None = None,
    ) -> WSGIHost:
        """Have the application served at this address from ``start`` on."""
        self._hosts.append(WSGIHost(app, host, port, self._loop, limits=limits, tls=tls))
        return self._hosts[-1]

    def start(self) -> Self:
        """
        Bind and serve, and return itself.

        Raises:
            InputError: an address can't be bound.
        """
        self._loop.start()
        try:
            for host in self._hosts:
                host.start()
        except BaseException:
            self.stop()
            raise
        return self

    def stop(self) -> None:
        """Stop serving."""
        for host in self._hosts:
            host.stop()
        if self._owns_loop:
            self._loop.stop()

    def __enter__(self) -> Self:
        """Start."""
        return self.start()

    def __exit__(self, *_: object) -> None:
        """Stop."""
        self.stop()
