"""At which of a master's addresses its workers join it."""

from __future__ import annotations

import socket
from typing import Any

import pytest
from helpers.wire import needs_ipv6

from caretaker.swarm.master_address import joined_host


def resolve(monkeypatch: pytest.MonkeyPatch, *hosts: str) -> None:
    """Have the name of the master stand for these addresses."""
    real = socket.getaddrinfo

    def getaddrinfo(host: str, port: int, *rest: Any, **more: Any) -> list[Any]:
        names = hosts if host == "both.example" else (host,)
        return [found for name in names for found in real(name, port, *rest, **more)]

    monkeypatch.setattr(socket, "getaddrinfo", getaddrinfo)


@needs_ipv6
@pytest.mark.parametrize("bound", ["127.0.0.1", "::1"])
def test_it_is_the_one_that_the_master_is_bound_to(
    bound: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    resolve(monkeypatch, "::1", "127.0.0.1")
    family = socket.AF_INET6 if ":" in bound else socket.AF_INET
    with socket.create_server((bound, 0), family=family) as master:
        assert joined_host("both.example", master.getsockname()[1]) == bound


def test_it_is_the_name_where_no_master_is_there_yet(monkeypatch: pytest.MonkeyPatch) -> None:
    resolve(monkeypatch, "127.0.0.1", "127.0.0.2")
    with socket.create_server(("127.0.0.1", 0)) as closed:
        port = closed.getsockname()[1]
    assert joined_host("both.example", port) == "both.example"


@pytest.mark.parametrize("host", ["127.0.0.1", "x" * 64 + ".invalid"])
def test_an_only_address_and_an_unknown_name_are_left_to_locust(host: str) -> None:
    assert joined_host(host, 1) == host
