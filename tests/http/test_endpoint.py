"""Addresses, endpoints, cookies and codings."""

from __future__ import annotations

import gzip
import ssl
import zlib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.errors import AnswerError, ConnectError, InputError
from caretaker.http.endpoint import Address, CookieJar, Endpoint, decoded


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
        Address.of("http://nothing.invalid/").resolve()


@pytest.mark.rule("2.2-5")
def test_answers_are_waited_for_as_long_as_the_standard_asks() -> None:
    assert Endpoint(Address.of("http://acs/")).timeout >= 30.0


def test_one_timer_looks_after_the_deadlines_of_an_endpoint() -> None:
    endpoint = Endpoint(Address.of("http://acs/"))
    assert endpoint.deadlines is endpoint.deadlines


@pytest.mark.rule("2.5-6")
def test_tls_is_a_recent_one_and_the_server_must_show_who_it_is() -> None:
    context = Endpoint(Address.of("https://acs/")).context()
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert ssl.HAS_SNI


def test_each_cpe_has_one_of_the_source_addresses() -> None:
    endpoint = Endpoint(Address.of("http://acs/"), sources=("127.0.0.1", "127.0.0.2"))
    assert [endpoint.source(index) for index in range(3)] == ["127.0.0.1", "127.0.0.2", "127.0.0.1"]
    assert Endpoint(Address.of("http://acs/")).source(7) == ""


class TestCookies:
    @pytest.mark.rule("2.2-7")
    def test_they_come_back_on_later_requests(self) -> None:
        jar = CookieJar()
        jar.take("session=abc; HttpOnly; Path=/")
        jar.take("other = 1")
        assert jar.header("/acs?x") == "session=abc; other=1"

    def test_paths_are_kept(self) -> None:
        jar = CookieJar()
        for cookie in ("a=1; Path=/acs", "b=2; path=/other", "c=3; Path=acs", "d=4"):
            jar.take(cookie)
        assert jar.header("/acs/x") == "a=1; c=3; d=4"
        assert jar.header("/acsx") == "c=3; d=4"

    @pytest.mark.rule("2.2-8")
    def test_there_is_room_for_several_large_ones(self) -> None:
        jar = CookieJar()
        cookies = [f"c{number}={'x' * 1000}" for number in range(4)]
        for cookie in cookies:
            jar.take(cookie)
        assert jar.header("/") == "; ".join(cookies)

    def test_they_are_replaced_and_removed(self) -> None:
        jar = CookieJar()
        for cookie in ("a=1", "a=2", "b=1", "b=; Max-Age=0", "junk", "=x", "c=1; Max-Age=soon"):
            jar.take(cookie)
        assert jar.header("/") == "a=2; c=1"

    def test_they_expire(self) -> None:
        jar = CookieJar()
        for attribute in (
            "Max-Age=--5", "Max-Age=\xb2", "Max-Age=60", "Expires=Wed, 21 Oct 2099 07:28:00 GMT",
            "Expires=soon",
        ):  # fmt: skip
            jar.take(f"a=1; {attribute}")
            assert jar.header("/") == "a=1", attribute
        for attribute in ("Max-Age=-5", "Expires=Thu, 01-Jan-1970 00:00:00 GMT"):
            jar.take("a=1")
            jar.take(f"a=; {attribute}")
            assert jar.header("/") == "", attribute

    def test_their_number_is_bounded(self) -> None:
        jar = CookieJar()
        for number in range(200):
            jar.take(f"c{number}=1")
        assert jar.header("/").count("=") == 50

    @given(st.lists(st.text(max_size=40), max_size=5), st.text(max_size=20))
    def test_any_header_is_taken(self, cookies: list[str], target: str) -> None:
        jar = CookieJar()
        for cookie in cookies:
            jar.take(cookie)
        jar.header(target)


class TestCodings:
    @pytest.mark.rule("2.5-2")
    @pytest.mark.parametrize(
        ("data", "coding"),
        [
            (b"hello", ""),
            (b"hello", "identity"),
            (gzip.compress(b"hello"), "gzip"),
            (gzip.compress(b"hello"), " X-GZIP "),
            (zlib.compress(b"hello"), "deflate"),
            (zlib.compress(b"hello", wbits=-15), "deflate"),
        ],
    )
    def test_they_are_undone(self, data: bytes, coding: str) -> None:
        assert decoded(data, coding) == b"hello"

    @pytest.mark.parametrize(
        ("data", "coding", "reason"),
        [
            (b"x", "br", "unknown"),
            (b"x", "gzip", "broken"),
            (gzip.compress(b"hello")[:-9], "gzip", "broken"),
            (gzip.compress(b"0" * 2000), "gzip", "too large"),
        ],
    )
    def test_what_can_not_be_undone(self, data: bytes, coding: str, reason: str) -> None:
        with pytest.raises(AnswerError, match=reason):
            decoded(data, coding, limit=1000)
