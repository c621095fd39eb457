"""
TLS sessions of CPEs, kept for their next connections (RFC 5077, RFC 8446 2.2).

A session stands for the client's certificate, so each belongs to one CPE and one server.
"""

from __future__ import annotations

import ssl
from collections import OrderedDict

MAX_BYTES = 256 << 20
"""Of all sessions that are kept; some 400,000 of the compiled way, 40,000 of the ssl module's."""
MAX_SESSION_BYTES = 8192
"""Of one session; a server may put a chain of certificates into its ticket."""
MAX_SERVERS = 64
"""Whose sessions are kept; an ACS can send CPEs to any port of an allowed host."""
_ENTRY_BYTES = 210
"""What one costs beside its bytes, measured by ``./scripts/bench tls``."""
_SSL_MODULE_BYTES = 6300
"""What an ``ssl.SSLSession`` costs, which holds the server's certificate."""

Session = bytes | ssl.SSLSession
"""As bytes in the compiled way, as an object in that of the ssl module."""


def size_of(session: Session) -> int:
    """The bytes that a session takes, with its place."""
    own = len(session) if isinstance(session, bytes) else _SSL_MODULE_BYTES
    return own + _ENTRY_BYTES


class TLSSessions:
    """
    The sessions of a worker's CPEs; the least recently used are forgotten first.

    Args:
        max_bytes: of all that are kept.
    """

    def __init__(self, max_bytes: int = MAX_BYTES) -> None:
        self._max_bytes = max_bytes
        self._bytes = 0
        # An int as the key takes 32 bytes, a tuple would take 100.
        self._sessions: OrderedDict[int, Session] = OrderedDict()
        self._servers: dict[tuple[str, int], int] = {}
        self._next_server = 0
        self.full = 0
        """Handshakes that resumed no session."""
        self.resumed = 0
        """Handshakes that did."""
        self.lost = 0
        """Sessions that CPEs have lost with their power, or in a reboot."""

    def __len__(self) -> int:
        """How many are kept."""
        return len(self._sessions)

    def of(self, index: int | None, server: tuple[str, int]) -> Resumption:
        """
        What the connections of a CPE to a server resume.

        Args:
            index: of the CPE; nothing is resumed or kept if None.
            server: host and port.
        """
        if index is None:
            return Resumption(self, None)
        number = self._servers.get(server)
        if number is None:
            if len(self._servers) == MAX_SERVERS:
                self._servers.clear()
            # No number is used twice, so a connection that is still open can't mix up servers.
            number = self._servers[server] = self._next_server
            self._next_server += 1
        return Resumption(self, number << 32 | index)

    def get(self, key: int) -> Session | None:
        """The session of a key, which was used now."""
        session = self._sessions.get(key)
        if session is not None:
            self._sessions.move_to_end(key)
        return session

    def put(self, key: int, session: Session) -> None:
        """Keep a session in place of the one before."""
        self.remove(key)
        if size_of(session) > MAX_SESSION_BYTES:
            return
        self._sessions[key] = session
        self._bytes += size_of(session)
        while self._bytes > self._max_bytes:
            self._bytes -= size_of(self._sessions.popitem(last=False)[1])

    def lose(self, index: int) -> None:
        """A CPE has lost its sessions with all servers: devices hold them in RAM."""
        kept = len(self._sessions)
        for number in self._servers.values():
            self.remove(number << 32 | index)
        self.lost += kept - len(self._sessions)

    def remove(self, key: int) -> None:
        """Forget the session of a key, if there is one."""
        session = self._sessions.pop(key, None)
        if session is not None:
            self._bytes -= size_of(session)


class Resumption:
    """
    The session of one CPE with one server.

    Args:
        sessions: where it is kept.
        key: of the CPE and the server; nothing is resumed or kept if None.
    """

    __slots__ = ("_key", "_sessions")

    def __init__(self, sessions: TLSSessions, key: int | None) -> None:
        self._sessions = sessions
        self._key = key

    @property
    def session(self) -> Session | None:
        """What the next connection may resume."""
        return None if self._key is None else self._sessions.get(self._key)

    def keep(self, session: Session) -> None:
        """The server has given a session; TLS 1.2 gives none when one was resumed."""
        if self._key is not None:
            self._sessions.put(self._key, session)

    def keep_of(self, secure: ssl.SSLSocket) -> None:
        """Keep the session of a connection of the ssl module, if the server has given one."""
        if self._key is None or (secure.session_reused and secure.version() != "TLSv1.3"):
            return
        session = secure.session
        if session is not None and (session.has_ticket or secure.version() != "TLSv1.3"):
            self.keep(session)

    def succeeded(self, *, resumed: bool) -> None:
        """Count a handshake of a client that may resume."""
        if resumed:
            self._sessions.resumed += 1
        elif self._key is not None:
            self._sessions.full += 1

    def failed(self) -> None:
        """Have the next handshake be a full one, whatever was wrong with this."""
        if self._key is not None:
            self._sessions.remove(self._key)
