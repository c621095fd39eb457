"""The socket at which a server takes connections."""

from __future__ import annotations

import errno
import socket
from typing import Any

import pytest
from helpers.wire import needs_ipv6

from caretaker.errors import InputError
from caretaker.http import listener
from caretaker.http.listener import PortInUse, listen

pytestmark = [pytest.mark.sockets]


@pytest.mark.parametrize(
    ("host", "reached"),
    [
        ("127.0.0.1", ["127.0.0.1"]),
        ("", ["127.0.0.1"]),
        pytest.param("::1", ["::1"], marks=needs_ipv6),
        pytest.param("::", ["::1", "127.0.0.1"], marks=needs_ipv6),
    ],
)
def test_it_is_reached_at_its_address(host: str, reached: list[str]) -> None:
    with _python(listen(host, 0)) as listening:
        port = listening.getsockname()[1]
        for address in reached:
            socket.create_connection((address, port), timeout=60).close()


def test_the_first_address_of_a_name_that_can_be_bound_is_taken(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = [(socket.AF_INET, 1, 6, "", (host, 0)) for host in ("192.0.2.1", "127.0.0.1")]
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_, **__: found)
    with _python(listen("both.example", 0)) as listening:
        assert listening.getsockname()[0] == "127.0.0.1"


@pytest.mark.parametrize("host", ["127.0.0.1", pytest.param("::1", marks=needs_ipv6)])
def test_a_port_in_use_is_said_as_a_url_has_it(host: str) -> None:
    with _python(listen(host, 0)) as taken:
        port = taken.getsockname()[1]
        shown = rf"\[{host}\]" if ":" in host else host
        with pytest.raises(PortInUse, match=f"{shown}:{port}: in use; choose another"):
            listen(host, port)


@pytest.mark.parametrize(
    ("host", "port", "why"),
    [
        ("192.0.2.1", 0, "192.0.2.1:0: Cannot assign requested address"),
        ("127.0.0.1", 65_536, "no such port"),
        ("x" * 64 + ".invalid", 0, "no such host"),
    ],
)
def test_what_can_not_be_bound_is_one_line(host: str, port: int, why: str) -> None:
    with pytest.raises(InputError, match=why):
        listen(host, port)


def test_ipv6_that_is_switched_off_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(listener, "has_ipv6", lambda: False)
    with pytest.raises(InputError, match=r"\[2001:db8::1\]:80: this machine has no IPv6"):
        listen("2001:db8::1", 80)


def test_that_no_port_is_free_is_said_with_what_helps(monkeypatch: pytest.MonkeyPatch) -> None:
    def bind(*_: object) -> None:
        raise OSError(errno.EADDRINUSE, "Address already in use")

    monkeypatch.setattr(listener, "_listen", bind)
    with pytest.raises(InputError, match=r"^127\.0\.0\.1:0: no port is free, .*; wait") as told:
        listen("127.0.0.1", 0)
    assert not isinstance(told.value, PortInUse)


def _python(made: Any) -> socket.socket:
    """The listener as a socket of Python's, which can be closed by ``with``."""
    return socket.socket(made.family, made.type, made.proto, made.detach())
