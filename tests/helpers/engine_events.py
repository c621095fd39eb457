"""An I/O engine whose events a test takes one by one, and a server whose every byte it says."""

from __future__ import annotations

from time import monotonic
from typing import Any

import gevent
import gevent.socket
from gevent.queue import Queue

from caretaker.http.io_engine import Event, IOEngine
from caretaker.http.sockets import Target
from helpers import compiled_engine
from helpers.late_clock import LateClock
from helpers.wire import answer

INFORM = b"POST / HTTP/1.1\r\nContent-Length: 6\r\n\r\nInform"
EMPTY = b"POST / HTTP/1.1\r\nContent-Length: 0\r\n\r\n"
KNOWN = b"InformResponse"
GOOD = answer(body=KNOWN)
NOTHING = b"HTTP/1.1 204 No Content\r\n\r\n"
LARGE = 16_000_000
"""Bytes of a request; the buffers of a connection on loopback have 10 MB."""
PATIENCE = 60.0
"""Seconds that an event may take on a busy machine."""


class Peer:
    """A server's side of one connection."""

    def __init__(self, opened: Any) -> None:
        self.socket = opened

    def hear(self, request: bytes) -> Peer:
        """Receive exactly this."""
        data = b""
        while len(data) < len(request):
            piece = self.socket.recv(len(request) - len(data))
            assert piece, "the client has closed"
            data += piece
        assert data == request
        return self

    def say(self, *pieces: bytes) -> Peer:
        """Send these, one after the other as far as the engine's turns go."""
        for piece in pieces:
            self.socket.sendall(piece)
            for _ in range(3):
                gevent.sleep(0)
        return self

    def close(self) -> Peer:
        """Close the connection, and let the engine have a turn."""
        self.socket.close()
        for _ in range(3):
            gevent.sleep(0)
        return self

    def end(self) -> bytes | str:
        """How the client ends: what it still sends before, or the name of an error."""
        try:
            rest: bytes = self.socket.recv(65536)
        except OSError as error:
            return type(error).__name__
        return rest


class EngineBench:
    """
    An engine and a server.

    Args:
        host: of the server.
        most: connections at once.
    """

    def __init__(self, host: str = "127.0.0.1", most: int = 1000) -> None:
        self.events: Queue[Event] = Queue()
        self.clock = LateClock()
        self.engine = IOEngine(
            compiled_engine.required(),
            most=most,
            timeout=PATIENCE,
            handle=self._take,
            clock=self.clock,
        )
        family = gevent.socket.AF_INET6 if ":" in host else gevent.socket.AF_INET
        self.listener = gevent.socket.socket(family)
        self.listener.bind((host, 0))
        self.listener.listen(1000)
        self.target = Target(family, self.listener.getsockname())
        self.peers: list[Peer] = []

    def _take(self, events: list[Event]) -> None:
        for event in events:
            self.events.put_nowait(event)

    def begin(
        self,
        token: int,
        request: bytes,
        following: bytes | None = None,
        *,
        target: Target | None = None,
        seconds: float = PATIENCE,
    ) -> Peer:
        """Begin a connection, and accept it."""
        deadline = monotonic() + seconds
        self.engine.begin(token, target or self.target, request, following, deadline)
        return self.accept()

    def informed(self, token: int = 1) -> Peer:
        """A connection whose Inform was answered, and whose empty POST was received."""
        self.engine.know(KNOWN)
        return self.begin(token, INFORM, EMPTY).hear(INFORM).say(GOOD).hear(EMPTY)

    def accept(self) -> Peer:
        """The server's side of the next connection."""
        self.peers.append(Peer(self.listener.accept()[0]))
        return self.peers[-1]

    def next(self) -> Any:
        """The next event."""
        return self.events.get(timeout=PATIENCE)

    def close(self) -> None:
        """Close both, with all connections."""
        self.engine.close()
        self.listener.close()
        for peer in self.peers:
            peer.socket.close()
