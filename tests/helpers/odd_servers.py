"""An ACS that does odd things with its connections, on a real socket."""

from __future__ import annotations

import socket
import struct
from collections.abc import Callable, Sequence
from contextlib import suppress
from typing import Any

import gevent
from gevent.server import StreamServer

from helpers.engine_benches import EMPTY, GOOD
from helpers.stream_servers import stream_server

Steps = tuple[Any, ...]
"""What a server does with a connection, which it closes at the end: bytes are sent."""


class Closed(Exception):
    """A connection is over."""


class Talk:
    """
    A connection of a server.

    Args:
        server: that accepted it.
        number: of the connection.
        sock: its socket.
    """

    def __init__(self, server: OddServer, number: int, sock: Any) -> None:
        self._server = server
        self._number = number
        self._sock = sock
        self._data = b""

    def follow(self, steps: Steps) -> None:
        """Do these steps."""
        with suppress(OSError, Closed):
            for step in steps:
                if isinstance(step, bytes):
                    self._say(step)
                else:
                    step(self)

    def _say(self, data: bytes) -> None:
        self._sock.sendall(data)
        gevent.sleep(0)

    def _more(self, most: int = 65536) -> bytes:
        data: bytes = self._sock.recv(most)
        if not data:
            raise Closed
        return data

    def hear(self) -> None:
        """Take a request."""
        while b"\r\n\r\n" not in self._data:
            self._data += self._more()
        head, _, self._data = self._data.partition(b"\r\n\r\n")
        line, *lines = head.decode().split("\r\n")
        headers = {name.lower(): value for name, _, value in (at.partition(": ") for at in lines)}
        length = int(headers["content-length"])
        while len(self._data) < length:
            self._data += self._more()
        body, self._data = self._data[:length], self._data[length:]
        self._server.requests.append((self._number, line, headers, body))

    def answer(self) -> None:
        """Accept the Inform that was heard last, or have nothing more to ask."""
        self._say(GOOD if self._server.requests[-1][3] else EMPTY)

    def hear_a_part(self) -> None:
        """Take the beginning of a request."""
        self._more(100)

    def send_no_more(self) -> None:
        """Still receive."""
        self._sock.shutdown(socket.SHUT_WR)

    def reset(self) -> None:
        """Reset the connection."""
        self._sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        raise Closed

    def close(self) -> None:
        """Close the connection."""
        raise Closed

    def wait(self) -> None:
        """Wait until the CPE has closed."""
        while True:
            self._more()

    def fall_silent(self) -> None:
        """Say nothing until the CPE has closed, whose deadline passes."""
        self._server.silent()
        self.wait()

    def stop_listening(self) -> None:
        """Let nobody connect any more."""
        self._server.stop_listening()


HEAR: Callable[[Talk], None] = Talk.hear
ANSWER: Callable[[Talk], None] = Talk.answer
PART: Callable[[Talk], None] = Talk.hear_a_part
HALF: Callable[[Talk], None] = Talk.send_no_more
CLOSE: Callable[[Talk], None] = Talk.close
RESET: Callable[[Talk], None] = Talk.reset
WAIT: Callable[[Talk], None] = Talk.wait
SILENCE: Callable[[Talk], None] = Talk.fall_silent
STOP: Callable[[Talk], None] = Talk.stop_listening
PLAIN: Steps = (HEAR, ANSWER) * 2


def answering(*answers: bytes | Steps) -> Steps:
    """Steps that give these answers, whole or in pieces, to as many requests."""
    return tuple(
        step for each in answers for step in (HEAR, *((each,) if isinstance(each, bytes) else each))
    )


class OddServer:
    """Does what it is told with each connection, and keeps all requests."""

    def __init__(self) -> None:
        self.requests: list[tuple[int, str, dict[str, str], bytes]] = []
        """Number of the connection in its session, request line, headers, body."""
        self.answers: Sequence[bytes] = ()
        """None are left of it."""
        self.silent: Callable[[], object] = list
        """Called when it falls silent."""
        self._steps: tuple[Steps, ...] = (PLAIN,)
        self._number = 0
        self._ended: list[StreamServer] = []
        self._server = stream_server(self._handle)
        self._server.start()
        self._port = int(self._server.address[1])

    @property
    def url(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self._port}/acs"

    def be(self, *connections: Steps) -> None:
        """
        Listen, with these steps for the connections from now on.

        Args:
            connections: steps of the first one, of the second, and so on; the last are those of
                all others, too.
        """
        self._steps, self._number = connections, 0
        if self._server.closed:
            self._ended.append(self._server)
            self._server = stream_server(self._handle, port=self._port)
            self._server.start()

    def stop_listening(self) -> None:
        """Let nobody connect; connections go on."""
        self._server.close()

    def stop(self) -> None:
        """Close all connections, too."""
        for server in (*self._ended, self._server):
            server.stop(0)

    def _handle(self, sock: Any, _: Any) -> None:
        self._number += 1
        steps = self._steps[min(self._number, len(self._steps)) - 1]
        Talk(self, self._number, sock).follow(steps)
        sock.close()
