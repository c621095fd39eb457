"""An ACS that answers well, badly, late or not at all, by turns: in a process of its own."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable
from itertools import cycle
from typing import Any

import gevent
from gevent.server import StreamServer

from benchmarks.nginx import INFORM_RESPONSE
from benchmarks.wire import read_message

_BAD_STATUS = b"HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n"
_CHALLENGE = (
    b"HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n"
    b'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth", algorithm=MD5\r\n\r\n'
)
_GOOD = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nContent-Length: %d\r\n\r\n%b" % (
    len(INFORM_RESPONSE),
    INFORM_RESPONSE,
)
_CHUNKED = (
    b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\nTransfer-Encoding: chunked\r\n\r\n"
    b"%x\r\n%b\r\n0\r\n\r\n" % (len(INFORM_RESPONSE), INFORM_RESPONSE)
)
_EMPTY = b"HTTP/1.1 204 No Content\r\n\r\n"
_RESET = struct.pack("ii", 1, 0)
SILENCE = 10.0
"""Seconds without an answer: longer than any session waits."""


def _ends_well(connection: Any, first: bytes) -> None:
    """Answer the Inform so, and the empty POST as an ACS does that wants nothing."""
    connection.sendall(first)
    if read_message(connection)[0]:
        connection.sendall(_EMPTY)


def _challenges(connection: Any) -> None:
    connection.sendall(_CHALLENGE)
    if read_message(connection)[0]:
        _ends_well(connection, _GOOD)


def _resets(connection: Any) -> None:
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)


def _is_slow(connection: Any) -> None:
    connection.sendall(_GOOD[:100])
    gevent.sleep(0.3)
    _ends_well(connection, _GOOD[100:])


BEHAVIORS: tuple[Callable[[Any], None], ...] = (
    *[lambda connection: _ends_well(connection, _GOOD)] * 8,
    _challenges,
    _resets,
    _is_slow,
    lambda connection: _ends_well(connection, _CHUNKED),
    lambda connection: connection.sendall(_BAD_STATUS),
    lambda connection: connection.sendall(b"rubbish\r\n\r\n"),
    lambda connection: connection.sendall(_GOOD[:100]),
    lambda _: gevent.sleep(SILENCE),
    lambda connection: connection.sendall(_GOOD),
)
"""What is done after an Inform; the connection is closed then."""


class FaultySink:
    """The server, on a free port of loopback."""

    def __init__(self) -> None:
        self._behaviors = cycle(BEHAVIORS)
        self._server = StreamServer(("127.0.0.1", 0), self._serve, backlog=4096)
        self._server.start()

    def port(self) -> int:
        """Where it listens."""
        return int(self._server.address[1])

    def _serve(self, connection: Any, _: object) -> None:
        try:
            if read_message(connection)[0]:
                next(self._behaviors)(connection)
        except OSError:
            pass  # the CPE has gone
        finally:
            connection.close()
