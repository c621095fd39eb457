"""Connection Requests at little cost, sent as GenieACS does: both GETs on one connection."""

from __future__ import annotations

import hashlib
import re
import time
from collections.abc import Iterator
from itertools import cycle, islice
from operator import sub
from statistics import median
from urllib.parse import urlsplit

import gevent
import gevent.socket

from benchmarks.wire import read_message

PATIENCE = 10.0
"""Seconds after which a request is lost."""
_NONCE = re.compile(rb'realm="([^"]*)".*nonce="([^"]*)"')


class Target:
    """
    A CPE to be called.

    Args:
        url: its ConnectionRequestURL.
        username, password: its credentials for Connection Requests.
    """

    def __init__(self, url: str, username: str, password: str) -> None:
        parts = urlsplit(url)
        self.address = (parts.hostname or "", parts.port or 80)
        self._path = parts.path
        self._username, self._password = username, password
        self.plain = self._get("")

    def _get(self, headers: str) -> bytes:
        host = f"{self.address[0]}:{self.address[1]}"
        return f"GET {self._path} HTTP/1.1\r\nHost: {host}\r\n{headers}\r\n".encode()

    def authorized(self, answer: bytes) -> bytes:
        """The GET with the credentials that a 401 asks for."""
        challenge = _NONCE.search(answer)
        if not answer.startswith(b"HTTP/1.1 401") or challenge is None:
            raise ValueError(f"no challenge: {answer[:200]!r}")
        realm, nonce = challenge[1].decode(), challenge[2].decode()
        ha1 = _md5(f"{self._username}:{realm}:{self._password}")
        response = _md5(f"{ha1}:{nonce}:00000001:c0ffee:auth:{_md5(f'GET:{self._path}')}")
        return self._get(
            f'Authorization: Digest username="{self._username}", realm="{realm}", '
            f'nonce="{nonce}", uri="{self._path}", algorithm=MD5, qop=auth, nc=00000001, '
            f'cnonce="c0ffee", response="{response}"\r\n'
        )


def _md5(text: str) -> str:
    return hashlib.md5(text.encode(), usedforsecurity=False).hexdigest()


class Requester:
    """
    Calls CPEs in turns, a number at once.

    Args:
        targets: arguments of ``Target``.
        connections: how many exchanges run at once.
    """

    def __init__(self, *, targets: list[list[str]], connections: int) -> None:
        self._targets = [Target(*target) for target in targets]
        self._connections = connections
        self._next = self._count = 0

    def measure(self, seconds: float) -> int:
        """How many exchanges (401, then 200) were complete after some seconds."""
        self._count = 0
        greenlets = [gevent.spawn(self._repeat) for _ in range(self._connections)]
        gevent.sleep(seconds)
        gevent.killall(greenlets)
        return self._count

    def _repeat(self) -> None:
        while True:
            self._next += 1
            exchange(self._targets[self._next % len(self._targets)])
            self._count += 1


def exchange(target: Target) -> None:
    """
    Have a CPE called, on a connection of its own.

    Raises:
        ValueError: it was not accepted.
        OSError: the connection was lost.
    """
    with gevent.socket.create_connection(target.address) as connection:
        connection.sendall(target.plain)
        connection.sendall(target.authorized(read_message(connection)[0]))
        answer, _ = read_message(connection)
    if not answer.startswith(b"HTTP/1.1 200"):
        raise ValueError(f"not accepted: {answer[:200]!r}")


class LoneRequester:
    """
    Calls CPEs in turns, one at a time.

    Args:
        targets: arguments of ``Target``.
    """

    def __init__(self, *, targets: list[list[str]]) -> None:
        self._targets = cycle([Target(*target) for target in targets])

    def measure(self, seconds: float) -> float:
        """The median of the ms that an exchange takes, over some seconds."""
        times: list[float] = []
        end = time.perf_counter() + seconds
        while not times or times[-1] < end:
            exchange(next(self._targets))
            times.append(time.perf_counter())
        starts = [end - seconds, *times]
        return 1000 * float(median(map(sub, times, starts)))


class SteadyRequester:
    """
    Calls CPEs in turns at a steady rate, however long the answers take.

    Args:
        targets: arguments of ``Target``.
    """

    def __init__(self, *, targets: list[list[str]]) -> None:
        self._targets = cycle([Target(*target) for target in targets])
        self._lost = 0
        self._times: list[float] = []

    def measure(self, rate: float, seconds: float) -> dict[str, float]:
        """
        Ask for some seconds.

        Returns how many were ``asked`` and ``lost``, and ``p50`` and ``p99`` of the ms from when a
        request was due until its 200.
        """
        self._lost, self._times = 0, []
        due = islice(paced(rate), round(rate * seconds))
        asking = [gevent.spawn(self._ask, at, next(self._targets)) for at in due]
        gevent.joinall(asking)
        times = sorted(self._times) or [0.0]
        percentiles = {f"p{n}": 1000 * times[len(times) * n // 100] for n in (50, 99)}
        return {"asked": len(asking), "lost": self._lost, **percentiles}

    def _ask(self, due: float, target: Target) -> None:
        try:
            with gevent.Timeout(PATIENCE, TimeoutError):
                exchange(target)
        except (OSError, ValueError):
            self._lost += 1
        else:
            self._times.append(time.perf_counter() - due)


def paced(rate: float) -> Iterator[float]:
    """The due times of a rate, each when it has come."""
    due = time.perf_counter()
    while True:
        gevent.sleep(max(0.0, due - time.perf_counter()))
        yield due
        due += 1 / rate
