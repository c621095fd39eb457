"""Addresses and endpoints."""

from __future__ import annotations

import socket
import ssl
from typing import Any, ClassVar

import pytest

from caretaker.errors import ConnectError, InputError
from caretaker.http.endpoint import MAX_ADDRESSES, Address, Endpoint
from caretaker.http.ip_addresses import IPVersion


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("http://acs.example.com", ("http", "acs.example.com", 80, "/")),
        ("https://acs.example.com/tr069?a=1", ("https", "acs.example.com", 443, "/tr069?a=1")),
        ("http://[::1]:7547/x", ("http", "::1", 7547, "/x")),
    ],
)
def test_addresses(url: str, expected: tuple[str, str, int, str]) -> None:
    assert Address(*expected) == Address.of(url)


def test_host_headers() -> None:
    headers = [
        Address.of(url).host_header for url in ("http://a/", "http://a:81/", "https://[::1]/")
    ]
    assert headers == ["a", "a:81", "[::1]"]


@pytest.mark.parametrize(
    "url",
    [
        "",
        "acs",
        "ftp://a/",
        "http://",
        "http://a:x/",
        "http://a:99999/",
        "http://a b/",
        "http://a:0/",
        "http://[::1/",
        "http://acs%7547/",
    ],
)
def test_a_bad_url_is_one_line_with_the_cure(url: str) -> None:
    with pytest.raises(InputError, match="give one like http://"):
        Address.of(url)


def test_an_unknown_name_is_a_connect_error() -> None:
    with pytest.raises(ConnectError, match="host name not found"):
        Address.of(f"http://{'x' * 64}.invalid/").resolve()  # too long: asks no name server


@pytest.mark.rule("2.2-5")
def test_answers_are_waited_for_as_long_as_the_standard_asks() -> None:
    assert Endpoint(Address.of("http://acs/")).timeout >= 30.0


def test_one_timer_looks_after_the_deadlines_of_an_endpoint() -> None:
    endpoint = Endpoint(Address.of("http://acs/"))
    assert endpoint.deadlines is endpoint.deadlines


def test_so_many_ports_of_a_host_are_remembered() -> None:
    endpoint = Endpoint(Address.of("http://127.0.0.1/"))
    for port in range(1, 3 * MAX_ADDRESSES):
        ((_, found),) = endpoint.addresses(Address.of(f"http://127.0.0.1:{port}/"))
        assert found == ("127.0.0.1", port)
    assert len(endpoint._resolved) <= MAX_ADDRESSES


@pytest.mark.rule("2.5-6")
def test_tls_is_a_recent_one_and_the_server_must_show_who_it_is() -> None:
    context = Endpoint(Address.of("https://acs/")).tls.context()
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert ssl.HAS_SNI


def test_each_cpe_has_one_of_the_source_addresses() -> None:
    endpoint = Endpoint(Address.of("http://acs/"), sources=("127.0.0.1", "127.0.0.2"))
    assert [endpoint.source(index) for index in range(3)] == ["127.0.0.1", "127.0.0.2", "127.0.0.1"]
    assert Endpoint(Address.of("http://acs/")).source(7) == ""


@pytest.mark.parametrize(
    ("url", "host", "header", "again"),
    [
        ("http://[0:0::1]:81/", "::1", "[::1]:81", "http://[::1]:81/"),
        ("http://[2001:DB8::A]/", "2001:db8::a", "[2001:db8::a]", "http://[2001:db8::a]/"),
        ("http://[::ffff:10.0.0.5]:81/", "10.0.0.5", "10.0.0.5:81", "http://10.0.0.5:81/"),
        ("http://[fe80::1%25eth0]/", "fe80::1%eth0", "[fe80::1]", "http://[fe80::1%25eth0]/"),
    ],
)
def test_an_ipv6_address_has_one_spelling(url: str, host: str, header: str, again: str) -> None:
    address = Address.of(url)
    assert (address.host, address.host_header, address.url) == (host, header, again)
    assert Address.of(again) == address


def test_allowed_hosts_are_compared_by_their_one_spelling() -> None:
    allowed = frozenset({"[2001:DB8::0:5]", "::ffff:10.0.0.5", "Files.example.com"})
    endpoint = Endpoint(Address.of("http://acs/"), allowed_hosts=allowed)
    assert endpoint.hosts == {"acs", "2001:db8::5", "10.0.0.5", "files.example.com"}


class Resolver:
    """Stands for the system's resolver: an IPv6 address before one of IPv4, as RFC 6724 has it."""

    found: ClassVar[list[Any]] = [
        (socket.AF_INET6, socket.SOCK_STREAM, 6, "", ("2001:db8::1", 80, 0, 0)),
        (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("192.0.2.1", 80)),
    ]

    def __call__(self, *_: Any, **__: Any) -> list[Any]:
        return self.found


@pytest.fixture
def both(monkeypatch: pytest.MonkeyPatch) -> Address:
    """A host of both versions."""
    monkeypatch.setattr("gevent.socket.getaddrinfo", Resolver())
    monkeypatch.setattr("caretaker.http.ip_addresses.has_ipv6", lambda: True)
    return Address.of("http://both.example/")


@pytest.mark.parametrize(
    ("version", "source", "expected"),
    [
        ("any", "", ["2001:db8::1", "192.0.2.1"]),
        ("4", "", ["192.0.2.1"]),
        ("6", "", ["2001:db8::1"]),
        ("any", "192.0.2.9", ["192.0.2.1"]),
        ("any", "2001:db8::9", ["2001:db8::1"]),
    ],
)
def test_addresses_that_are_tried(
    both: Address, version: str, source: str, expected: list[str]
) -> None:
    endpoint = Endpoint(both, ip_version=IPVersion(version))
    assert [target.address[0] for target in endpoint.targets(both, source)] == expected


def test_a_source_without_an_address_of_its_version_there(both: Address) -> None:
    endpoint = Endpoint(both, ip_version=IPVersion.V4)
    with pytest.raises(ConnectError, match="host has no IPv6 address"):
        endpoint.targets(both, "2001:db8::9")


def test_an_address_that_was_passed_over_is_tried_last(both: Address) -> None:
    reasons: list[str] = []
    endpoint = Endpoint(both, on_passed_over=reasons.append)
    first, second = endpoint.targets(both, "")
    for _ in range(2):  # another connection has tried it at the same time
        endpoint.pass_over(both, first, "connection refused")
    assert [target.address for target in endpoint.targets(both, "")] == [
        second.address, first.address,
    ]  # fmt: skip
    assert reasons == ["connection refused"] * 2
