"""
HTTP/1.1 over one TCP connection: sends requests, reads responses, with a deadline for each.

This is as much of HTTP as CPEs and Connection Requests need (TR-069 3.4, 3.2.2).
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple

from caretaker.errors import (
    AnswerTimeout,
    ConnectError,
    ConnectionLost,
    LimitError,
    TransportError,
)
from caretaker.http.connect_errors import WRONG_HOST, connect_error, lost_error
from caretaker.http.content_coding import MAX_ANSWER_BYTES
from caretaker.http.endpoint import ANY_END, Address, Endpoint, LocalEnd
from caretaker.http.openssl_socket import OpenSSLSocket
from caretaker.http.response_parser import (
    MAX_HEAD_BYTES,
    CountingReader,
    Response,
    ResponseReader,
    plain_response,
)
from caretaker.http.sockets import PlainSocket, Socket, Target, TLSSocket
from caretaker.http.tls_settings import TLSClient

_PIECE = 16 * 1024
"""Bytes that are read at once. A transfer with limited bandwidth waits after each piece."""


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


class FailedTarget(NamedTuple):
    """
    The first of a host's addresses, that the I/O engine could not connect to.

    Args:
        target: that was tried.
        error: why it failed.
        deadline: for connecting to any of the host's addresses, on the endpoint's clock.
    """

    target: Target
    error: TransportError
    deadline: float


class Connection:
    """
    One TCP connection to an HTTP server, for one greenlet.

    Args:
        endpoint: timeout, TLS and clock.
        address: of the server.
        local_end: who the client is.
        handover: the connection to go on with, over TCP; a new one is made if None. The first
            ``request`` is the one that is under way on it.
        failed: the address that was tried before; the others are tried in the time that is left.

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
        failed: FailedTarget | None = None,
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
            self._connect(endpoint, address, local_end, failed)
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

    def _connect(
        self, endpoint: Endpoint, address: Address, local_end: LocalEnd, before: FailedTarget | None
    ) -> Socket:
        """
        Connect to the first address of the host that can be connected to.

        Each has its share of the time that is left, so that one which drops packets leaves time.
        """
        failed: list[tuple[Target, TransportError]] = []
        deadline = self._clock() + self._timeout
        targets = endpoint.targets(address, local_end.source)
        if before is not None:
            failed, deadline = [(before.target, before.error)], before.deadline
            targets = [target for target in targets if target.address != before.target.address]
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
        reader = ResponseReader()
        self._feed(reader, data, limit)
        while not reader.complete:
            if self._clock() >= deadline:
                raise TimeoutError
            self._feed(reader, self._socket.receive(_PIECE, deadline), limit)
        return reader.response()

    def _feed(self, reader: ResponseReader, data: bytes, limit: int) -> None:
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
        reader = CountingReader()
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
