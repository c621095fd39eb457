"""
Hosting a WSGI application on gevent: the Connection Request server and the embedded ACS.

An HTTP/1.1 server of our own, because the host is most of what a short request costs (decision
0014). A connection has neither greenlet nor timer: the loop calls it when there is something to
read, a C parser (httptools) reads it, and only a complete request gets a greenlet. So an
application may wait as it likes, and one that does not wait costs one switch.
"""

from __future__ import annotations

import errno
import re
import socket
import sys
from _socket import socket as Socket  # noqa: N812  # the class below socket's and gevent's
from collections import deque
from email.utils import formatdate
from functools import lru_cache
from io import BytesIO
from math import inf
from time import monotonic, time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_to_bytes

import gevent
import httptools
from greenlet import getcurrent, greenlet

from caretaker.errors import InputError

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment

    from caretaker.loop import Loop

MAX_CONNECTIONS = 10_000
"""Connections that are served at once; further ones wait in the kernel's queue."""
MAX_HEAD_BYTES = 64 * 1024
MAX_BODY_BYTES = 4 * 1024 * 1024
"""The largest body of a request, where the host is not told another."""
IDLE_SECONDS = 60.0
"""How long a connection may be idle, a head or a piece of a body take, an answer be taken."""
LINGER_SECONDS = 2.0
"""How long a client that is refused may still talk: closed at once, it might not read why."""
_BACKLOG = 2048
_ACCEPTS = 64
"""Connections that are accepted in one turn of the loop."""
_IDLE_WORKERS = 64
"""Greenlets that are kept for requests to come."""
_PIECE = 64 * 1024
_READ, _WRITE = 1, 2  # libev's
_CONTINUE = b"HTTP/1.1 100 Continue\r\n\r\n"

# -- requests -------------------------------------------------------------------------------------


class Request(NamedTuple):
    """A request that has come in, or the status that refuses it."""

    environ: WSGIEnvironment
    keep_alive: bool
    refusal: str = ""


_ENVIRON = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.multithread": False,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}
_LENIENCIES = dict.fromkeys(
    (
        "lenient_headers",
        "lenient_chunked_length",
        "lenient_optional_cr_before_lf",
        "lenient_optional_lf_after_cr",
    ),
    True,
)
"""What old and embedded clients send; "dangerous" for a proxy, which we are not."""
_ORIGIN = re.compile(r"https?://[^/?]*", re.IGNORECASE)


@lru_cache(1024)
def _key(name: bytes) -> str:
    """The environ's key for a header; empty for one that would pass for another's."""
    key = name.decode("latin-1").upper().replace("-", "_")
    if b"_" in name:
        return ""
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


@lru_cache(1024)
def _split(url: bytes) -> dict[str, str]:
    """The environ's part of a request target, without the origin of an absolute one."""
    target = url.decode("latin-1")
    if not target.startswith("/"):
        target = _ORIGIN.sub("", target)
        target = target if target.startswith(("/", "*")) else f"/{target}"
    path, _, query = target.partition("?")
    decoded = unquote_to_bytes(path.encode("latin-1")).decode("latin-1")  # as PEP 3333 has it
    return {"REQUEST_URI": target, "PATH_INFO": decoded, "QUERY_STRING": query}


class RequestReader:
    """
    Makes requests of the bytes of one connection, however these are split.

    httptools calls the ``on_`` methods.

    Args:
        environ: what all requests of the connection have in common.
        max_body_bytes: larger bodies are refused.
    """

    __slots__ = (
        "_body", "_carried", "_common", "_environ", "_fed", "_head_bytes", "_max_body_bytes",
        "_parser", "_size", "_url", "expects", "in_head", "over", "requests",
    )  # fmt: skip

    def __init__(self, environ: WSGIEnvironment, max_body_bytes: int = MAX_BODY_BYTES) -> None:
        self._common = environ
        self._max_body_bytes = max_body_bytes
        self.requests: deque[Request] = deque()
        """Those that are complete, in their order; a refusal is the last."""
        self.over = False
        """Whether the last request has come; what follows is passed over."""
        self.in_head = False
        """Whether a request has begun and its head is not complete."""
        self.expects = False
        """Whether the client waits for 100 Continue."""
        self._head_bytes = self._fed = 0
        self._carried: WSGIEnvironment | None = None
        self._parser = self._new_parser()

    def _new_parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        parser.set_dangerous_leniencies(**_LENIENCIES)
        return parser

    def feed(self, data: bytes) -> None:
        """Take bytes."""
        if self.over:
            return
        self._fed = len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._pass_over_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self._refuse("400 Bad Request")
        else:
            self._head_bytes += len(data)
            if self.in_head and self._head_bytes > MAX_HEAD_BYTES:
                self._refuse("431 Request Header Fields Too Large")

    def _refuse(self, status: str) -> None:
        if not self.over:
            self.over = True
            self.requests.append(Request({}, keep_alive=False, refusal=status))

    def _pass_over_upgrade(self, rest: bytes) -> None:
        """
        Go on as if no upgrade had been offered, which need not be taken (RFC 7230 6.7).

        The parser has stopped behind the head; a body that follows is read by another one.
        """
        environ, keep_alive, _ = self.requests.pop()
        if environ["REQUEST_METHOD"] == "CONNECT":
            self._refuse("405 Method Not Allowed")
            return
        self._carried, self.over, self._parser = environ, False, self._new_parser()
        framing = f"Content-Length: {environ.get('CONTENT_LENGTH') or 0}"
        if "HTTP_TRANSFER_ENCODING" in environ:
            framing = f"Transfer-Encoding: {environ['HTTP_TRANSFER_ENCODING']}"
        last = "" if keep_alive else "Connection: close\r\n"
        head = f"POST / HTTP/1.1\r\n{last}{framing}\r\n\r\n"
        self.feed(head.encode("latin-1") + rest)

    def on_message_begin(self) -> None:
        """A request begins."""
        self._environ = self._common.copy()
        self._url = b""
        self._body: list[bytes] = []
        self._size = 0
        self._head_bytes = -self._fed  # it may begin behind much else in these bytes
        self.in_head = True

    def on_url(self, piece: bytes) -> None:
        """Take a part of the request target."""
        self._url += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header; trailers are passed over."""
        key = _key(name)
        if not (key and self.in_head):
            return
        text = value.decode("latin-1")
        if key in self._environ:
            text = f"{self._environ[key]}{'; ' if key == 'HTTP_COOKIE' else ', '}{text}"
        self._environ[key] = text

    def on_headers_complete(self) -> None:
        """The head is complete."""
        self.in_head = False
        if self._carried is not None:
            self._environ, self._carried = self._carried, None
            return
        environ = self._environ
        environ.update(_split(self._url))
        environ["REQUEST_METHOD"] = self._parser.get_method().decode("latin-1")
        environ["SERVER_PROTOCOL"] = version = f"HTTP/{self._parser.get_http_version()}"
        if version not in ("HTTP/1.1", "HTTP/1.0"):
            self._refuse("505 HTTP Version Not Supported")
        if int(environ.get("CONTENT_LENGTH") or 0) > self._max_body_bytes:
            self._refuse("413 Content Too Large")
        expected = environ.get("HTTP_EXPECT", "").lower()
        self.expects = expected == "100-continue" and version == "HTTP/1.1" and not self.over

    def on_body(self, piece: bytes) -> None:
        """Take a part of the body."""
        self._size += len(piece)
        if self._size > self._max_body_bytes:
            self._refuse("413 Content Too Large")
        if not self.over:
            self._body.append(piece)

    def on_message_complete(self) -> None:
        """The request is complete."""
        self.expects = False
        if self.over:
            return
        keep_alive = self._parser.should_keep_alive()
        self.over = not keep_alive
        environ, body = self._environ, b"".join(self._body)
        if body:
            environ["CONTENT_LENGTH"] = str(len(body))  # one that came in chunks has none
        environ["wsgi.input"] = BytesIO(body)
        self.requests.append(Request(environ, keep_alive))

    def close(self) -> None:
        """Let go of the parser, which holds this: no work for the garbage collector."""
        del self._parser
        self.over = True


# -- answers --------------------------------------------------------------------------------------


@lru_cache(1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def answer(app: WSGIApplication, request: Request) -> tuple[bytes, bool]:
    """The bytes of an application's answer, and whether the connection goes on after it."""
    status, headers = "", []
    body: list[bytes] = []

    def start_response(
        its_status: str, its_headers: list[tuple[str, str]], _: object = None
    ) -> Any:
        nonlocal status, headers
        status, headers = its_status, its_headers
        return body.append

    parts = app(request.environ, start_response)
    try:
        body.extend(parts)
    finally:
        if hasattr(parts, "close"):
            parts.close()
    return _message(request, status, headers, b"".join(body))


def _message(
    request: Request, status: str, headers: list[tuple[str, str]], body: bytes
) -> tuple[bytes, bool]:
    """An answer in bytes: what the application has left out is added (RFC 7230 3.3, 6.1)."""
    keep_alive = request.keep_alive
    lines = [f"HTTP/1.1 {status}\r\nDate: {_date(int(time()))}"]
    given = set()
    for name, value in headers:
        lines.append(f"{name}: {value}")
        given.add(name.lower())
        if name.lower() == "connection" and value.lower() == "close":
            keep_alive = False
    bodiless = status[:3] in ("204", "304")
    if "content-length" not in given and not bodiless:
        lines.append(f"Content-Length: {len(body)}")
    if "connection" not in given and not keep_alive:
        lines.append("Connection: close")
    elif keep_alive and request.environ["SERVER_PROTOCOL"] == "HTTP/1.0":
        lines.append("Connection: keep-alive")
    lines.append("\r\n")
    head = "\r\n".join(lines).encode("latin-1", "replace")
    if bodiless or request.environ.get("REQUEST_METHOD") == "HEAD":
        return head, keep_alive
    return head + body, keep_alive


def _short(request: Request, status: str) -> bytes:
    """The answer to a request that the application has not answered."""
    return _message(request, status, [("Content-Type", "text/plain")], f"{status}\n".encode())[0]


# -- connections ----------------------------------------------------------------------------------


class _Connection:
    """One TCP connection: its requests are answered one after the other."""

    __slots__ = (
        "_busy", "_closed", "_host", "_last", "_out", "_reader", "_refused", "_socket", "_watched",
        "_watcher", "_worker", "deadline",
    )  # fmt: skip

    def __init__(self, host: WSGIHost, sock: Socket, environ: WSGIEnvironment) -> None:
        self._host = host
        self._socket = sock
        self._reader = RequestReader(environ, host.max_body_bytes)
        self._busy = self._closed = self._last = self._refused = False
        self._worker: Any = None
        self._out: bytes | memoryview = b""
        self._watched = 0
        self._watcher = host.hub.loop.io(sock.fileno(), _READ)
        self.deadline = monotonic() + IDLE_SECONDS
        """When it is let go, if nothing happens before."""

    def readable(self) -> None:
        """Read what there is, and answer the requests that are complete."""
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
        reader = self._reader
        if not (reader.in_head or self._refused):
            self.deadline = monotonic() + IDLE_SECONDS
        reader.feed(data)
        if reader.expects and not reader.requests:
            reader.expects = False
            self._send(_CONTINUE)

    def _proceed(self) -> None:
        """Have requests answered while nothing must be waited for. Runs in the hub."""
        requests = self._reader.requests
        while requests and not (self._busy or self._out or self._closed):
            self._busy = True
            self._worker = self._host.worker()
            self._worker.switch(self, requests.popleft())
        if not self._closed:
            self._watch(0 if self._busy else _WRITE if self._out else _READ)

    def _watch(self, events: int) -> None:
        if events == self._watched:
            return
        self._watched = events
        self._watcher.stop()
        if events:
            self._watcher.events = events
            self._watcher.start(self.readable if events == _READ else self._writable)

    def serve(self, request: Request) -> bool:
        """Answer a request, in a worker; whether that may go on, as nobody ends it."""
        self.deadline = inf
        message, keep_alive = self._host.answer(request)
        if self._closed:
            return False
        self._busy, self._worker = False, None
        self.deadline = monotonic() + IDLE_SECONDS
        self._last, self._refused = not keep_alive, bool(request.refusal)
        self._send(message)
        if self._watched != _READ:  # it had to wait, and the hub goes on elsewhere
            self._host.hub.loop.run_callback(self._proceed)
        return True

    def _send(self, data: bytes | memoryview) -> None:
        try:
            sent = self._socket.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            self.close()
            return
        self._out = memoryview(data)[sent:] if sent < len(data) else b""
        if self._last and not self._out:
            self._end()

    def _writable(self) -> None:
        self.deadline = monotonic() + IDLE_SECONDS
        self._send(self._out)
        self._proceed()

    def _end(self) -> None:
        if not self._refused:
            self.close()
            return
        # Closing now would reset the connection, with bytes unread, before the answer is read.
        self.deadline = monotonic() + LINGER_SECONDS
        try:
            self._socket.shutdown(socket.SHUT_WR)
        except OSError:
            self.close()

    def close(self) -> None:
        """Let go of it, and of the request that is being answered."""
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
        host: the address to bind; loopback unless told (decision D10).
        port: 0 for any free one.
        loop: runs it.
        max_body_bytes: larger bodies of requests are answered 413.
    """

    def __init__(
        self,
        app: WSGIApplication,
        host: str,
        port: int,
        loop: Loop,
        *,
        max_body_bytes: int = MAX_BODY_BYTES,
    ) -> None:
        self.host = host
        self.port = port
        self.max_body_bytes = max_body_bytes
        self.hub: Any = None
        """The gevent hub it runs in, while it does."""
        self.connections: set[_Connection] = set()
        self._app = app
        self._loop = loop
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
        self._listener = self._listen()
        self.port = self._listener.getsockname()[1]
        self.hub = gevent.get_hub()
        accepting = self.hub.loop.io(self._listener.fileno(), _READ)
        sweeping = self.hub.loop.timer(1.0, 1.0, ref=False)
        self._watchers = (accepting, sweeping)
        accepting.start(self._accept)
        sweeping.start(lambda: self.sweep(monotonic()))

    def _listen(self) -> Socket:
        family = socket.AF_INET6 if ":" in self.host else socket.AF_INET
        listener = Socket(family, socket.SOCK_STREAM)
        try:
            listener.setblocking(False)
            listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            # Inherited by the connections: Nagle would hold the end of a long answer for 40 ms.
            listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            listener.bind((self.host, self.port))
            listener.listen(_BACKLOG)
        except OSError as error:
            listener.close()
            why = "in use" if error.errno == errno.EADDRINUSE else (error.strerror or str(error))
            cure = "choose another address or port"
            raise InputError(f"{self.host}:{self.port}: {why}; {cure}") from error
        return listener

    def _accept(self) -> None:
        for _ in range(_ACCEPTS):
            if len(self.connections) >= MAX_CONNECTIONS:
                self._watchers[0].stop()
                return
            try:
                self._take_one()
            except (BlockingIOError, ConnectionAbortedError):
                return
            except OSError:  # out of descriptors or memory; ``sweep`` tries again
                self._watchers[0].stop()
                return

    def _take_one(self) -> None:
        assert self._listener is not None
        accept: Any = getattr(self._listener, "_accept")  # noqa: B009  # without its wrapper
        number, peer = accept()
        sock = Socket(self._listener.family, socket.SOCK_STREAM, 0, number)
        sock.setblocking(False)
        environ: WSGIEnvironment = {
            **_ENVIRON,
            "wsgi.errors": sys.stderr,
            "SERVER_NAME": self.host,
            "SERVER_PORT": str(self.port),
            "REMOTE_ADDR": peer[0],
        }
        connection = _Connection(self, sock, environ)
        self.connections.add(connection)
        connection.readable()  # often the request is there already

    def sweep(self, now: float) -> None:
        """Let go of the connections whose time is over; done every second."""
        for connection in [each for each in self.connections if each.deadline < now]:
            connection.close()
        self._accept_again()

    def forget(self, connection: _Connection) -> None:
        """A connection is closed."""
        self.connections.discard(connection)
        self._accept_again()

    def _accept_again(self) -> None:
        if self._watchers and not self._watchers[0].active:
            self._watchers[0].start(self._accept)

    def worker(self) -> greenlet:
        """
        A greenlet that serves requests: switch to it with a connection and a request.

        Only the hub does that, as gevent's own callbacks do, so that whatever the application
        waits for comes back to the hub. They are used again: a new one maps memory each time.
        """
        return self._idle.pop() if self._idle else greenlet(self._work, self.hub)

    def _work(self, connection: _Connection, request: Request) -> None:
        while connection.serve(request) and len(self._idle) < _IDLE_WORKERS:
            self._idle.append(getcurrent())
            connection, request = self.hub.switch()

    def answer(self, request: Request) -> tuple[bytes, bool]:
        """The bytes of the answer to a request, and whether the connection goes on after it."""
        if request.refusal:
            return _short(request, request.refusal), False
        try:
            return answer(self._app, request)
        except Exception:  # noqa: BLE001  # an error of the application; the others are served
            self.hub.handle_error(self._app, *sys.exc_info())
        return _short(request._replace(keep_alive=False), "500 Internal Server Error"), False

    @property
    def url(self) -> str:
        """``http://host:port``, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

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
        for connection in list(self.connections):
            connection.close()
        self._idle.clear()
