"""
The HTTP messages of a WSGI server: requests read from bytes, responses written as bytes.

No I/O: ``caretaker.http.server`` has the connections. A C parser (httptools) reads the
requests; this module refuses those that the parser accepts and a server must not.
"""

from __future__ import annotations

from collections import deque
from email.utils import formatdate
from functools import lru_cache
from io import BytesIO
from time import time
from typing import TYPE_CHECKING, Any, NamedTuple

import httptools

from caretaker.http.known_heads import MAX_FIELDS, MAX_HEAD, KnownHeads, WholeRequest
from caretaker.http.wsgi_environ import environ_key, target_environ

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


_LENIENCIES = dict.fromkeys(
    ("lenient_headers", "lenient_optional_cr_before_lf", "lenient_optional_lf_after_cr"),
    True,
)
"""Deviations of old and embedded clients; httptools calls them dangerous, which is for proxies."""


class RequestReader:
    """
    Makes requests from the bytes of one connection, in pieces of any size.

    httptools calls the ``on_`` methods.

    Args:
        environ: the part of the WSGI environ that all requests of the connection share.
        limits: larger requests are refused.
        by_parser: all requests, also those whose heads are known; it must make no difference.
    """

    __slots__ = (
        "_body", "_carried", "_common", "_environ", "_fed", "_fruitless", "_headers", "_limits",
        "_parser", "_size", "_takes_known", "_url", "expects", "held", "in_head", "in_message",
        "over", "requests",
    )  # fmt: skip

    def __init__(
        self,
        environ: WSGIEnvironment,
        limits: ServerLimits = DEFAULT_LIMITS,
        *,
        by_parser: bool = False,
    ) -> None:
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
        has_room = limits.head_bytes >= MAX_HEAD and limits.headers >= MAX_FIELDS
        self._takes_known = has_room and not by_parser
        self._parser: Any = None  # made when a request needs it

    def _new_parser(self) -> httptools.HttpRequestParser:
        parser = httptools.HttpRequestParser(self)
        parser.set_dangerous_leniencies(**_LENIENCIES)
        return parser

    def feed(self, data: bytes) -> None:
        """Read the next bytes of the connection."""
        if self.over or self._take_known(data):
            return
        self._fed = len(data)
        if self._parser is None:
            self._parser = self._new_parser()
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

    def _take_known(self, data: bytes) -> bool:
        """Take a whole request whose head is known; False leaves the bytes to the parser."""
        if self.in_message or self.requests or self._carried is not None or not self._takes_known:
            return False
        known = _HEADS.read(data, self._common)
        if known is None or len(known.body) > self._limits.body_bytes:
            return False
        self._fruitless = 0
        self.over = not known.keep_alive
        self.requests.append(_request(*known))
        return True

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
        key = environ_key(name)
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
        environ.update(target_environ(self._url))
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
        self.requests.append(_request(environ, body, keep_alive))

    def close(self) -> None:
        """Break the circle of parser and reader, which would wait for the garbage collector."""
        self._parser = None
        self.over = True


def _request(environ: WSGIEnvironment, body: bytes, keep_alive: bool) -> Request:  # noqa: FBT001
    if body:
        environ["CONTENT_LENGTH"] = str(len(body))  # one that came in chunks has none
    environ["wsgi.input"] = BytesIO(body)
    return Request(environ, keep_alive=keep_alive)


def _parsed_head(head: bytes) -> WholeRequest | None:
    """What the parser reads of a head without a body; None if it is not plain, or not whole."""
    reader = RequestReader({}, by_parser=True)
    reader.feed(head)
    request = reader.requests.popleft() if len(reader.requests) == 1 else None
    reader.close()
    if request is None or request.refusal or not _OTHER_WAYS.isdisjoint(request.environ):
        return None
    body: bytes = request.environ.pop("wsgi.input").read()
    return WholeRequest(request.environ, body, request.keep_alive)


_OTHER_WAYS = frozenset({"HTTP_EXPECT", "HTTP_UPGRADE", "HTTP_TRANSFER_ENCODING"})
"""Headers of requests that need more than an answer."""
_HEADS = KnownHeads(_parsed_head)


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
    given = [name.lower() for name, _ in headers]
    lines = "".join([f"{name}: {value}\r\n" for name, value in headers])
    keep_alive = request.keep_alive
    if "connection" in given:
        keep_alive = keep_alive and not _closes(headers)
    elif not keep_alive:
        lines += "Connection: close\r\n"
    elif request.environ["SERVER_PROTOCOL"] == "HTTP/1.0":
        lines += "Connection: keep-alive\r\n"
    bodiless = status[:3] in ("204", "304")
    if not bodiless and "content-length" not in given:
        lines += f"Content-Length: {len(body)}\r\n"
    date = _date(int(time()))
    head = f"HTTP/1.1 {status}\r\nDate: {date}\r\n{lines}\r\n".encode("latin-1", "replace")
    if bodiless or request.environ.get("REQUEST_METHOD") == "HEAD":
        return head, keep_alive
    return head + body, keep_alive


def _closes(headers: list[tuple[str, str]]) -> bool:
    return ("connection", "close") in [(name.lower(), value.lower()) for name, value in headers]


def error_response(request: Request, status: str) -> bytes:
    """The response to a request that the application has not answered: its status as text."""
    return _message(request, status, [("Content-Type", "text/plain")], f"{status}\n".encode())[0]
