"""The cookies of a session."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.http.cookies import MAX_COOKIE_BYTES, CookieJar, only_cookies


@pytest.mark.rule("2.2-7")
def test_they_come_back_on_later_requests() -> None:
    jar = CookieJar()
    jar.take("session=abc; HttpOnly; Path=/")
    jar.take("other = 1")
    assert jar.header("/acs?x") == "session=abc; other=1"


def test_paths_are_kept() -> None:
    jar = CookieJar()
    for cookie in ("a=1; Path=/acs", "b=2; path=/other", "c=3; Path=acs", "d=4"):
        jar.take(cookie)
    assert jar.header("/acs/x") == "a=1; c=3; d=4"
    assert jar.header("/acsx") == "c=3; d=4"


@pytest.mark.rule("2.2-8")
def test_there_is_room_for_several_large_ones() -> None:
    jar = CookieJar()
    cookies = [f"c{number}={'x' * 1000}" for number in range(4)]
    for cookie in cookies:
        jar.take(cookie)
    assert jar.header("/") == "; ".join(cookies)


def test_they_are_replaced_and_removed() -> None:
    jar = CookieJar()
    for cookie in ("a=1", "a=2", "b=1", "b=; Max-Age=0", "junk", "=x", "c=1; Max-Age=soon"):
        jar.take(cookie)
    assert jar.header("/") == "a=2; c=1"


def test_they_expire() -> None:
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


def test_their_number_is_bounded() -> None:
    jar = CookieJar()
    for number in range(200):
        jar.take(f"c{number}=1")
    assert jar.header("/").count("=") == 50


def test_their_length_is_bounded() -> None:
    jar = CookieJar()
    jar.take("a=1" + " " * MAX_COOKIE_BYTES)
    jar.take("b=" + "2" * (MAX_COOKIE_BYTES - 2))
    assert jar.header("/").startswith("b=2")


@given(st.lists(st.text(max_size=40), max_size=5), st.text(max_size=20))
def test_any_header_is_taken(cookies: list[str], target: str) -> None:
    jar = CookieJar()
    for cookie in cookies:
        jar.take(cookie)
    jar.header(target)


@pytest.mark.parametrize("value", ["a=1\rX-Evil: 1", "a\r=1", "a=1\n2", "a=\x00"])
def test_control_characters_make_no_cookie(value: str) -> None:
    jar = CookieJar()
    jar.take(value)
    assert jar.header("/") == ""


def test_secure_ones_do_not_go_over_http() -> None:
    jar = CookieJar()
    for cookie in ("a=1; Secure", "b=2", "c=3; secure; Path=/"):
        jar.take(cookie, "acs")
    assert jar.header("/", "http") == "b=2"
    assert jar.header("/", "https") == "a=1; b=2; c=3"


@pytest.mark.parametrize(
    ("host", "domain", "is_taken"),
    [
        ("acs.example.com", "acs.example.com", True),
        ("acs.example.com", "example.com", True),
        ("acs.example.com", ".Example.COM", True),
        ("ACS.example.com", "acs.EXAMPLE.com", True),
        ("acs.example.com", "", True),
        ("acs.example.com", "other.com", False),
        ("acs.example.com", "ple.com", False),
        ("example.com", "acs.example.com", False),
        ("192.0.2.1", "192.0.2.1", True),
        ("192.0.2.1", "2.1", False),
        ("2001:db8::1", "1", False),
    ],
)
def test_those_of_another_domain_are_not_taken(host: str, domain: str, *, is_taken: bool) -> None:
    jar = CookieJar()
    jar.take(f"a=1; Domain={domain}", host)
    assert bool(jar.header("/")) is is_taken


def test_one_without_a_path_is_for_the_folder_of_its_request() -> None:
    jar = CookieJar()
    jar.take("a=1", "acs", "/cwmp/v1?x=/y/z")
    jar.take("b=2", "acs", "/acs")
    jar.take("c=3; Path=relative", "acs", "*")
    assert jar.header("/cwmp/v2") == "a=1; b=2; c=3"
    assert jar.header("/other") == "b=2; c=3"


# -- those of one response, without a jar ---------------------------------------------------------

_PLAIN_PARTS = (
    "a",
    "b",
    "=",
    "=",
    ";",
    "; ",
    " ",
    "1",
    '"x"',
    ",",
    "\t",
    "\x00",
    "\xe4",
    "x" * 4090,
)
_ATTRIBUTES = (
    "Path=/", "Path=/acs", "path=/b", "Secure", "HttpOnly", "Max-Age=0", "Max-Age=9",
    "Domain=acs.example", "Domain=other.example", "Expires=Wed, 01 Jan 2020 00:00:00 GMT",
)  # fmt: skip
_PARTS = st.sampled_from((*_PLAIN_PARTS, *_ATTRIBUTES))
_HEADERS = st.lists(st.lists(_PARTS, max_size=9).map("".join), max_size=10)


@given(_HEADERS, st.sampled_from(("/", "/acs", "/acs/x?y")), st.sampled_from(("http", "https")))
def test_those_of_one_response_are_as_a_jar_has_them(
    headers: list[str], target: str, scheme: str
) -> None:
    jar = CookieJar()
    for header in headers:
        jar.take(header, "acs.example", target)
    sent = only_cookies(headers, "acs.example", target, scheme)
    assert sent is None or sent == jar.header(target, scheme)


@pytest.mark.parametrize(
    ("headers", "sent"),
    [
        ([], ""),
        (["session=a1; Path=/; HttpOnly"], "session=a1"),
        (["session=b2; Path=/; HttpOnly"], "session=b2"),
        (["a=1", "b=2; Path=/acs", "a=3", "c=4; Secure"], "b=2; a=3"),
        (["a=1; Max-Age=0"], ""),
        (["a=1; Domain=other.example"], ""),
        (["a=1; Expires=Wed, 01 Jan 2020 00:00:00 GMT"], None),
        (["a=1 2"], None),
        (["a"], None),
        (["a=1"] * 9, None),
        ([f"a={'x' * MAX_COOKIE_BYTES}"], None),
    ],
)
def test_which_need_no_jar(headers: list[str], sent: str | None) -> None:
    assert only_cookies(headers, "acs.example", "/acs", "http") == sent
