"""Local addresses to connect from."""

from __future__ import annotations

import socket

import pytest

from caretaker.errors import InputError
from caretaker.http.source_addresses import (
    MAX_SOURCES,
    check_local,
    check_reach,
    hosts,
    parse_network,
)


@pytest.mark.parametrize(
    ("text", "sources"),
    [
        ("10.0.0.5", ("10.0.0.5",)),
        ("10.0.0.4/30", ("10.0.0.5", "10.0.0.6")),
        ("::1", ("::1",)),
    ],
)
def test_an_address_or_the_hosts_of_a_network(text: str, sources: tuple[str, ...]) -> None:
    assert hosts(parse_network(text)) == sources


def test_a_large_network_is_still_taken() -> None:
    assert len(hosts(parse_network("127.1.0.0/20"))) == MAX_SOURCES - 2


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("here", "give 10.0.0.5 or 10.0.0.0/28"),
        ("10.0.0.5/24", "has host bits set"),
        ("10.0.0.0/8", "more than 4096 addresses"),
        ("0.0.0.0", "no address of one machine"),
        ("::", "no address of one machine"),
        ("224.0.0.0/28", "no address of one machine"),
        ("255.255.255.255", "no address of one machine"),
        ("fd00::/64", "more than 4096 addresses"),
    ],
)
def test_what_is_none_of_both_is_one_line(text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint) as caught:
        parse_network(text)
    assert "\n" not in str(caught.value)


@pytest.mark.sockets
def test_an_address_of_another_machine_is_named_with_the_cure() -> None:
    check_local(("127.0.0.1",))
    with pytest.raises(InputError, match=r"192\.0\.2\.9: not an address of this machine; .*add"):
        check_local(("127.0.0.1", "192.0.2.9"))


def test_an_address_of_another_family_does_not_reach_the_acs() -> None:
    check_reach(("10.0.0.5", "::1"), [socket.AF_INET, socket.AF_INET6])
    with pytest.raises(InputError, match="--source-address ::1: the ACS has no IPv6 address"):
        check_reach(("10.0.0.5", "::1"), [socket.AF_INET])
