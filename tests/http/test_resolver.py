"""Addresses of hosts: looked up in the background, a few at once, and remembered for a while."""

from __future__ import annotations

import gevent
import pytest
from helpers.name_servers import NameServer

from caretaker.http.ip_addresses import has_ipv6
from caretaker.http.resolver import (
    FOUND_SECONDS,
    MAX_HOSTS,
    MAX_LOOKUPS,
    NOT_FOUND_SECONDS,
    HostAddresses,
    Resolver,
)
from caretaker.testing import Clock

KNOWN = HostAddresses(((2, ("192.0.2.3", 0)),))
NOT_FOUND = HostAddresses(reason="host name not found")


def test_a_name_is_asked_for_once_however_many_want_it(name_server: NameServer) -> None:
    resolver = Resolver(Clock())
    assert all(resolver.look_up("stun.example").is_awaited for _ in range(9))
    gevent.sleep(0)
    assert [resolver.look_up("stun.example") for _ in range(9)] == [KNOWN] * 9
    assert name_server.asked == ["stun.example"]


def test_an_address_is_known_at_once(name_server: NameServer) -> None:
    resolver = Resolver(Clock())
    assert resolver.look_up("127.0.0.1").at(5222) == [(2, ("127.0.0.1", 5222))]
    if has_ipv6():
        assert resolver.look_up("::1").at(5222) == [(10, ("::1", 5222, 0, 0))]
    assert name_server.asked == []


@pytest.mark.parametrize("host", ["no.example", "a" * 300 + ".example", ".", "a..b", "\u00e4..b"])
def test_what_was_not_found_is_remembered_for_a_while(name_server: NameServer, host: str) -> None:
    clock = Clock()
    resolver = Resolver(clock)
    for _ in range(2):
        resolver.look_up(host)
        gevent.sleep(0)
        clock.advance(NOT_FOUND_SECONDS - 1)
        assert resolver.look_up(host) == NOT_FOUND
        clock.advance(1)
    assert len(name_server.asked) <= 2


def test_old_addresses_serve_until_there_are_new_ones(name_server: NameServer) -> None:
    clock = Clock()
    resolver = Resolver(clock)
    resolver.look_up("stun.example")
    gevent.sleep(0)
    for known, found in (([], KNOWN), (["192.0.2.4"], HostAddresses(((2, ("192.0.2.4", 0)),)))):
        name_server.known = {"stun.example": known} if known else {}
        clock.advance(FOUND_SECONDS)
        assert resolver.look_up("stun.example") == KNOWN
        gevent.sleep(0)
        assert resolver.look_up("stun.example") == found


def test_a_few_names_are_looked_up_at_once(name_server: NameServer) -> None:
    name_server.answers.clear()
    resolver = Resolver(Clock())
    hosts = [f"{number}.example" for number in range(3 * MAX_LOOKUPS)]
    for host in hosts:
        resolver.look_up(host)
    gevent.sleep(0)
    assert name_server.asked == hosts[:MAX_LOOKUPS]
    name_server.answers.set()
    for _ in hosts:
        gevent.sleep(0)
    assert [resolver.look_up(host) for host in hosts] == [NOT_FOUND] * len(hosts)
    assert name_server.asked == hosts


def test_hosts_that_are_remembered_are_bounded(name_server: NameServer) -> None:
    resolver = Resolver(Clock())
    for number in range(3 * MAX_HOSTS):
        resolver.look_up(f"{number}.example")
    assert len(resolver._hosts) <= MAX_HOSTS
    assert name_server.asked == []
