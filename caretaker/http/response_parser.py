"""
Reading HTTP/1.1 responses.

A C parser (httptools) reads responses of any form. Nearly all are complete and of a plain form;
they are read without the parser.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from functools import lru_cache

import httptools

from caretaker.errors import AnswerError, ConnectionLost
from caretaker.http.connect_errors import not_http

MAX_HEAD_BYTES = 64 * 1024
"""Of all headers of an answer, with trailers and those of interim answers (1xx)."""
MAX_HEADERS = 200
"""Likewise."""
MAX_INTERIM_ANSWERS = 100
"""1xx answers before the final one; a server may send one each second while it works."""
PLAIN_HEAD_BYTES, PLAIN_HEADERS = 2048, 50
"""The parser reads larger heads, as those that are read without it are kept."""


class Response:
    """An HTTP response; header names are in lower case."""

    __slots__ = ("body", "headers", "keep_alive", "status")

    def __init__(
        self,
        status: int,
        headers: Iterable[tuple[str, str]],
        body: bytes,
        keep_alive: bool,  # noqa: FBT001
    ) -> None:
        self.status = status
        self.headers = headers
        self.body = body
        self.keep_alive = keep_alive

    def values(self, name: str) -> list[str]:
        """All values of a header."""
        return [value for key, value in self.headers if key == name]


# -- a complete response of a plain form ----------------------------------------------------------

PLAIN_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([2-5][0-9][0-9])(?: [\x20-\x7e]*)?")
_HEADER = re.compile(rb"([A-Za-z0-9-]+):[ \t]*+([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?[ \t]*")
_FRAMING = frozenset(("connection", "content-length", "transfer-encoding", "upgrade"))
"""The headers that say where a response ends, and what comes after it."""
PlainHead = tuple[int, tuple[tuple[str, str], ...], int, bool]
"""Status, headers, length of the body, and whether the connection goes on."""


def plain_response(data: bytes) -> Response | None:
    """
    The response in these bytes, if it has a plain form; None if the parser has to read it.

    Plain is HTTP/1.1 with well-formed headers, a body framed by Content-Length, and exactly one
    response, complete.
    """
    end = data.find(b"\r\n\r\n")
    head = plain_head(data[:end]) if 0 <= end <= PLAIN_HEAD_BYTES else None
    if head is None or len(data) - end - 4 != head[2]:
        return None
    return Response(head[0], head[1], data[end + 4 :], head[3])


@lru_cache(256)  # apart from dates and cookies, a server sends few different heads
def plain_head(head: bytes) -> PlainHead | None:
    """
    Status, headers, length of the body, keep-alive; None if the form is not plain.

    Args:
        head: of a response, without the empty line that ends it.
    """
    first, *lines = head.split(b"\r\n", PLAIN_HEADERS)
    found = [plain_header(line) for line in lines]
    if None in found:
        return None
    headers = tuple([header for header in found if header is not None])
    framing = _framing(first, tuple([header for header in headers if header[0] in _FRAMING]))
    return None if framing is None else (framing[0], headers, *framing[1:])


# Dates, cookies and nonces make each head another; most of its lines are known all the same.


@lru_cache(256)
def plain_header(line: bytes) -> tuple[str, str] | None:
    """Name and value of a header line; None if it has no plain form."""
    match = _HEADER.fullmatch(line)
    return None if match is None else (match[1].decode().lower(), (match[2] or b"").decode())


@lru_cache(256)
def _framing(
    first: bytes, headers: tuple[tuple[str, str], ...]
) -> tuple[int, int, bool] | None:  # fmt: skip
    """Status, length of the body, keep-alive, by the status line and ``_FRAMING``."""
    status = PLAIN_STATUS_LINE.fullmatch(first)
    length = None if status is None else _plain_length(int(status[1]), headers)
    options = [value.lower() for name, value in headers if name == "connection"]
    if status is None or length is None or options not in ([], ["close"], ["keep-alive"]):
        return None
    return int(status[1]), length, options != ["close"]


def _plain_length(status: int, headers: tuple[tuple[str, str], ...]) -> int | None:
    lengths = [value for name, value in headers if name == "content-length"]
    if status == 204 and lengths in ([], ["0"]):
        coded = any(name == "transfer-encoding" for name, _ in headers)
        return None if coded else 0
    if any(name in ("transfer-encoding", "upgrade") for name, _ in headers) or status < 200:
        return None
    if status in (204, 304) or len(lengths) != 1 or not re.fullmatch("[0-9]{1,9}", lengths[0]):
        return None
    return int(lengths[0])


# -- any response ---------------------------------------------------------------------------------

_LENIENCIES = dict.fromkeys(
    (
        "lenient_headers",
        "lenient_chunked_length",
        "lenient_optional_cr_before_lf",
        "lenient_optional_lf_after_cr",
    ),
    True,
)
"""Deviations of old and embedded servers; httptools calls them dangerous, which is for proxies."""


class ResponseReader:
    """
    Collects the parts of a response from httptools; a 1xx response before it is ignored.

    Bytes that bring neither body nor the end of a header (a header without an end, extensions of
    chunks) are limited as those of headers are: httptools copies such a header with each piece.
    """

    __slots__ = (
        "_fruitless", "_head_bytes", "_headers", "_interim",
        "body", "complete", "headers", "keep_alive", "parser", "size", "status",
    )  # fmt: skip

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.parser.set_dangerous_leniencies(**_LENIENCIES)
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self.size = 0
        self.status = 0
        self.keep_alive = False
        self.complete = False
        self._fruitless = self._head_bytes = self._headers = self._interim = 0

    # httptools calls these.

    def on_header(self, name: bytes, value: bytes) -> None:
        """Take a header, or a trailer."""
        self._fruitless = 0
        if not self.complete:
            self._headers += 1
            self._head_bytes += len(name) + len(value)
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        """Take the status."""
        if not self.complete:
            self.status = self.parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        """Take a part of the body."""
        self._fruitless = 0
        self.body.append(data)

    def on_message_complete(self) -> None:
        """Take the end of a response."""
        if self.status < 200:
            self._interim += 1
            self.headers.clear()
        elif not self.complete:
            self.complete = True
            self.keep_alive = self.parser.should_keep_alive()

    def feed(self, data: bytes, limit: int) -> None:
        """Read the next bytes; AnswerError if they are not HTTP, or the response is too large."""
        is_first = self.size == 0
        self.size += len(data)
        self._fruitless += len(data)
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self.complete:  # bytes after a complete response do no harm
                raise not_http(data if is_first else b"") from error
            self.keep_alive = False
        if self.size > limit or self._has_too_much_head():
            raise AnswerError("answer is too large")

    def _has_too_much_head(self) -> bool:
        return (
            max(self._head_bytes, self._fruitless) > MAX_HEAD_BYTES
            or self._headers > MAX_HEADERS
            or self._interim > MAX_INTERIM_ANSWERS
        )

    def end(self) -> None:
        """The server has closed: the end of a body without length, and an error anywhere else."""
        framing = {b"content-length", b"transfer-encoding"}
        if self.status < 200 or framing & {name.lower() for name, _ in self.headers}:
            raise ConnectionLost("connection closed in the middle of an answer")
        self.complete = True

    def response(self) -> Response:
        """The response that has been read."""
        # White space after a value does not belong to it (RFC 7230 3.2.4); the parser keeps it.
        headers = [
            (n.decode("latin-1").lower(), v.decode("latin-1").strip(" \t")) for n, v in self.headers
        ]
        body = b"".join(self.body)
        return Response(self.status, headers, body, self.keep_alive)


class CountingReader(ResponseReader):
    """Counts the bytes of a body, and keeps none of them."""

    __slots__ = ("body_bytes",)

    def __init__(self) -> None:
        super().__init__()
        self.body_bytes = 0

    def on_body(self, data: bytes) -> None:
        """Count a part of the body."""
        self._fruitless = 0
        self.body_bytes += len(data)
