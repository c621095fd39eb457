"""
TLS connections of greenlets in the compiled way (``http.openssl``).

gevent's SSL sockets make a timer and a Waiter object for each wait, and the ssl module copies a
session with the server's certificate in it. Here OpenSSL works on the socket itself; what it wants
to wait for, ``PlainSocket`` waits for.
"""

from __future__ import annotations

from typing import Any

import gevent

from caretaker.errors import InputError
from caretaker.http.connect_errors import (
    HandshakeTimeout,
    NotTLS,
    UnusableIdentity,
    is_not_tls,
)
from caretaker.http.openssl import OpenSSL
from caretaker.http.sockets import Deadlines, PlainSocket, Target, unread
from caretaker.http.tls_sessions import Resumption
from caretaker.http.tls_settings import TLSClient

_READ, _WRITE, _IDENTITY = 1, 2, 3
"""What OpenSSL wants; the first two are those of gevent's loop, too."""


class OpenSSLSocket(PlainSocket):
    """
    A TLS connection of one greenlet.

    Args:
        target, deadlines, deadline: as for ``PlainSocket``.
        openssl: of the fleet.
        client: verifies the server, and has the client's certificate.
        resumption: the client's session with this server.

    Raises:
        OSError: the connection can't be made; ``NotTLS`` if the answer was not TLS.
    """

    __slots__ = ("_client", "_openssl", "_resumption", "_tls")

    def __init__(
        self,
        target: Target,
        deadlines: Deadlines,
        deadline: float,
        openssl: OpenSSL,
        client: TLSClient,
        *,
        resumption: Resumption,
    ) -> None:
        self._tls: Any = None
        self._openssl, self._client = openssl, client
        self._resumption = resumption
        super().__init__(target, deadlines, deadline)
        try:
            session = resumption.session
            assert session is None or isinstance(session, bytes)
            self._tls = openssl.connection(client, self._socket.fileno(), session)
            while wanted := self._tls.handshake():
                self._give(wanted, deadline)
        except BaseException as error:
            resumption.failed()
            rest = unread(self._socket.fileno()) if is_not_tls(error) else None
            self.close()
            if rest is not None:
                raise NotTLS(rest) from error
            if isinstance(error, TimeoutError):
                raise HandshakeTimeout from error
            if isinstance(error, InputError):
                raise UnusableIdentity(str(error)) from error
            raise
        resumption.succeeded(resumed=self._tls.resumed)

    def _give(self, wanted: int, deadline: float) -> None:
        """Wait for what OpenSSL wants, or show the certificate, also in a later handshake."""
        if wanted != _IDENTITY:
            self._wait(wanted, deadline)
            return
        try:
            self._tls.show(self._openssl.identity(self._client))
        except InputError as error:
            raise UnusableIdentity(str(error)) from error

    def _wait(self, events: int, deadline: float) -> None:
        try:
            super()._wait(events, deadline)
        except gevent.GreenletExit:
            self._tls = None  # nothing more is sent
            raise

    def send(self, data: bytes, deadline: float) -> None:
        """Send all of the data; see ``Socket.send``."""
        sent = 0
        try:
            while sent < len(data):
                taken = self._tls.write(data, sent)
                if taken > 0:
                    sent += taken
                else:
                    self._give(-taken, deadline)
        except TimeoutError:
            raise
        except OSError:
            # A server of TLS 1.3 refuses a client after the client's handshake, and closes: what
            # it has said is still to be read, and the better error.
            self._tls.read(1)
            raise

    def receive(self, size: int, deadline: float) -> bytes:
        """Receive the next bytes; see ``Socket.receive``."""
        if not self._tls.has_pending:
            self._wait(_READ, deadline)
        while True:
            got = self._tls.read(size)
            if isinstance(got, bytes):
                return got
            self._give(got, deadline)

    def close(self) -> None:
        """Close the socket, and keep the session that the server has given."""
        if self._tls is not None:
            session = self._tls.session
            if session is not None:
                self._resumption.keep(session)
            self._tls.close()
            self._tls = None
        super().close()
