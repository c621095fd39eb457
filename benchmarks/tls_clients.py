"""CPEs that connect over TLS as sessions do, in a process of their own."""

from __future__ import annotations

import ssl
import sys
from collections import deque

import gevent

from benchmarks.processes import cpu_seconds, unique_bytes
from caretaker.http.connection import Connection
from caretaker.http.endpoint import Address, Endpoint, LocalEnd
from caretaker.http.tls_settings import Identity, TLSSettings, no_identity

LEAST = 200
"""Connections of a measurement."""
VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}


def without_compiled_tls() -> None:
    """Have this process use the ssl module's TLS: importing what is None here fails."""
    sys.modules["caretaker.http._openssl"] = None  # type: ignore[assignment]


class TLSConnections:
    """
    CPEs that connect in turns, post twice and close.

    Args:
        url: of the server.
        posts: head and body of each POST, as latin-1.
        ca: PEM file of the certificate to trust.
        version: of TLS, the only one.
        resumes: whether each resumes its session.
        cpes: how many there are.
        identities: PEM files with certificates and keys, one for each CPE; none without.
        at_once: how many are connected at once.
        compiled: whether TLS is compiled; else it is the ssl module's.
    """

    def __init__(
        self,
        *,
        url: str,
        posts: list[tuple[str, str]],
        ca: str,
        version: str,
        resumes: bool,
        cpes: int,
        identities: list[str],
        at_once: int,
        compiled: bool,
    ) -> None:
        if not compiled:
            without_compiled_tls()
        files = [Identity(path, path) for path in identities]
        settings = TLSSettings(
            ca,
            minimum=VERSIONS[version],
            maximum=VERSIONS[version],
            identity=files.__getitem__ if files else no_identity,
            resume=resumes,
        )
        self._endpoint = Endpoint(Address.of(url), tls=settings)
        self._posts = [(head.encode("latin-1"), body.encode("latin-1")) for head, body in posts]
        self._idle = deque(range(cpes))
        self._at_once = at_once
        self._count = 0
        self._stopping = False

    def measure(self, seconds: float) -> dict[str, float]:
        """
        Connect for some seconds, after each CPE has done so once.

        Returns the ``count``, the ``cpu`` seconds and the share ``resumed``.
        """
        for _ in range(len(self._idle)):
            self._session()
        self._stopping = False
        running = [gevent.spawn(self._repeat) for _ in range(self._at_once)]
        gevent.sleep(seconds / 5)
        before = self._figures()
        gevent.sleep(seconds)
        while self._count < before[0] + LEAST:  # on a machine that is busy with other things
            gevent.sleep(seconds)
        after = self._figures()
        count, cpu, full, resumed = (b - a for a, b in zip(before, after, strict=True))
        self._stopping = True
        gevent.joinall(running, raise_error=True)
        return {"count": count, "cpu": cpu, "resumed": resumed / max(1, full + resumed)}

    def _figures(self) -> tuple[float, float, int, int]:
        sessions = self._endpoint.tls_clients().sessions
        return self._count, cpu_seconds(), sessions.full, sessions.resumed

    def _repeat(self) -> None:
        while not self._stopping:
            self._session()

    def _session(self) -> None:
        index = self._idle.popleft()
        connection = Connection(self._endpoint, self._endpoint.address, LocalEnd("", index))
        for head, body in self._posts:
            connection.request(head, body)
        connection.close()
        self._idle.append(index)
        self._count += 1

    def kept(self, cpes: int) -> dict[str, float]:
        """What the sessions of so many CPEs take: the ``bytes`` of memory that each adds."""
        self._session()
        sessions = self._endpoint.tls_clients().sessions
        own = sessions.of(self._idle[-1], self._endpoint.address[1:3]).session
        assert isinstance(own, bytes)
        before = unique_bytes()
        for index in range(cpes):
            copy = bytes(bytearray(own))
            sessions.of(1_000_000 + index, self._endpoint.address[1:3]).keep(copy)
        return {"bytes": (unique_bytes() - before) / cpes}
