from __future__ import annotations

import gevent
import pytest
from helpers.name_servers import NameServer

from caretaker.engine.stun_servers import MAX_SERVERS, NOT_ALLOWED, NOT_FOUND, STUNServers
from caretaker.http.resolver import FOUND_SECONDS, NOT_FOUND_SECONDS, Resolver
from caretaker.testing import Clock


def servers_of(*allowed: str, clock: Clock | None = None) -> STUNServers:
    return STUNServers(allowed, Resolver(clock or Clock()))


def test_a_name_is_looked_up_once_in_the_background(name_server: NameServer) -> None:
    servers = servers_of("stun.example")
    first = servers.server("stun.example", 3478)
    assert (first.family, first.reason) == (None, "")
    gevent.sleep(0)
    assert servers.server("stun.example", 3478).address == ("192.0.2.3", 3478)
    assert servers.server("stun.example", 3478).family == 2
    assert name_server.asked == ["stun.example"]


def test_an_address_needs_no_look_up(name_server: NameServer) -> None:
    servers = servers_of("127.0.0.1", "::1")
    assert servers.server("127.0.0.1", 3478).local == "127.0.0.1"
    assert servers.server("::1", 3478).address[:2] == ("::1", 3478)
    assert name_server.asked == []


def test_a_name_that_is_not_known_is_asked_for_again_later(name_server: NameServer) -> None:
    clock = Clock()
    servers = servers_of("other.example", clock=clock)
    servers.server("other.example", 3478)
    gevent.sleep(0)
    assert servers.server("other.example", 3478).reason == NOT_FOUND
    name_server.known["other.example"] = ["192.0.2.4"]
    clock.advance(NOT_FOUND_SECONDS)
    servers.server("other.example", 3478)
    gevent.sleep(0)
    assert servers.server("other.example", 3478).address == ("192.0.2.4", 3478)


def test_a_server_that_has_moved_is_found_after_a_while(name_server: NameServer) -> None:
    clock = Clock()
    servers = servers_of("stun.example", clock=clock)
    for address in ("192.0.2.3", "192.0.2.9"):
        name_server.known["stun.example"] = [address]
        servers.server("stun.example", 3478)
        gevent.sleep(0)
        assert servers.server("stun.example", 3478).address == (address, 3478)
        clock.advance(FOUND_SECONDS)


def test_a_host_that_is_not_allowed_is_not_even_looked_up(name_server: NameServer) -> None:
    servers = servers_of("stun.example")
    assert servers.server("elsewhere.example", 3478).reason == NOT_ALLOWED
    gevent.sleep(0)
    assert name_server.asked == []


@pytest.mark.parametrize(
    ("allowed", "written"),
    [
        ("stun.example", "STUN.Example."),
        ("192.0.2.3", "::ffff:192.0.2.3"),
        ("2001:db8::7", "[2001:DB8:0::7]"),
    ],
)
def test_an_allowed_host_is_known_in_each_spelling(
    name_server: NameServer, allowed: str, written: str
) -> None:
    servers = servers_of(allowed)
    servers.server(written, 3478)
    gevent.sleep(0)
    found = servers.server(written, 3478)
    assert found.address == servers.server(allowed, 3478).address
    assert found.reason == ""
    assert name_server.asked in ([], [allowed])


def test_a_server_of_the_other_family_than_the_source_is_none(name_server: NameServer) -> None:
    servers = servers_of("127.0.0.1")
    assert servers.server("127.0.0.1", 3478, "::1").reason == NOT_FOUND
    assert name_server.asked == []


def test_servers_that_are_kept_are_bounded() -> None:
    servers = servers_of("127.0.0.1")
    for port in range(1, 3 * MAX_SERVERS):
        servers.server("127.0.0.1", port)
    assert len(servers._servers) <= MAX_SERVERS


def test_a_server_is_found_from_more_local_addresses_than_there_are_servers(
    name_server: NameServer,
) -> None:
    servers = servers_of("stun.example")
    sources = [f"127.0.0.{number + 1}" for number in range(MAX_SERVERS + 1)]
    for _ in range(2):
        found = [servers.server("stun.example", 3478, source).address for source in sources]
        gevent.sleep(0)
    assert set(found) == {("192.0.2.3", 3478)}
    assert name_server.asked == ["stun.example"]
