"""
HTTP/1.1 over one TCP connection: requests out, answers in, one deadline for each answer.

A C parser (httptools) reads what comes, whatever it looks like; an answer that is whole and plain,
as nearly all are, is read without it. What is known here is what CPEs and Connection Requests need
(TR-069 3.4, 3.2.2).
"""

from __future__ import annotations

import errno
import re
from collections.abc import Callable, Iterable
from functools import lru_cache

import gevent.ssl
import httptools

from caretaker.errors import (
    AnswerError,
    AnswerTimeout,
    ConnectError,
    ConnectionLost,
    LimitError,
    TransportError,
)
from caretaker.http.content_coding import MAX_ANSWER_BYTES
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.sockets import PlainSocket, Socket, Target, TLSSocket

MAX_HEADER_BYTES = 64 * 1024
_PIECE = 16 * 1024
"""Bytes that are read at once; between pieces of a streamed body a slow reader waits."""


class Reply:
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


# -- an answer that is whole and plain ------------------------------------------------------------

_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([2-5][0-9][0-9])(?: [\x20-\x7e]*)?")
_HEADER = re.compile(rb"([A-Za-z0-9-]+):[ \t]*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?[ \t]*")
_Head = tuple[int, tuple[tuple[str, str], ...], int, bool]


def plain_reply(data: bytes) -> Reply | None:
    """
    The response that these bytes are, where that is plain to see; None is for the parser to tell.

    They are plain when all of it is there and no more, framed by its length, in HTTP/1.1, with
    headers as they should be.
    """
    end = data.find(b"\r\n\r\n")
    head = _plain_head(data[:end]) if end >= 0 else None
    if head is None or len(data) - end - 4 != head[2]:
        return None
    return Reply(head[0], head[1], data[end + 4 :], head[3])


@lru_cache(256)  # but for dates and cookies a server's heads are few
def _plain_head(head: bytes) -> _Head | None:
    """Status, headers, length of the body, keep-alive; None if it is not plain."""
    first, *lines = head.split(b"\r\n")
    status = _STATUS_LINE.fullmatch(first)
    found = [_HEADER.fullmatch(line) for line in lines]
    if status is None or None in found:
        return None
    headers = tuple(
        [(line[1].decode().lower(), (line[2] or b"").decode()) for line in found if line]
    )
    length = _plain_length(int(status[1]), headers)
    closing = [value.lower() for name, value in headers if name == "connection"]
    if length is None or closing not in ([], ["close"], ["keep-alive"]):
        return None
    return int(status[1]), headers, length, closing != ["close"]


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


# -- any answer -----------------------------------------------------------------------------------

_LENIENCIES = dict.fromkeys(
    (
        "lenient_headers",
        "lenient_chunked_length",
        "lenient_optional_cr_before_lf",
        "lenient_optional_lf_after_cr",
    ),
    True,
)
"""What old and embedded servers send; "dangerous" for a proxy, which we are not."""


class _Reader:
    """Collects what httptools finds in a response; a 1xx in front of it is passed over."""

    __slots__ = ("body", "complete", "headers", "keep_alive", "parser", "size", "status")

    def __init__(self) -> None:
        self.parser = httptools.HttpResponseParser(self)
        self.parser.set_dangerous_leniencies(**_LENIENCIES)
        self.headers: list[tuple[bytes, bytes]] = []
        self.body: list[bytes] = []
        self.size = 0
        self.status = 0
        self.keep_alive = False
        self.complete = False

    def on_header(self, name: bytes, value: bytes) -> None:
        if not self.complete:
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if not self.complete:
            self.status = self.parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        self.body.append(data)

    def on_message_complete(self) -> None:
        if self.status < 200:
            self.headers.clear()
        elif not self.complete:
            self.complete = True
            self.keep_alive = self.parser.should_keep_alive()

    def feed(self, data: bytes, limit: int) -> None:
        """Take bytes from the socket; AnswerError when they are no answer we take."""
        self.size += len(data)
        if self.size > limit:
            raise AnswerError("answer is too large")
        try:
            self.parser.feed_data(data)
        except httptools.HttpParserError as error:
            if not self.complete:  # what follows a complete answer is of no interest
                raise AnswerError("answer is not HTTP") from error
            self.keep_alive = False

    def end(self) -> None:
        """The peer closed: that ends a body without length, and cuts off anything else."""
        framed = {b"content-length", b"transfer-encoding"}
        if self.status < 200 or framed & {name.lower() for name, _ in self.headers}:
            raise ConnectionLost("connection closed in the middle of an answer")
        self.complete = True

    def reply(self) -> Reply:
        """The response."""
        # White space around a value is none of it (RFC 7230 3.2.4); the parser leaves it behind.
        headers = [
            (n.decode("latin-1").lower(), v.decode("latin-1").strip(" \t")) for n, v in self.headers
        ]
        body = b"".join(self.body)
        return Reply(self.status, headers, body, self.keep_alive)


class _Counter(_Reader):
    """Counts a body and drops it."""

    __slots__ = ("taken",)

    def __init__(self) -> None:
        super().__init__()
        self.taken = 0

    def on_body(self, data: bytes) -> None:
        self.taken += len(data)


# -- one connection -------------------------------------------------------------------------------

_LIMITS = {
    errno.EMFILE,
    errno.ENFILE,
    errno.EADDRINUSE,
    errno.EADDRNOTAVAIL,
    errno.ENOBUFS,
    errno.ENOMEM,
}
_REASONS = {
    errno.ECONNREFUSED: "connection refused",
    errno.ETIMEDOUT: "connection timed out",
    errno.EHOSTUNREACH: "host unreachable",
    errno.ENETUNREACH: "network unreachable",
    errno.ECONNRESET: "connection reset",
}


def _connect_error(error: OSError) -> TransportError:
    if error.errno in _LIMITS:
        return LimitError("this machine is out of sockets or ports")
    if isinstance(error, gevent.ssl.SSLError):
        return ConnectError(f"TLS failed: {(error.reason or 'handshake').lower()}")
    if isinstance(error, TimeoutError):
        return ConnectError("connection timed out")
    return ConnectError(_REASONS.get(error.errno or 0, "connection failed"))


class Connection:
    """
    One TCP connection to an HTTP server, for one greenlet.

    Args:
        endpoint: timeout, TLS and clock.
        address: where to.
        source: the local address to leave from; the system's choice if empty.

    Raises:
        TransportError: it can't be made.
    """

    __slots__ = ("_clock", "_socket", "_timeout", "answers", "sent_at", "silent")

    def __init__(self, endpoint: Endpoint, address: Address, source: str = "") -> None:
        self._clock = endpoint.clock
        self._timeout = endpoint.timeout
        self.answers = 0
        """How many complete answers it has brought."""
        self.sent_at: float | None = None
        """When the last request had been written."""
        self.silent = True
        """Whether no byte has come in answer to the last request."""
        self._socket = self._connect(endpoint, address, source)

    def _connect(self, endpoint: Endpoint, address: Address, source: str) -> Socket:
        failure: TransportError = ConnectError("host name not found")
        deadline = self._clock() + self._timeout
        for family, where in endpoint.addresses(address):
            try:
                return _open(endpoint, address, Target(family, where, source), deadline)
            except OSError as error:
                failure = _connect_error(error)
        raise failure

    def request(self, head: bytes, body: bytes, limit: int = MAX_ANSWER_BYTES) -> Reply:
        """
        Send a request and return the response to it.

        Args:
            head: request line and headers, with the empty line that ends them.
            body: what follows.
            limit: bytes of the response's body that are taken.

        Raises:
            TransportError: there is no complete response.
        """
        deadline = self._clock() + self._timeout
        self.silent, self.sent_at = True, None
        try:
            self._socket.send(head + body, deadline)
            self.sent_at = self._clock()
            reply = self._receive(deadline, limit + MAX_HEADER_BYTES)
        except TimeoutError as error:
            raise AnswerTimeout("no answer in time") from error
        except OSError as error:
            raise ConnectionLost("connection reset") from error
        self.answers += 1
        return reply

    def _receive(self, deadline: float, limit: int) -> Reply:
        data = self._socket.receive(_PIECE, deadline)
        reply = plain_reply(data)
        if reply is not None:
            return reply
        reader = _Reader()
        self._feed(reader, data, limit)
        while not reader.complete:
            if self._clock() >= deadline:
                raise TimeoutError
            self._feed(reader, self._socket.receive(_PIECE, deadline), limit)
        return reader.reply()

    def _feed(self, reader: _Reader, data: bytes, limit: int) -> None:
        if data:
            self.silent = False
            reader.feed(data, limit)
        elif self.silent:
            raise ConnectionLost("connection closed without an answer")
        else:
            reader.end()

    def stream(
        self, head: bytes, body: Iterable[bytes], pace: Callable[[int], None], limit: int
    ) -> tuple[Reply, int]:
        """
        Send a request, and count and drop the body of the response: files are moved so.

        The timeout is that of each piece; ``pace`` bounds the whole.

        Args:
            head: request line and headers, with the empty line that ends them.
            body: the pieces of what follows.
            pace: is told the bytes of each piece when it has been moved, and may sleep or raise.
            limit: bytes of the response's body that are taken.

        Returns:
            The response without its body, and the bytes that the body had.

        Raises:
            TransportError: there is no complete response.
        """
        self.silent, self.sent_at = True, None
        reader = _Counter()
        try:
            for piece in (head, *body):
                self._socket.send(piece, self._clock() + self._timeout)
                pace(len(piece))
            self.sent_at = self._clock()
            while not reader.complete:
                data = self._socket.receive(_PIECE, self._clock() + self._timeout)
                self._feed(reader, data, limit + MAX_HEADER_BYTES)
                pace(len(data))
        except TimeoutError as error:
            raise AnswerTimeout("no answer in time") from error
        except OSError as error:
            raise ConnectionLost("connection reset") from error
        self.answers += 1
        return reader.reply(), reader.taken

    def close(self) -> None:
        """Close it."""
        self._socket.close()


def _open(endpoint: Endpoint, address: Address, target: Target, deadline: float) -> Socket:
    if address.scheme == "https":
        return TLSSocket(target, deadline, endpoint.clock, endpoint.context(), address.host)
    return PlainSocket(target, endpoint.deadlines, deadline)
