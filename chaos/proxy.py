"""A TCP proxy between CPEs and their ACS that does to connections what their faults say."""

from __future__ import annotations

import contextlib
import struct
from collections import Counter
from itertools import count
from typing import Any

import gevent
from gevent import socket
from gevent.server import StreamServer

from caretaker.http.gevent_loop import Loop
from chaos.connection_faults import ConnectionFault, Ending, fault_of
from chaos.session_watch import SessionWatch, WatchedConnection

PIECE_BYTES = 65536
BACKLOG = 256
_RESET = struct.pack("ii", 1, 0)
"""For SO_LINGER: close with a reset."""

Address = tuple[str, int]


def _listener(at: Address) -> Any:
    """A socket that listens; closed where the address is taken, which gevent leaves to chance."""
    made = socket.socket()
    try:
        made.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        made.bind(at)
        made.listen(BACKLOG)
    except OSError:
        made.close()
        raise
    return made


class FaultyProxy:
    """
    Passes connections on, in a loop of its own; while ``is_faulty``, with their faults.

    Args:
        seed: of the faults.
        watch: is told what passes.
    """

    def __init__(self, seed: int, watch: SessionWatch) -> None:
        self.is_faulty = False
        self.connections = 0
        """How many have come so far."""
        self.faults: Counter[str] = Counter()
        """How many faults have hit, by kind."""
        self._seed = seed
        self._watch = watch
        self._servers: list[StreamServer] = []
        self._loop = Loop()
        self._loop.start()

    def listen(self, at: Address, target: Address) -> int:
        """
        Pass the connections to an address on to another.

        Returns:
            The port that it listens at.

        Raises:
            OSError: the address can't be bound.
        """
        return self._loop.call(self._listen, at, target)

    def _listen(self, at: Address, target: Address) -> int:
        server = StreamServer(_listener(at), lambda sock, peer: self._handle(sock, peer[0], target))
        server.start()
        self._servers.append(server)
        assert server.server_port is not None
        return server.server_port

    def stop(self) -> None:
        """End all of it."""
        self._loop.call(self._stop)
        self._loop.stop()

    def _stop(self) -> None:
        for server in self._servers:
            server.stop(0)

    def _handle(self, client: Any, peer: str, target: Address) -> None:
        fault = fault_of(self._seed, self.connections) if self.is_faulty else None
        self.connections += 1
        try:
            server = socket.create_connection(target)
        except OSError:  # nobody is there, which the client sees as well as it can
            _reset(client)
            return
        connection = WatchedConnection(client, peer)
        to_server, to_client = (fault, None) if fault and fault.to_server else (None, fault)
        ways = [
            gevent.spawn(self._pass_on, connection, client, server, to_server),
            gevent.spawn(self._pass_on, connection, server, client, to_client),
        ]
        try:
            gevent.wait(ways, count=1)
        finally:
            gevent.killall(ways)
            self._watch.ended(connection)
            client.close()
            server.close()

    def _pass_on(
        self, connection: WatchedConnection, source: Any, target: Any, fault: ConnectionFault | None
    ) -> None:
        """Pass one direction on until it ends in any way."""
        ending = Ending.GOES_ON
        with contextlib.suppress(OSError):
            for number in count():
                piece = source.recv(PIECE_BYTES)
                if not piece:
                    return
                if source is connection.client:
                    self._watch.sent(connection, piece)
                if fault is not None and fault.piece == number:
                    ending = self._hit(fault, piece, source, target)
                    if ending in (Ending.CLOSED, Ending.RESET):
                        return
                elif ending is Ending.GOES_ON:
                    target.sendall(piece)
                    self._watch.passed_on(connection, piece)

    def _hit(self, fault: ConnectionFault, piece: bytes, source: Any, target: Any) -> Ending:
        treatment = fault.treatment
        self.faults[fault.kind] += 1
        if treatment.waits:
            gevent.sleep(fault.seconds)
        target.sendall(piece[: round(len(piece) * treatment.share)] * treatment.copies)
        if treatment.ending is Ending.RESET:
            _reset(source)
            _reset(target)
        return treatment.ending


def _reset(sock: Any) -> None:
    """Close a socket so that its other end sees a reset."""
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET)
    sock.close()
