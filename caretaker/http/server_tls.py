"""
TLS of our servers: their certificate, whether clients need one, and a connection's socket.

A connection has no greenlet, also while its handshake goes on: its socket takes what has come and
says what is to be sent, like one without TLS. So a client that stalls costs its memory, until the
server's deadline closes it.
"""

from __future__ import annotations

import argparse
import os
import ssl
from _socket import socket as Socket  # noqa: N812  # the base class of socket's and gevent's
from contextlib import suppress
from dataclasses import dataclass
from typing import Any

from caretaker.errors import InputError
from caretaker.http.certificates import Certificate
from caretaker.http.tls_settings import OLDEST, Identity

PASSWORD_VARIABLE = "CARETAKER_TLS_KEY_PASSWORD"  # noqa: S105  # the name of a variable
CONNECTION = "caretaker.tls"
"""The key of a connection's ``ServerTLSSocket`` in the WSGI environ; absent without TLS."""
_RAW_BYTES = 64 * 1024
"""What is received, and what is encrypted, at once."""


@dataclass(frozen=True)
class ServerTLS:
    """
    What a server's connections use.

    Args:
        certificate: PEM file of the server's certificate, with those of the CAs between.
        key: PEM file of its private key; in the file of the certificate if empty. Its password is
            in the environment, as ``PASSWORD_VARIABLE``.
        client_ca: PEM file of the CAs whose certificates clients must show; none is asked for
            without.
    """

    certificate: str
    key: str = ""
    client_ca: str = ""

    def context(self) -> ssl.SSLContext:
        """
        The context of a server.

        Raises:
            InputError: a file can't be used.
        """
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = OLDEST
        context.options |= ssl.OP_NO_RENEGOTIATION
        password = os.environ.get(PASSWORD_VARIABLE, "")
        Identity(self.certificate, self.key or self.certificate, password).load_into(context)
        if self.client_ca:
            context.verify_mode = ssl.CERT_REQUIRED
            try:
                context.load_verify_locations(self.client_ca)
            except OSError as error:
                why = error.strerror or "not readable"
                cure = "no certificates in PEM in it"
                raise InputError(f"{self.client_ca}: {cure} ({why})") from error
        return context


def given_tls(certificate: str | None, key: str | None, client_ca: str | None) -> ServerTLS | None:
    """
    The TLS of a server by its options ``--tls-cert``, ``--tls-key`` and ``--client-ca``.

    Raises:
        InputError: a file can't be used, or there is no certificate for the others.
    """
    if certificate is None:
        if key or client_ca:
            raise InputError("--tls-key and --client-ca: give --tls-cert, too")
        return None
    tls = ServerTLS(certificate, key or "", client_ca or "")
    tls.context()
    return tls


def add_server_arguments(parser: argparse.ArgumentParser, clients: str) -> None:
    """
    Add the options of a server's certificate to a command.

    Args:
        parser: of the command.
        clients: who the server's clients are.
    """
    parser.add_argument(
        "--tls-cert",
        metavar="FILE",
        help=f"speak TLS to {clients}, with this certificate, in PEM",
    )
    parser.add_argument(
        "--tls-key",
        metavar="FILE",
        help="its private key (default: in the same file); a password is in the environment, as "
        f"{PASSWORD_VARIABLE}",
    )


class ServerTLSSocket:
    """
    The server's side of a TLS connection, as a socket that does not block.

    Args:
        plain: the accepted connection, which does not block.
        context: of the server.
    """

    def __init__(self, plain: Socket, context: ssl.SSLContext) -> None:
        self._plain = plain
        self._incoming, self._outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        self._tls = context.wrap_bio(self._incoming, self._outgoing, server_side=True)
        self._shaken = False
        self._unsent: bytes | memoryview = b""
        self._encrypted = 0  # bytes of the caller's whose records are not all sent

    def client_certificate(self) -> Certificate | None:
        """The certificate that the client has shown; None if it was asked for none."""
        return self._tls.getpeercert() or None

    def fileno(self) -> int:
        """As of a socket."""
        return self._plain.fileno()

    def recv(self, size: int) -> bytes:  # noqa: ARG002
        """
        What has come, decrypted; empty at the end.

        Args:
            size: ignored; all that one call receives is returned, 64 KiB at most.

        Raises:
            BlockingIOError: nothing has come, or not all of a record or of the handshake.
            OSError: the connection is broken, or the client was refused.
        """
        raw = self._plain.recv(_RAW_BYTES)
        if not raw:
            return b""
        self._incoming.write(raw)
        try:
            return self._decrypted()
        finally:
            self._flush()  # handshakes, alerts and the answers to key updates

    def _decrypted(self) -> bytes:
        pieces: list[bytes] = []
        try:
            if not self._shaken:
                self._tls.do_handshake()
                self._shaken = True
            while piece := self._tls.read(_RAW_BYTES):
                pieces.append(piece)
        except ssl.SSLWantReadError:
            if not pieces:
                raise BlockingIOError from None
        except ssl.SSLZeroReturnError:
            pass
        return b"".join(pieces)

    def _flush(self) -> bool:
        """Send what is encrypted; whether all of it is sent."""
        if self._outgoing.pending:
            self._unsent = bytes(self._unsent) + self._outgoing.read()
        if self._unsent:
            try:
                sent = self._plain.send(self._unsent)
            except BlockingIOError:
                return False
            except OSError:
                self._unsent = b""  # the next call finds the same
                raise
            self._unsent = memoryview(self._unsent)[sent:]
        return not self._unsent

    def send(self, data: Any) -> int:
        """
        Send the beginning of the data; the number of its bytes that are sent.

        Raises:
            BlockingIOError: they are not all sent yet; the same data must be given again.
            OSError: the connection is broken.
        """
        if not self._encrypted:
            self._encrypted = self._tls.write(memoryview(data)[:_RAW_BYTES])
        if not self._flush():
            raise BlockingIOError
        sent, self._encrypted = self._encrypted, 0
        return sent

    def shutdown(self, how: int) -> None:
        """As of a socket, after a notice that no more will come."""
        self._notify()
        self._plain.shutdown(how)

    def close(self) -> None:
        """As of a socket, after such a notice."""
        self._notify()
        self._plain.close()

    def _notify(self) -> None:
        with suppress(OSError, ValueError):  # before the handshake; the client's is not waited for
            self._tls.unwrap()
        with suppress(OSError):
            self._flush()
