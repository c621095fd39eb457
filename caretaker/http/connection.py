"""
HTTP/1.1 over one TCP connection: sends requests, reads responses, with a deadline for each.

A C parser (httptools) reads responses of any form. Nearly all are complete and of a plain form;
they are read without the parser. This is as much of HTTP as CPEs and Connection Requests need
(TR-069 3.4, 3.2.2).
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import lru_cache

import httptools

from caretaker.errors import (
    AnswerError,
    AnswerTimeout,
    ConnectError,
    ConnectionLost,
    LimitError,
    TransportError,
)
from caretaker.http.connect_errors import WRONG_HOST, connect_error, lost_error, not_http
from caretaker.http.content_coding import MAX_ANSWER_BYTES
from caretaker.http.endpoint import ANY_END, Address, Endpoint, LocalEnd
from caretaker.http.openssl_socket import OpenSSLSocket
from caretaker.http.sockets import PlainSocket, Socket, Target, TLSSocket
from caretaker.http.tls_settings import TLSClient

MAX_HEAD_BYTES = 64 * 1024
"""Of all headers of an answer, with trailers and those of interim answers (1xx)."""
MAX_HEADERS = 200
"""Likewise."""
MAX_INTERIM_ANSWERS = 100
"""1xx answers before the final one; a server may send one each second while it works."""
_PIECE = 16 * 1024
"""Bytes that are read at once. A transfer with limited bandwidth waits after each piece."""
_PLAIN_HEAD_BYTES, _PLAIN_HEADERS = 2048, 50
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

_STATUS_LINE = re.compile(rb"HTTP/1\.1 ([2-5][0-9][0-9])(?: [\x20-\x7e]*)?")
_HEADER = re.compile(rb"([A-Za-z0-9-]+):[ \t]*+([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)?[ \t]*")
_Head = tuple[int, tuple[tuple[str, str], ...], int, bool]


def plain_response(data: bytes) -> Response | None:
    """
    The response in these bytes, if it has a plain form; None if the parser has to read it.

    Plain is HTTP/1.1 with well-formed headers, a body framed by Content-Length, and exactly one
    response, complete.
    """
    end = data.find(b"\r\n\r\n")
    head = plain_head(data[:end]) if 0 <= end <= _PLAIN_HEAD_BYTES else None
    if head is None or len(data) - end - 4 != head[2]:
        return None
    return Response(head[0], head[1], data[end + 4 :], head[3])


@lru_cache(256)  # apart from dates and cookies, a server sends few different heads
def plain_head(head: bytes) -> _Head | None:
    """
    Status, headers, length of the body, keep-alive; None if the form is not plain.

    Args:
        head: of a response, without the empty line that ends it.
    """
    first, *lines = head.split(b"\r\n", _PLAIN_HEADERS)
    status = _STATUS_LINE.fullmatch(first)
    found = [_header(line) for line in lines]
    if status is None or None in found:
        return None
    headers = tuple([header for header in found if header is not None])
    length = _plain_length(int(status[1]), headers)
    options = [value.lower() for name, value in headers if name == "connection"]
    if length is None or options not in ([], ["close"], ["keep-alive"]):
        return None
    return int(status[1]), headers, length, options != ["close"]


@lru_cache(256)  # the other lines of a head with a new cookie or nonce are known
def _header(line: bytes) -> tuple[str, str] | None:
    """Name and value of a header line; None if it has none of the plain forms."""
    match = _HEADER.fullmatch(line)
    return None if match is None else (match[1].decode().lower(), (match[2] or b"").decode())


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


class _Reader:
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

    def on_header(self, name: bytes, value: bytes) -> None:
        self._fruitless = 0
        if not self.complete:
            self._headers += 1
            self._head_bytes += len(name) + len(value)
            self.headers.append((name, value))

    def on_headers_complete(self) -> None:
        if not self.complete:
            self.status = self.parser.get_status_code()

    def on_body(self, data: bytes) -> None:
        self._fruitless = 0
        self.body.append(data)

    def on_message_complete(self) -> None:
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


class _CountingReader(_Reader):
    """Counts the bytes of a body, and keeps none of them."""

    __slots__ = ("body_bytes",)

    def __init__(self) -> None:
        super().__init__()
        self.body_bytes = 0

    def on_body(self, data: bytes) -> None:
        self._fruitless = 0
        self.body_bytes += len(data)


# -- one connection -------------------------------------------------------------------------------


class Handover:
    """
    A connection that a greenlet takes over from the I/O engine.

    Args:
        descriptor: of the connection.
        connecting: whether it is still being made.
        answers: complete responses so far.
        rest: what is left to be sent of the request that is under way; None if none is.
        received: the beginning of its response.
        sent_at: when it had been written, on the endpoint's clock; None if it has not.
    """

    __slots__ = ("answers", "connecting", "descriptor", "received", "rest", "sent_at")

    def __init__(
        self,
        descriptor: int,
        *,
        connecting: bool = False,
        answers: int = 0,
        rest: bytes | None = None,
        received: bytes = b"",
        sent_at: float | None = None,
    ) -> None:
        self.descriptor = descriptor
        self.connecting = connecting
        self.answers = answers
        self.rest = rest
        self.received = received
        self.sent_at = sent_at


class Connection:
    """
    One TCP connection to an HTTP server, for one greenlet.

    Args:
        endpoint: timeout, TLS and clock.
        address: of the server.
        local_end: who the client is.
        handover: the connection to go on with, over TCP; a new one is made if None. The first
            ``request`` is the one that is under way on it.

    Raises:
        TransportError: no connection can be made.
    """

    __slots__ = ("_clock", "_handover", "_socket", "_timeout", "answers", "sent_at", "silent")

    def __init__(
        self,
        endpoint: Endpoint,
        address: Address,
        local_end: LocalEnd = ANY_END,
        handover: Handover | None = None,
    ) -> None:
        self._clock = endpoint.clock
        self._timeout = endpoint.timeout
        self._handover = handover
        self.answers = 0 if handover is None else handover.answers
        """Number of complete responses so far."""
        self.sent_at: float | None = None
        """When the last request had been written, on the endpoint's clock."""
        self.silent = True
        """Whether no byte of a response to the last request has come."""
        self._socket = (
            self._connect(endpoint, address, local_end)
            if handover is None
            else self._take_over(endpoint, handover)
        )

    def _take_over(self, endpoint: Endpoint, handover: Handover) -> Socket:
        deadline = self._clock() + self._timeout
        opened = PlainSocket(None, endpoint.deadlines, deadline, handover.descriptor)
        try:
            if handover.connecting:
                opened.finish_connecting(deadline)
        except BaseException as error:
            opened.close()
            if isinstance(error, OSError):
                raise connect_error(error) from error
            raise
        return opened

    def _connect(self, endpoint: Endpoint, address: Address, local_end: LocalEnd) -> Socket:
        """
        Connect to the first address of the host that can be connected to.

        Each has its share of the time that is left, so that one which drops packets leaves time.
        """
        failed: list[tuple[Target, TransportError]] = []
        deadline = self._clock() + self._timeout
        targets = endpoint.targets(address, local_end.source)
        for number, target in enumerate(targets):
            try:
                limit = self._share(deadline, len(targets) - number)
                opened = _open(endpoint, address, target, limit, local_end)
            except OSError as error:
                failed.append((target, _failure(endpoint, address, target, error, local_end)))
                continue
            for other, failure in failed:
                if not isinstance(failure, LimitError):  # of this machine, not of the address
                    endpoint.pass_over(address, other, failure.reason)
            return opened
        raise failed[-1][1]

    def _share(self, deadline: float, targets: int) -> float:
        """The deadline for one of so many addresses that are left."""
        if targets == 1:
            return deadline
        now = self._clock()
        return now + (deadline - now) / targets

    @property
    def has_request(self) -> bool:
        """Whether a request is under way that was handed over, so that none is to be made."""
        return self._handover is not None and self._handover.rest is not None

    def request(self, head: bytes, body: bytes, limit: int = MAX_ANSWER_BYTES) -> Response:
        """
        Send a request and return the response to it.

        Args:
            head: request line and headers, with the empty line that ends them.
            body: of the request.
            limit: the largest body of a response, in bytes.

        Raises:
            TransportError: there is no complete response.
        """
        handover, self._handover = self._handover, None
        if handover is not None and handover.rest is not None:
            return self._request(handover.rest, handover.received, handover.sent_at, limit)
        return self._request(head + body, b"", None, limit)

    def _request(self, rest: bytes, received: bytes, sent_at: float | None, limit: int) -> Response:
        """Go on with a request: see ``request`` and ``Handover``."""
        deadline = (self._clock() if sent_at is None else sent_at) + self._timeout
        self.silent, self.sent_at = True, sent_at
        try:
            if sent_at is None:
                self._socket.send(rest, deadline)
                self.sent_at = self._clock()
            response = self._receive(deadline, limit + MAX_HEAD_BYTES, received)
        except TimeoutError as error:
            raise AnswerTimeout("no answer in time") from error
        except OSError as error:
            raise lost_error(error) from error
        self.answers += 1
        return response

    def _receive(self, deadline: float, limit: int, received: bytes) -> Response:
        data = received or self._socket.receive(_PIECE, deadline)
        response = plain_response(data)
        if response is not None:
            return response
        reader = _Reader()
        self._feed(reader, data, limit)
        while not reader.complete:
            if self._clock() >= deadline:
                raise TimeoutError
            self._feed(reader, self._socket.receive(_PIECE, deadline), limit)
        return reader.response()

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
    ) -> tuple[Response, int]:
        """
        Send a request piece by piece, and count the bytes of the response's body: for files.

        The timeout is for each piece; ``pace`` limits the whole.

        Args:
            head: request line and headers, with the empty line that ends them.
            body: of the request, in pieces.
            pace: called with the size of each piece that was sent or received; may sleep or raise.
            limit: the largest body of a response, in bytes.

        Returns:
            The response without its body, and the number of bytes in the body.

        Raises:
            TransportError: there is no complete response.
        """
        self.silent, self.sent_at = True, None
        reader = _CountingReader()
        try:
            for piece in (head, *body):
                self._socket.send(piece, self._clock() + self._timeout)
                pace(len(piece))
            self.sent_at = self._clock()
            while not reader.complete:
                data = self._socket.receive(_PIECE, self._clock() + self._timeout)
                self._feed(reader, data, limit + MAX_HEAD_BYTES)
                pace(len(data))
        except TimeoutError as error:
            raise AnswerTimeout("no answer in time") from error
        except OSError as error:
            raise lost_error(error) from error
        self.answers += 1
        return reader.response(), reader.body_bytes

    def close(self) -> None:
        """Close the connection."""
        self._socket.close()


def _failure(
    endpoint: Endpoint, address: Address, target: Target, error: OSError, local_end: LocalEnd
) -> TransportError:
    failure = connect_error(error)
    if failure.reason != WRONG_HOST:
        return failure
    client = _tls_client(endpoint, address, local_end)
    return ConnectError(WRONG_HOST, endpoint.certificate_names(client, address, target.address))


def _open(
    endpoint: Endpoint, address: Address, target: Target, deadline: float, local_end: LocalEnd
) -> Socket:
    if address.scheme == "https":
        client = _tls_client(endpoint, address, local_end)
        clients = endpoint.tls_clients()
        resumption = clients.resumption(client, address.port)
        if clients.openssl is None:
            return TLSSocket(target, deadline, endpoint.clock, client, resumption)
        return OpenSSLSocket(
            target, endpoint.deadlines, deadline, clients.openssl, client, resumption=resumption
        )
    return PlainSocket(target, endpoint.deadlines, deadline)


def _tls_client(endpoint: Endpoint, address: Address, local_end: LocalEnd) -> TLSClient:
    host = address.host.partition("%")[0]  # a certificate is for no zone
    return TLSClient(endpoint.tls, host, local_end.tls, local_end.cpe_index)
