"""HTTP over one connection, cookies and codings."""

from __future__ import annotations

import errno
import gzip
import ssl
import zlib

import gevent.socket
import pytest
from helpers.wire import CLOSE, HANG, RESET, answer, wire
from hypothesis import given
from hypothesis import strategies as st

from caretaker.errors import (
    AnswerError,
    AnswerTimeout,
    ConnectError,
    ConnectionLost,
    InputError,
    LimitError,
    TransportError,
)
from caretaker.http import Address, Connection, CookieJar, Endpoint, Reply, decoded, request_head


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


@pytest.mark.rule("2.5-6")
def test_tls_is_a_recent_one_and_the_server_must_show_who_it_is() -> None:
    context = Endpoint(Address.of("https://acs/")).context()
    assert context.minimum_version >= ssl.TLSVersion.TLSv1_2
    assert (context.verify_mode, context.check_hostname) == (ssl.CERT_REQUIRED, True)
    assert ssl.HAS_SNI


def get(url: str, timeout: float = 5.0, limit: int = 1000) -> Reply:
    endpoint = Endpoint(Address.of(url), timeout)
    connection = Connection(endpoint, endpoint.address)
    try:
        return connection.request(request_head("GET", endpoint.address, [], None), b"", limit)
    finally:
        connection.close()


@pytest.mark.sockets
class TestConnection:
    @pytest.mark.rule("2.1-9")
    @pytest.mark.parametrize(
        ("said", "status", "body", "keep_alive"),
        [
            pytest.param(answer(body=b"hi"), 200, b"hi", True, id="a length"),
            pytest.param(answer("204 No Content"), 204, b"", True, id="nothing"),
            pytest.param(
                b"HTTP/1.1 204 No Content\r\nConnection: close\r\n\r\n", 204, b"", False, id="close"
            ),
            pytest.param(
                b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n",
                200,
                b"hi",
                True,
                id="chunked",
            ),
            pytest.param(
                b"HTTP/1.1 100 Continue\r\nX: y\r\n\r\n" + answer(body=b"hi"),
                200,
                b"hi",
                True,
                id="100 before it",
            ),
            pytest.param(
                (b"HTTP/1.1 200 OK\r\nConte", b"nt-Length: 2\r\n\r\nh", b"i"),
                200,
                b"hi",
                True,
                id="piece by piece",
            ),
            pytest.param(
                (b"HTTP/1.0 200 OK\r\n\r\nhi", CLOSE), 200, b"hi", False, id="until the end"
            ),
            pytest.param(answer() + b"junk", 200, b"", False, id="junk behind it"),
            pytest.param(
                b"HTTP/1.1 200 OK\nContent-Length: 2\n\nhi", 200, b"hi", True, id="bare line feeds"
            ),
            pytest.param(
                b"HTTP/1.1 200 OK\r\nContent-Length : 2\r\n\r\nhi", 200, b"hi", True, id="a blank"
            ),
            pytest.param(
                b"HTTP/1.1 200\r\nContent-Length: 0\r\n\r\n", 200, b"", True, id="no reason phrase"
            ),
        ],
    )
    def test_answers_are_read(
        self, said: object, status: int, body: bytes, keep_alive: bool
    ) -> None:
        with wire(said) as server:
            reply = get(server.url)
        assert (status, body) == (reply.status, reply.body)
        if keep_alive != reply.keep_alive:
            assert said == answer() + b"junk"  # whether the junk has come yet is a matter of luck

    @pytest.mark.rule("2.2-4")
    @pytest.mark.parametrize(
        ("said", "error", "reason"),
        [
            pytest.param(CLOSE, ConnectionLost, "closed without an answer", id="closed"),
            pytest.param(RESET, ConnectionLost, "reset", id="reset"),
            pytest.param(
                (b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", CLOSE),
                ConnectionLost,
                "middle",
                id="cut off",
            ),
            pytest.param((b"HTTP/1.1 200 OK\r\n", CLOSE), ConnectionLost, "middle", id="cut head"),
            pytest.param(b"SSH-2.0-OpenSSH\r\n\r\n", AnswerError, "not HTTP", id="not HTTP"),
            pytest.param(answer(body=b"x" * 70_000), AnswerError, "too large", id="too large"),
            pytest.param(
                (b"HTTP/1.1 200 OK\r\nX: ", b"y" * 80_000),
                AnswerError,
                "too large",
                id="large head",
            ),
        ],
    )
    def test_what_is_no_answer(
        self, said: object, error: type[TransportError], reason: str
    ) -> None:
        with wire(said) as server, pytest.raises(error, match=reason):
            get(server.url)

    @pytest.mark.rule("4.1-15")
    def test_there_is_one_deadline_for_the_whole_answer(self) -> None:
        with wire(HANG) as server, pytest.raises(AnswerTimeout):
            get(server.url, timeout=0.05)
        slow = tuple(bytes([byte]) for byte in answer(body=b"x" * 50))
        ticks = iter(range(1000))
        with wire(slow) as server:
            # Each look at the clock finds it three seconds later, while bytes keep coming.
            endpoint = Endpoint(Address.of(server.url), 5.0, clock=lambda: 3.0 * next(ticks))
            connection = Connection(endpoint, endpoint.address)
            try:
                with pytest.raises(AnswerTimeout):
                    connection.request(request_head("GET", endpoint.address, [], None), b"")
            finally:
                connection.close()

    @pytest.mark.rule("2.2-4")
    def test_nobody_there(self) -> None:
        with gevent.socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            port = probe.getsockname()[1]
        with pytest.raises(ConnectError, match="connection refused"):
            get(f"http://127.0.0.1:{port}/")

    @pytest.mark.parametrize("number", [errno.EMFILE, errno.EADDRNOTAVAIL, errno.ENOBUFS])
    def test_limits_of_this_machine_are_told_apart(
        self, number: int, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def full(*_: object) -> None:
            raise OSError(number, "full")

        monkeypatch.setattr("gevent.socket.socket", full)
        with pytest.raises(LimitError, match="out of sockets"):
            get("http://127.0.0.1:9/")


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
