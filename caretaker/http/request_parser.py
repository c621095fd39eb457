"""
The HTTP messages of a WSGI server: requests read from bytes, responses written as bytes.

No I/O: ``caretaker.http.server`` has the connections. A C parser (httptools) reads the
requests; this module refuses those that the parser accepts and a server must not.
"""

from __future__ import annotations

import re
from collections import deque
from email.utils import formatdate
from functools import lru_cache
from io import BytesIO
from time import time
from typing import TYPE_CHECKING, Any, NamedTuple
from urllib.parse import unquote_to_bytes

import httptools

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment

MAX_CONNECTIONS = 10_000
MAX_HEAD_BYTES = 64 * 1024
MAX_HEADERS = 200
MAX_BODY_BYTES = 4 * 1024 * 1024
MAX_PIPELINED = 64
MAX_HELD_BYTES = 256 * 1024 * 1024

# -- requests -------------------------------------------------------------------------------------


class ServerLimits(NamedTuple):
    """
    What a server takes (``docs/budgets.md``).

    Args:
        connections: at the same time; for a further one the oldest that is idle is closed, and if
            none is, the further one waits.
        head_bytes: of the request target and all headers; beyond it the answer is 431.
        headers: how many headers, likewise.
        body_bytes: of the body; beyond it the answer is 413.
        pipelined: requests of one connection that wait for their turn; the answer to a further one
            is 503.
        held_bytes: of requests that are not answered, over all connections; beyond it the idle
            connection that holds most is closed, and if none is idle, the answer is 503.
    """

    connections: int = MAX_CONNECTIONS
    head_bytes: int = MAX_HEAD_BYTES
    headers: int = MAX_HEADERS
    body_bytes: int = MAX_BODY_BYTES
    pipelined: int = MAX_PIPELINED
    held_bytes: int = MAX_HELD_BYTES


DEFAULT_LIMITS = ServerLimits()


class Request:
    """A request that has come in, or the status that refuses it."""

    __slots__ = ("environ", "keep_alive", "refusal")

    def __init__(
        self, environ: WSGIEnvironment, *, keep_alive: bool, refusal: str = ""
    ) -> None:  # fmt: skip
        self.environ = environ
        self.keep_alive = keep_alive
        self.refusal = refusal


ENVIRON = {
    "SCRIPT_NAME": "",
    "wsgi.version": (1, 0),
    "wsgi.url_scheme": "http",
    "wsgi.multithread": False,
    "wsgi.multiprocess": False,
    "wsgi.run_once": False,
}
"""The part of the WSGI environ that is the same for all requests."""
_LENIENCIES = dict.fromkeys(
    ("lenient_headers", "lenient_optional_cr_before_lf", "lenient_optional_lf_after_cr"),
    True,
)
"""Deviations of old and embedded clients; httptools calls them dangerous, which is for proxies."""
_ORIGIN = re.compile(r"https?://[^/?]*", re.IGNORECASE)


_MAX_KEPT = 256
"""Longer names of headers and request targets are not kept; a client can make any number."""


def _environ_key(name: bytes) -> str:
    """
    The environ's key for a header; empty for a name that could be mistaken for another's.

    Raises:
        ValueError: there is a space before the colon (RFC 7230 3.2.4: to be refused).
    """
    return _known_environ_key(name) if len(name) <= _MAX_KEPT else _new_environ_key(name)


def _new_environ_key(name: bytes) -> str:
    if name.endswith((b" ", b"\t")):
        raise ValueError("space before the colon of a header")
    key = name.decode("latin-1").upper().replace("-", "_")
    if b"_" in name:
        return ""
    return key if key in ("CONTENT_TYPE", "CONTENT_LENGTH") else f"HTTP_{key}"


_known_environ_key = lru_cache(1024)(_new_environ_key)


def _target_environ(url: bytes) -> dict[str, str]:
    """The environ's keys for a request target; an absolute URL loses its origin."""
    return _known_target_environ(url) if len(url) <= _MAX_KEPT else _new_target_environ(url)


def _new_target_environ(url: bytes) -> dict[str, str]:
    target = url.decode("latin-1")
    if not target.startswith("/"):
        target = _ORIGIN.sub("", target)
        target = target if target.startswith(("/", "*")) else f"/{target}"
    path, _, query = target.partition("?")
    decoded = unquote_to_bytes(path.encode("latin-1")).decode("latin-1")  # as PEP 3333 has it
    return {"REQUEST_URI": target, "PATH_INFO": decoded, "QUERY_STRING": query}


_known_target_environ = lru_cache(1024)(_new_target_environ)


class RequestReader:
    """
    Makes requests from the bytes of one connection, in pieces of any size.

    httptools calls the ``on_`` methods.

    Args:
        environ: the part of the WSGI environ that all requests of the connection share.
        limits: larger requests are refused.
    """

    __slots__ = (
        "_body", "_carried", "_common", "_environ", "_fed", "_fruitless", "_headers", "_limits",
        "_parser", "_size", "_url", "expects", "held", "in_head", "in_message", "over", "requests",
    )  # fmt: skip
    __deletable__ = ["_parser"]  # noqa: RUF012  # to be found by mypyc

    def __init__(self, environ: WSGIEnvironment, limits: ServerLimits = DEFAULT_LIMITS) -> None:
        self._common = environ
        self._limits = limits
        self.requests: deque[Request] = deque()
        """Complete requests in their order; a refused one is the last."""
        self.over = False
        """Whether the last request has come; further bytes are ignored."""
        self.in_head = False
        """Whether a request has begun whose head is not complete."""
        self.in_message = False
        """Whether a request has begun that is not complete."""
        self.held = 0
        """Bytes that have come for it, about."""
        self.expects = False
        """Whether the client waits for 100 Continue."""
        self._fruitless = self._fed = 0
        self._carried: WSGIEnvironment | None = None
        self._parser = self._new_parser()

    def _new_parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        parser.set_dangerous_leniencies(**_LENIENCIES)
        return parser

    def feed(self, data: bytes) -> None:
        """Read the next bytes of the connection."""
        if self.over:
            return
        self._fed = len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserUpgrade as upgrade:
            self._ignore_upgrade(data[upgrade.args[0] :])
        except httptools.HttpParserError:
            self.refuse("400 Bad Request")
        else:
            self.held += len(data) * self.in_message  # of a message that has ended nothing is held
            self._fruitless += len(data)
            if self._fruitless > 2 * self._limits.head_bytes:  # a head or trailer without an end
                self.refuse("431 Request Header Fields Too Large")

    def refuse(self, status: str) -> None:
        """Answer the present request with this status; it is the last of the connection."""
        if not self.over:
            self.over = True
            self._end_message()
            self.requests.append(Request({}, keep_alive=False, refusal=status))

    def _end_message(self) -> None:
        self.in_message, self.held = False, 0
        self._body = bytearray()

    def _ignore_upgrade(self, rest: bytes) -> None:
        """
        Go on without the upgrade that the client offers, as a server may (RFC 7230 6.7).

        The parser stops behind the head; a new parser reads the body that follows.
        """
        if self.requests[-1].refusal:
            return
        request = self.requests.pop()
        environ, keep_alive = request.environ, request.keep_alive
        if environ["REQUEST_METHOD"] == "CONNECT":
            self.refuse("405 Method Not Allowed")
            return
        self._carried, self.over, self._parser = environ, False, self._new_parser()
        framing = f"Content-Length: {environ.get('CONTENT_LENGTH') or 0}"
        if "HTTP_TRANSFER_ENCODING" in environ:
            framing = f"Transfer-Encoding: {environ['HTTP_TRANSFER_ENCODING']}"
        last = "" if keep_alive else "Connection: close\r\n"
        head = f"POST / HTTP/1.1\r\n{last}{framing}\r\n\r\n"
        self.feed(head.encode("latin-1") + rest)

    def on_message_begin(self) -> None:
        """Begin a request."""
        self._environ = self._common.copy()
        self._url = b""
        self._body = bytearray()
        self._size = self._headers = self.held = 0
        self._fruitless = -self._fed  # it may begin behind much else in these bytes
        self.in_head = self.in_message = True

    def on_url(self, piece: bytes) -> None:
        """Add a piece of the request target."""
        self._url += piece

    def on_header(self, name: bytes, value: bytes) -> None:
        """Add a header; trailers are ignored."""
        key = _environ_key(name)
        self._size += len(name) + len(value) + 4
        self._headers += 1
        if not (key and self.in_head) or self._headers > self._limits.headers:
            return
        # White space after a value does not belong to it (RFC 7230 3.2.4); the parser keeps it.
        text = value.decode("latin-1").strip(" \t")
        if key in self._environ:
            text = f"{self._environ[key]}{'; ' if key == 'HTTP_COOKIE' else ', '}{text}"
        self._environ[key] = text

    def on_headers_complete(self) -> None:
        """Check the head, and set the environ by it."""
        self.in_head = False
        if self._carried is None:
            self._complete_head(self._environ)
        else:
            self._environ, self._carried = self._carried, None
        expected = self._environ.get("HTTP_EXPECT", "").lower()
        self.expects = expected == "100-continue" and not self.over and self._is_http_1_1()

    def _is_http_1_1(self) -> bool:
        return bool(self._environ["SERVER_PROTOCOL"] == "HTTP/1.1")

    def _complete_head(self, environ: WSGIEnvironment) -> None:
        environ.update(_target_environ(self._url))
        environ["REQUEST_METHOD"] = self._parser.get_method().decode("latin-1")
        environ["SERVER_PROTOCOL"] = version = f"HTTP/{self._parser.get_http_version()}"
        if version not in ("HTTP/1.1", "HTTP/1.0"):
            self.refuse("505 HTTP Version Not Supported")
        limits = self._limits
        if self._size + len(self._url) > limits.head_bytes or self._headers > limits.headers:
            self.refuse("431 Request Header Fields Too Large")
        self._size = 0  # of the body, from here on
        if "HTTP_TRANSFER_ENCODING" in environ:
            self._check_coding(environ)
        elif int(environ.get("CONTENT_LENGTH") or 0) > limits.body_bytes:
            self.refuse("413 Content Too Large")

    def _check_coding(self, environ: WSGIEnvironment) -> None:
        """Refuse a body without a clear end: it could hide a request (RFC 7230 3.3.3, 9.5)."""
        if "CONTENT_LENGTH" in environ:
            self.refuse("400 Bad Request")
        elif environ["HTTP_TRANSFER_ENCODING"].strip().lower() != "chunked":
            self.refuse("501 Not Implemented")

    def on_body(self, piece: bytes) -> None:
        """Add a piece of the body."""
        self._fruitless = -self._fed
        self._size += len(piece)
        if self._size > self._limits.body_bytes:
            self.refuse("413 Content Too Large")
        if not self.over:
            self._body += piece  # a list of small pieces would be many times as large

    def on_message_complete(self) -> None:
        """Put the request into ``requests``, unless it was refused."""
        self.expects = False
        if self.over:
            return
        if len(self.requests) >= self._limits.pipelined:
            self.refuse("503 Service Unavailable")
            return
        keep_alive = self._parser.should_keep_alive()
        self.over = not keep_alive
        environ, body = self._environ, bytes(self._body)
        self._end_message()
        if body:
            environ["CONTENT_LENGTH"] = str(len(body))  # one that came in chunks has none
        environ["wsgi.input"] = BytesIO(body)
        self.requests.append(Request(environ, keep_alive=keep_alive))

    def close(self) -> None:
        """Break the circle of parser and reader, which would wait for the garbage collector."""
        del self._parser
        self.over = True


# -- responses ------------------------------------------------------------------------------------


@lru_cache(1)
def _date(second: int) -> str:
    return formatdate(second, usegmt=True)


def application_response(app: WSGIApplication, request: Request) -> tuple[bytes, bool]:
    """An application's response as bytes, and whether the connection stays open after it."""
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
    if not status:
        raise ValueError("the application has not called start_response")
    return _message(request, status, headers, b"".join(body))


def _message(
    request: Request, status: str, headers: list[tuple[str, str]], body: bytes
) -> tuple[bytes, bool]:
    """A response as bytes, with the headers that the application left out (RFC 7230 3.3, 6.1)."""
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


def error_response(request: Request, status: str) -> bytes:
    """The response to a request that the application has not answered: its status as text."""
    return _message(request, status, [("Content-Type", "text/plain")], f"{status}\n".encode())[0]
