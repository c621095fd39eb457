"""The names of failed connections."""

from __future__ import annotations

import errno
import os
import socket
import ssl

import pytest

from caretaker.errors import ConnectError, ConnectionLost, LimitError, TransportError
from caretaker.http.connect_errors import HandshakeTimeout, connect_error, lost_error, name_error


@pytest.mark.parametrize(
    ("error", "kind", "reason"),
    [
        (OSError(errno.ECONNREFUSED, "x"), ConnectError, "connection refused"),
        (OSError(errno.EHOSTUNREACH, "x"), ConnectError, "host unreachable"),
        (OSError(errno.ENETUNREACH, "x"), ConnectError, "network unreachable"),
        (OSError(errno.ECONNRESET, "x"), ConnectError, "connection reset"),
        (OSError(errno.EACCES, "x"), ConnectError, "connection not permitted"),
        (OSError(errno.ETIMEDOUT, "x"), ConnectError, "connection timed out"),
        (TimeoutError(), ConnectError, "connection timed out"),
        (OSError(errno.EMFILE, "x"), LimitError, "this machine is out of sockets or ports"),
        (OSError(errno.EPROTO, "x"), ConnectError, "connection failed: Protocol error"),
        (OSError("x"), ConnectError, "connection failed"),
        (socket.gaierror(socket.EAI_NONAME, "x"), ConnectError, "host name not found"),
        (socket.gaierror(socket.EAI_AGAIN, "x"), ConnectError, "name server does not answer"),
        (HandshakeTimeout(), ConnectError, "TLS: no answer to the handshake"),
        (ssl.SSLError(1, "x"), ConnectError, "TLS: handshake failed"),
        (ssl.SSLEOFError(8, "x"), ConnectError, "TLS: connection closed in the handshake"),
    ],
)
def test_each_error_of_a_connection_has_its_name(
    error: OSError, kind: type[TransportError], reason: str
) -> None:
    made = connect_error(error)
    assert (type(made), str(made)) == (kind, reason)


def test_a_name_that_can_not_be_encoded_is_not_found() -> None:
    assert str(name_error(UnicodeError("label too long"))) == "host name not found"


def test_a_look_up_without_a_descriptor_is_this_machines_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def refuse(*_: object) -> int:
        raise OSError(errno.EMFILE, "Too many open files")

    assert type(name_error(OSError(errno.EMFILE, "x"))) is LimitError
    monkeypatch.setattr(os, "open", refuse)
    assert type(name_error(socket.gaierror(socket.EAI_NONAME, "x"))) is LimitError


@pytest.mark.parametrize(
    ("error", "reason"),
    [
        (OSError(errno.ECONNRESET, "x"), "connection reset"),
        (OSError(errno.EPIPE, "x"), "connection reset"),
        (ssl.SSLEOFError(8, "x"), "connection reset"),
        (OSError(errno.ETIMEDOUT, "x"), "connection timed out"),
    ],
)
def test_a_connection_that_breaks_half_way_has_its_name(error: OSError, reason: str) -> None:
    made = lost_error(error)
    assert (type(made), str(made)) == (ConnectionLost, reason)
