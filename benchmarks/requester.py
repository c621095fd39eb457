"""Sending Connection Requests at little cost, as GenieACS does: both GETs on one connection."""

from __future__ import annotations

import hashlib
import re
from urllib.parse import urlsplit

import gevent
import gevent.socket

from benchmarks.wire import read_message

_NONCE = re.compile(rb'realm="([^"]*)".*nonce="([^"]*)"')


class Target:
    """
    A CPE to be asked for.

    Args:
        url: its ConnectionRequestURL.
        username, password: what it asks for.
    """

    def __init__(self, url: str, username: str, password: str) -> None:
        parts = urlsplit(url)
        self.address = (parts.hostname or "", parts.port or 80)
        self._path = parts.path
        self._username, self._password = username, password
        self.plain = self._get("")

    def _get(self, more: str) -> bytes:
        host = f"{self.address[0]}:{self.address[1]}"
        return f"GET {self._path} HTTP/1.1\r\nHost: {host}\r\n{more}\r\n".encode()

    def authorized(self, answer: bytes) -> bytes:
        """The GET with the credentials that a 401 asks for."""
        found = _NONCE.search(answer)
        if not answer.startswith(b"HTTP/1.1 401") or found is None:
            raise ValueError(f"no challenge: {answer[:200]!r}")
        realm, nonce = found[1].decode(), found[2].decode()
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
    Asks for CPEs in turns, so many at once.

    Args:
        targets: arguments of ``Target``.
        connections: how many exchanges run at once.
    """

    def __init__(self, *, targets: list[list[str]], connections: int) -> None:
        self._targets = [Target(*each) for each in targets]
        self._connections = connections
        self._next = self._count = 0

    def measure(self, seconds: float) -> int:
        """How many exchanges were complete in so many seconds: 401, then 200."""
        self._count = 0
        greenlets = [gevent.spawn(self._repeat) for _ in range(self._connections)]
        gevent.sleep(seconds)
        gevent.killall(greenlets)
        return self._count

    def _repeat(self) -> None:
        while True:
            self._next += 1
            target = self._targets[self._next % len(self._targets)]
            with gevent.socket.create_connection(target.address) as connection:
                connection.sendall(target.plain)
                connection.sendall(target.authorized(read_message(connection)[0]))
                answer, _ = read_message(connection)
            if not answer.startswith(b"HTTP/1.1 200"):
                raise ValueError(f"not accepted: {answer[:200]!r}")
            self._count += 1
