from __future__ import annotations

import gevent
import pytest

from caretaker.engine.stun_servers import (
    MAX_SERVERS,
    NOT_ALLOWED,
    NOT_FOUND,
    RETRY_SECONDS,
    STUNServers,
)
from caretaker.testing import Clock


class Resolver:
    """Stands for the system's; knows one name at a time."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.known = {"stun.example": "192.0.2.3"}

    def __call__(self, host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        self.asked.append(host)
        if host not in self.known:
            raise gevent.socket.gaierror
        return [(2, 2, 17, "", (self.known[host], port))]


@pytest.fixture
def resolver(monkeypatch: pytest.MonkeyPatch) -> Resolver:
    resolver = Resolver()
    monkeypatch.setattr(gevent.socket, "getaddrinfo", resolver)
    return resolver


def test_a_name_is_looked_up_once_in_the_background(resolver: Resolver) -> None:
    servers = STUNServers(("stun.example",), Clock())
    first = servers.server("stun.example", 3478)
    assert (first.family, first.reason) == (None, "")
    gevent.sleep(0)
    assert servers.server("stun.example", 3478).address == ("192.0.2.3", 3478)
    assert servers.server("stun.example", 3478).family == 2
    assert resolver.asked == ["stun.example"]


def test_an_address_needs_no_look_up(resolver: Resolver) -> None:
    servers = STUNServers(("127.0.0.1", "::1"), Clock())
    assert servers.server("127.0.0.1", 3478).local == "127.0.0.1"
    assert servers.server("::1", 3478).address[:2] == ("::1", 3478)
    assert resolver.asked == []


def test_a_name_that_is_not_known_is_asked_for_again_later(resolver: Resolver) -> None:
    clock = Clock()
    servers = STUNServers(("other.example",), clock)
    servers.server("other.example", 3478)
    gevent.sleep(0)
    assert servers.server("other.example", 3478).reason == NOT_FOUND
    resolver.known["other.example"] = "192.0.2.4"
    clock.advance(RETRY_SECONDS)
    servers.server("other.example", 3478)
    gevent.sleep(0)
    assert servers.server("other.example", 3478).address == ("192.0.2.4", 3478)


def test_a_host_that_is_not_allowed_is_not_even_looked_up(resolver: Resolver) -> None:
    servers = STUNServers(("stun.example",), Clock())
    assert servers.server("elsewhere.example", 3478).reason == NOT_ALLOWED
    gevent.sleep(0)
    assert resolver.asked == []


def test_a_server_of_the_other_family_than_the_source_is_none(resolver: Resolver) -> None:
    servers = STUNServers(("127.0.0.1",), Clock())
    assert servers.server("127.0.0.1", 3478, "::1").reason == NOT_FOUND


def test_servers_that_are_kept_are_bounded() -> None:
    servers = STUNServers(("127.0.0.1",), Clock())
    for port in range(1, 3 * MAX_SERVERS):
        servers.server("127.0.0.1", port)
    assert len(servers._servers) <= MAX_SERVERS


def test_a_server_is_found_from_more_local_addresses_than_there_are_servers(
    resolver: Resolver,
) -> None:
    servers = STUNServers(("stun.example",), Clock())
    sources = [f"127.0.0.{number + 1}" for number in range(MAX_SERVERS + 1)]
    for _ in range(2):
        found = [servers.server("stun.example", 3478, source).address for source in sources]
        gevent.sleep(0)
    assert set(found) == {("192.0.2.3", 3478)}
    assert len(resolver.asked) == len(sources)
