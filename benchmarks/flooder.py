"""Floods of a Connection Request server, each from a process of its own and for a bounded time."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress

import gevent
import gevent.socket
from gevent.pool import Group

from benchmarks.requester import Target, paced
from benchmarks.wire import read_message

AT_ONCE = 2_000
"""Connections that are opened at once, again and again."""
HELD = 6_000
"""Connections that are held, more than the server takes; who is closed comes again."""
WRONG_RATE = 1_000
"""Wrong credentials in a second."""
GARBAGE_RATE = 500
"""Connections with garbage in a second."""
_SLOWLY = 0.9
"""Seconds between two bytes of a slow head or body."""
_ENDING = (OSError, ValueError)


class Flooder:
    """
    Floods a server.

    Args:
        target: arguments of ``Target``, of a CPE of the server.
    """

    def __init__(self, *, target: list[str]) -> None:
        url, name, _ = target
        self._target = Target(url, name, "wrong")
        self._running = Group()
        self._done = 0

    def done(self) -> int:
        """Connections, or wrong credentials, that there were so far."""
        return self._done

    def start(self, name: str, scale: float) -> None:
        """Begin the flood of a name, of ``FLOODS``; ``scale`` is a factor on its numbers."""
        self._running.spawn(FLOODS[name], self, scale)

    def stop(self) -> None:
        """End the flood."""
        self._running.kill()

    def connection(self) -> gevent.socket.socket:
        """A new connection to the server."""
        connection = gevent.socket.create_connection(self._target.address, 10)
        self._done += 1
        return connection

    def hold(self, count: int, talk: Callable[[gevent.socket.socket], object]) -> None:
        """Hold so many connections, each of which talks; one that ends is made again."""
        for _ in range(count):
            self._running.spawn(self._again, talk)
            gevent.sleep(0)

    def _again(self, talk: Callable[[gevent.socket.socket], object]) -> None:
        while True:
            with suppress(*_ENDING), self.connection() as connection:
                talk(connection)
            gevent.sleep(0.5)

    def each(self, rate: float, act: Callable[[], object]) -> None:
        """Do something at a rate, however long it takes."""
        for _ in paced(rate):
            self._running.spawn(_quietly, act)

    # The floods.

    def connections(self, scale: float) -> None:
        """Connections all at once, each with a request without credentials."""
        while True:
            waiting = [gevent.spawn(_quietly, self._ask) for _ in range(round(AT_ONCE * scale))]
            gevent.joinall(waiting)

    def _ask(self) -> None:
        with self.connection() as connection:
            connection.sendall(self._target.plain)
            read_message(connection)

    def idle(self, scale: float) -> None:
        """Connections that say nothing."""
        self.hold(round(HELD * scale), lambda connection: connection.recv(1))

    def slow_heads(self, scale: float) -> None:
        """Heads that come byte by byte, and never end."""
        self.hold(round(HELD * scale), lambda connection: _drip(connection, b"GET / HTTP/1.1\r\n"))

    def slow_bodies(self, scale: float) -> None:
        """Bodies that come byte by byte."""
        head = b"GET /cr/1 HTTP/1.1\r\nContent-Length: 4096\r\n\r\n"
        self.hold(round(HELD * scale), lambda connection: _drip(connection, head))

    def wrong_credentials(self, scale: float) -> None:
        """Answers to a challenge with a wrong password, at a rate, over some connections."""
        connections = max(1, round(50 * scale))
        for _ in range(connections):
            self._running.spawn(
                self._again, lambda it: self._guess(it, WRONG_RATE * scale / connections)
            )

    def _guess(self, connection: gevent.socket.socket, rate: float) -> None:
        connection.sendall(self._target.plain)
        wrong = self._target.authorized(read_message(connection)[0])
        for _ in paced(rate):
            connection.sendall(wrong)
            read_message(connection)
            self._done += 1

    def garbage(self, scale: float) -> None:
        """Bytes at random, or a request that goes on with them; from 1 byte to 64 KiB."""
        self.each(GARBAGE_RATE * scale, self._rubbish)

    def _rubbish(self) -> None:
        with self.connection() as connection:
            data = os.urandom(1 << (time.monotonic_ns() >> 10) % 17)
            connection.sendall(data if data[0] % 2 else self._target.plain + data)
            connection.recv(65536)


def _quietly(act: Callable[[], object]) -> None:
    with suppress(*_ENDING):
        act()


def _drip(connection: gevent.socket.socket, first: bytes) -> None:
    """Send something, and then a byte now and then."""
    connection.sendall(first)
    while True:
        gevent.sleep(_SLOWLY)
        connection.sendall(b"x")


FLOODS: dict[str, Callable[[Flooder, float], None]] = {
    "2 000 connections at once": Flooder.connections,
    "6 000 idle": Flooder.idle,
    "slow heads": Flooder.slow_heads,
    "slow bodies": Flooder.slow_bodies,
    "wrong credentials at 1 000/s": Flooder.wrong_credentials,
    "garbage": Flooder.garbage,
}
"""Every flood by its name."""
