"""Addresses and endpoints."""

from __future__ import annotations

import ssl

import pytest

from caretaker.errors import ConnectError, InputError
from caretaker.http.endpoint import MAX_ADDRESSES, Address, Endpoint


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
