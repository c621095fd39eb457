"""A scripted HTTP server on a real socket: what it receives is kept, what it answers is bytes."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import gevent
import pytest

from caretaker.http.authentication import DigestVerifier
from caretaker.http.credentials import Credentials
from caretaker.http.ip_addresses import bracketed, has_ipv6
from caretaker.testing import Clock
from helpers.stream_servers import stream_server

needs_ipv6 = pytest.mark.skipif(not has_ipv6(), reason="this machine has no IPv6")

CLOSE = object()
"""As an answer: close the connection without one."""
RESET = object()
"""As an answer: reset the connection."""
HANG = object()
"""As an answer: say nothing, and keep the connection."""


class Wire:
    """
    Answers each request with the next answer of the script, whatever the connection.

    A tuple of bytes is sent piece by piece; bytes that end with ``CLOSE`` semantics are given as
    ``(data, CLOSE)``.
    """

    def __init__(self, answers: Sequence[Any], host: str) -> None:
        self.answers = list(answers)
        self.requests: list[tuple[int, str, dict[str, str], bytes]] = []
        """Connection number, request line, headers, body."""
        self.received: list[bytes] = []
        """The same requests, byte by byte."""
        self.peers: list[str] = []
        """Where each connection came from."""
        self.connections = 0
        self._host = host
        self.server = stream_server(self._handle, host=host)

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://{bracketed(self._host)}:{self.server.server_port}/acs"

    def _handle(self, sock: Any, peer: Any) -> None:
        self.connections += 1
        self.peers.append(peer[0])
        number, data = self.connections, b""
        while True:
            while b"\r\n\r\n" not in data:
                piece = sock.recv(65536)
                if not piece:
                    return
                data += piece
            head, _, data = data.partition(b"\r\n\r\n")
            line, *lines = head.decode("latin-1").split("\r\n")
            headers = {n.lower(): v.strip() for n, _, v in (each.partition(":") for each in lines)}
            length = int(headers.get("content-length", 0))
            while len(data) < length:
                data += sock.recv(65536)
            body, data = data[:length], data[length:]
            self.requests.append((number, line, headers, body))
            self.received.append(head + b"\r\n\r\n" + body)
            if not self._answer(sock):
                sock.close()
                return

    def _answer(self, sock: Any) -> bool:
        answer = self.answers.pop(0)
        if callable(answer):
            answer = answer(self.requests[-1])
        for piece in answer if isinstance(answer, tuple) else (answer,):
            if piece is CLOSE:
                return False
            if piece is RESET:
                linger = b"\x01\x00\x00\x00\x00\x00\x00\x00"
                sock.setsockopt(1, 13, linger)  # SO_LINGER: close with a reset
                return False
            if piece is HANG:
                gevent.sleep(60)
                return False
            sock.sendall(piece)
            gevent.sleep(0)
        return True


@contextmanager
def wire(*answers: Any, host: str = "127.0.0.1") -> Iterator[Wire]:
    """A server with this script."""
    scripted = Wire(answers, host)
    scripted.server.start()
    try:
        yield scripted
    finally:
        scripted.server.stop(0)


def hang_until_late(clock: Clock) -> Callable[[object], object]:
    """An answer that never comes: with the request, the client's clock is past every deadline."""

    def hang(_: object) -> object:
        clock.advance(1e6)
        return HANG

    return hang


def answer(status: str = "200 OK", body: bytes = b"", *headers: str) -> bytes:
    """An HTTP response."""
    lines = [f"HTTP/1.1 {status}", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode() + body


def challenging(
    verifier: DigestVerifier, credentials: Credentials, *headers: str, good: bytes = b"ok"
) -> Callable[[tuple[int, str, dict[str, str], bytes]], bytes]:
    """Answers by the request's Authorization: ``good``, or a 401 with these headers."""

    def reply(request: tuple[int, str, dict[str, str], bytes]) -> bytes:
        method, target, _ = request[1].split(" ")
        shown = request[2].get("authorization")
        challenges = verifier.check(credentials, method, target, shown)
        if not challenges:
            return answer(body=good)
        lines = [f"WWW-Authenticate: {challenge}" for challenge in challenges]
        return answer("401 Unauthorized", b"", *lines, *headers)

    return reply


Script = Callable[..., Any]
