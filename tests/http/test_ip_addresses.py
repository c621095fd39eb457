"""IP addresses of both versions."""

from __future__ import annotations

import errno
import socket
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.errors import ConnectError, InputError
from caretaker.http import ip_addresses
from caretaker.http.ip_addresses import (
    IPVersion,
    bracketed,
    can_bind,
    has_ipv6,
    is_loopback,
    no_address,
    peer_address,
    same_host,
    usable,
    without_brackets,
)
from caretaker.reasons import REASONS

V4: tuple[Any, Any] = (socket.AF_INET, ("192.0.2.1", 80))
V6: tuple[Any, Any] = (socket.AF_INET6, ("2001:db8::1", 80, 0, 0))


@pytest.fixture
def ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ip_addresses, "has_ipv6", lambda: True)


@pytest.fixture
def no_ipv6(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ip_addresses, "has_ipv6", lambda: False)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("::1", "0:0:0:0:0:0:0:1", True),
        ("2001:DB8::A", "2001:db8:0::a", True),
        ("[::1]", "::1", True),
        ("::ffff:10.0.0.5", "10.0.0.5", True),
        ("::ffff:a00:5", "10.0.0.5", True),
        ("fe80::1%eth0", "fe80::1%eth1", False),
        ("fe80::1%eth0", "FE80:0::1%eth0", True),
        ("::10.0.0.5", "10.0.0.5", False),
        ("127.0.0.1", "::1", False),
        ("ACS.example.com.", "acs.example.com", True),
        ("localhost", "127.0.0.1", False),
        ("10.0.0.5.", "10.0.0.5", False),
        ("[::1].", "::1", False),
    ],
)
def test_hosts_that_are_one(one: str, other: str, *, same: bool) -> None:
    assert (same_host(one) == same_host(other)) is same


@given(st.text(max_size=60) | st.ip_addresses().map(str))
def test_the_one_spelling_of_a_host_stays_as_it_is(host: str) -> None:
    assert same_host(same_host(host)) == same_host(host)


@given(st.ip_addresses().map(str))
def test_brackets_come_and_go(host: str) -> None:
    assert without_brackets(bracketed(host)) == host
    assert bracketed(host).startswith("[") is (":" in host)


@pytest.mark.parametrize(
    ("host", "is_own"),
    [
        ("127.0.0.1", True),
        ("127.8.8.8", True),
        ("::1", True),
        ("::ffff:127.0.0.1", True),
        ("localhost", True),
        ("192.0.2.7", False),
        ("::", False),
        ("2001:db8::1", False),
        ("localhost.example.com", False),
    ],
)
def test_what_is_loopback(host: str, *, is_own: bool) -> None:
    assert is_loopback(host) is is_own


@pytest.mark.parametrize(
    ("shown", "expected"),
    [
        ("::ffff:192.0.2.7", "192.0.2.7"),
        ("2001:db8::7", "2001:db8::7"),
        ("192.0.2.7", "192.0.2.7"),
        ("::ffff:0:1", "::ffff:0:1"),
    ],
)
def test_a_peer_is_shown_as_what_it_is_on_the_wire(shown: str, expected: str) -> None:
    assert peer_address(shown) == expected


@pytest.mark.usefixtures("ipv6")
@pytest.mark.parametrize(
    ("version", "expected"),
    [(IPVersion.ANY, [V6, V4]), (IPVersion.V4, [V4]), (IPVersion.V6, [V6])],
)
def test_addresses_of_a_version_in_the_order_of_the_resolver(
    version: IPVersion, expected: list[tuple[Any, Any]]
) -> None:
    assert usable([V6, V4], version) == expected


@pytest.mark.usefixtures("no_ipv6")
def test_addresses_of_ipv6_are_left_out_on_a_machine_without() -> None:
    assert usable([V6, V4], IPVersion.ANY) == [V4]
    for version in (IPVersion.ANY, IPVersion.V6):
        with pytest.raises(ConnectError, match="this machine has no IPv6"):
            usable([V6], version)


@pytest.mark.parametrize(("version", "found"), [(IPVersion.V4, V6), (IPVersion.V6, V4)])
def test_a_host_without_addresses_of_the_version(version: IPVersion, found: Any) -> None:
    with pytest.raises(ConnectError, match=f"host has no IPv{version} address"):
        usable([found], version)


@pytest.mark.parametrize("family", [socket.AF_INET, socket.AF_INET6])
def test_each_missing_version_has_a_cure(family: int) -> None:
    assert REASONS[no_address(family).reason].cure


def test_each_version_has_families_and_reads_its_word() -> None:
    assert [IPVersion.parse(version.value).families for version in IPVersion] == [
        (socket.AF_INET, socket.AF_INET6), (socket.AF_INET,), (socket.AF_INET6,),
    ]  # fmt: skip
    with pytest.raises(InputError, match="'5' is not one of any, 4, 6"):
        IPVersion.parse("5")


@pytest.mark.parametrize(
    ("version", "bound", "expected"),
    [
        (IPVersion.ANY, {"127.0.0.1", "::1"}, "127.0.0.1"),
        (IPVersion.ANY, {"::1"}, "::1"),
        (IPVersion.ANY, set(), "127.0.0.1"),
        (IPVersion.V4, {"::1"}, "127.0.0.1"),
        (IPVersion.V6, {"127.0.0.1"}, "::1"),
    ],
)
def test_loopback_of_a_version(
    version: IPVersion, bound: set[str], expected: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ip_addresses, "can_bind", bound.__contains__)
    assert version.loopback == expected


@pytest.mark.parametrize(
    ("reason", "is_there"),
    [(errno.EADDRNOTAVAIL, False), (errno.EAFNOSUPPORT, False), (errno.EADDRINUSE, True),
     (errno.EMFILE, True), (errno.EINVAL, False)],
)  # fmt: skip
def test_a_machine_without_a_free_port_has_its_addresses(
    reason: int, is_there: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fails(*_: object) -> None:
        raise OSError(reason, "it fails")

    monkeypatch.setattr("socket.socket", fails)
    assert (can_bind("127.0.0.1"), has_ipv6()) == (is_there, is_there)


def test_what_can_be_bound_here() -> None:
    assert not can_bind("192.0.2.1")
    assert has_ipv6() is can_bind("::1")
