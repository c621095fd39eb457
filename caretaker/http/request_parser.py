"""
The HTTP messages of a WSGI server: requests out of bytes, however split, and bytes out of answers.

No I/O: ``caretaker.http.server`` has the connections. A C parser (httptools) reads; what it lets
pass that a server must not is refused here.
"""

from __future__ import annotations

import re
from collections import deque
from email.utils import formatdate
from functools import lru_cache
from io import BytesIO
from time import time
from typing import TYPE_CHECKING, Any
from urllib.parse import unquote_to_bytes

import httptools

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication, WSGIEnvironment

MAX_HEAD_BYTES = 64 * 1024
"""Of the target and all headers of a request."""
MAX_BODY_BYTES = 4 * 1024 * 1024
"""The largest body of a request, where the server is not told another."""

# -- requests -------------------------------------------------------------------------------------


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
"""What is the same in all requests."""
_LENIENCIES = dict.fromkeys(
    ("lenient_headers", "lenient_optional_cr_before_lf", "lenient_optional_lf_after_cr"),
    True,
)
"""What old and embedded clients send; "dangerous" for a proxy, which we are not."""
_ORIGIN = re.compile(r"https?://[^/?]*", re.IGNORECASE)


@lru_cache(1024)
def _key(name: bytes) -> str:
    """
    The environ's key for a header; empty for one that would pass for another's.

    Raises:
        ValueError: there is a space before the colon (RFC 7230 3.2.4: to be refused).
    """
    if name.endswith((b" ", b"\t")):
        raise ValueError("space before the colon of a header")
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
    __deletable__ = ["_parser"]  # noqa: RUF012  # to be found by mypyc

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
            if self.in_head and self._head_bytes > 2 * MAX_HEAD_BYTES:  # it has no end
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
        if self.requests[-1].refusal:
            return
        request = self.requests.pop()
        environ, keep_alive = request.environ, request.keep_alive
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
        self._size += len(name) + len(value) + 4
        if not (key and self.in_head):
            return
        # White space around a value is none of it (RFC 7230 3.2.4); the parser leaves it behind.
        text = value.decode("latin-1").strip(" \t")
        if key in self._environ:
            text = f"{self._environ[key]}{'; ' if key == 'HTTP_COOKIE' else ', '}{text}"
        self._environ[key] = text

    def on_headers_complete(self) -> None:
        """The head is complete."""
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
        environ.update(_split(self._url))
        environ["REQUEST_METHOD"] = self._parser.get_method().decode("latin-1")
        environ["SERVER_PROTOCOL"] = version = f"HTTP/{self._parser.get_http_version()}"
        if version not in ("HTTP/1.1", "HTTP/1.0"):
            self._refuse("505 HTTP Version Not Supported")
        if self._size + len(self._url) > MAX_HEAD_BYTES:
            self._refuse("431 Request Header Fields Too Large")
        self._size = 0  # of the body, from here on
        if "HTTP_TRANSFER_ENCODING" in environ:
            self._check_coding(environ)
        elif int(environ.get("CONTENT_LENGTH") or 0) > self._max_body_bytes:
            self._refuse("413 Content Too Large")

    def _check_coding(self, environ: WSGIEnvironment) -> None:
        """Where a body ends must be plain, or a request could hide in it (RFC 7230 3.3.3, 9.5)."""
        if "CONTENT_LENGTH" in environ:
            self._refuse("400 Bad Request")
        elif environ["HTTP_TRANSFER_ENCODING"].strip().lower() != "chunked":
            self._refuse("501 Not Implemented")

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
        self.requests.append(Request(environ, keep_alive=keep_alive))

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
    if not status:
        raise ValueError("the application has not called start_response")
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


def short(request: Request, status: str) -> bytes:
    """The answer to a request that the application has not answered."""
    return _message(request, status, [("Content-Type", "text/plain")], f"{status}\n".encode())[0]
