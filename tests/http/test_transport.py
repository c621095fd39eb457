"""How a session reaches its ACS: cookies, challenges, redirects, lost connections."""

from __future__ import annotations

import gzip
import time
from collections.abc import Callable, Iterator

import pytest
from helpers.wire import CLOSE, RESET, Wire, answer, challenging, hang_until_late, wire

from caretaker.errors import (
    AnswerError,
    AnswerTimeout,
    AuthenticationError,
    ConnectError,
    ConnectionLost,
    RedirectError,
)
from caretaker.http.authentication import DigestVerifier
from caretaker.http.credentials import Credentials
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.transport import HTTPTransport
from caretaker.testing import Clock

ME = Credentials("cpe", "secret")
XML = b"<Envelope/>"
pytestmark = pytest.mark.sockets


class Transports:
    """Makes transports and closes them."""

    def __init__(self) -> None:
        self.made: list[HTTPTransport] = []

    def __call__(
        self,
        server: Wire,
        credentials: Credentials | None = ME,
        *hosts: str,
        timeout: float = 60.0,
        clock: Callable[[], float] = time.monotonic,
        reconnect: bool = False,
        content_type_always: bool = False,
    ) -> HTTPTransport:
        endpoint = Endpoint(Address.of(server.url), timeout, frozenset(hosts), clock=clock)
        self.made.append(
            HTTPTransport(
                endpoint,
                credentials,
                reconnect=reconnect,
                content_type_always=content_type_always,
            )
        )
        return self.made[-1]


@pytest.fixture
def transport() -> Iterator[Transports]:
    transports = Transports()
    yield transports
    for each in transports.made:
        each.close()


@pytest.mark.rule("2.1-2", "2.1-3", "2.1-4", "2.1-7", "2.1-9", "2.2-1")
def test_one_connection_and_the_headers_of_the_standard(transport: Transports) -> None:
    with wire(answer(body=b"a"), answer("204 No Content")) as server:
        posting = transport(server)
        first, second = posting.post(XML), posting.post(b"")
        assert (first.status, first.body) == (200, b"a")
        assert (second.status, second.body) == (204, b"")
        posting.close()
    (one, line, full, body), (two, _, empty, nothing) = server.requests
    assert (one, two, line) == (1, 1, "POST /acs HTTP/1.1")
    assert full["content-type"] == 'text/xml; charset="utf-8"'
    assert full["soapaction"] == ""
    assert (body, nothing, empty["content-length"]) == (XML, b"", "0")
    assert not {"content-type", "soapaction", "authorization", "cookie"} & set(empty)


def test_an_empty_post_may_have_a_content_type_but_no_soap_action(transport: Transports) -> None:
    with wire(answer(body=b"a"), answer("204 No Content")) as server:
        posting = transport(server, content_type_always=True)
        posting.post(XML)
        posting.post(b"")
    (*_, full, _), (*_, empty, _) = server.requests
    assert full["content-type"] == empty["content-type"] == 'text/xml; charset="utf-8"'
    assert "soapaction" not in empty


@pytest.mark.rule("2.2-7", "2.2-9")
def test_cookies_live_for_the_session(transport: Transports) -> None:
    cookie = "Set-Cookie: session=1; Path=/"
    with wire(answer("200 OK", b"", cookie), answer(), answer()) as server:
        first = transport(server)
        first.post(XML)
        first.post(b"")
        transport(server).post(XML)
    assert [r[2].get("cookie") for r in server.requests] == [None, "session=1", None]


@pytest.mark.rule("2.2-3", "2.3-5", "2.4-1", "2.4-4", "4.1-3")
def test_digest_on_the_same_connection_and_on_every_later_request(transport: Transports) -> None:
    guard = DigestVerifier("acs", lambda: 1.0)
    reply = challenging(guard, ME)
    with wire(reply, reply, reply) as server:
        posting = transport(server)
        assert posting.post(XML).body == b"ok"
        assert posting.post(b"").body == b"ok"
    assert [r[0] for r in server.requests] == [1, 1, 1]
    assert [r[3] for r in server.requests] == [XML, XML, b""]
    assert "nc=00000002" in server.requests[2][2]["authorization"]


def test_a_401_may_be_answered_on_a_new_connection(transport: Transports) -> None:
    reply = challenging(DigestVerifier("acs", lambda: 1.0), ME)
    with wire(reply, reply, reply) as server:
        posting = transport(server, reconnect=True)
        assert posting.post(XML).body == b"ok"
        assert posting.post(b"").body == b"ok"
    assert [r[0] for r in server.requests] == [1, 2, 2]


def test_an_acs_that_knows_its_connections_never_lets_such_a_device_in(
    transport: Transports,
) -> None:
    guards = [DigestVerifier("acs", lambda: 1.0) for _ in range(4)]
    with wire(*[challenging(guard, ME) for guard in guards]) as server:
        with pytest.raises(AuthenticationError):
            transport(server, reconnect=True).post(XML)


@pytest.mark.rule("2.3-6")
def test_a_401_in_the_middle_of_a_session(transport: Transports) -> None:
    reply = challenging(DigestVerifier("acs", lambda: 1.0), ME)
    with wire(answer(), reply, reply) as server:
        posting = transport(server)
        posting.post(XML)
        assert posting.post(b"").status == 200


@pytest.mark.rule("2.4-5")
def test_a_challenge_is_answered_on_the_next_connection(transport: Transports) -> None:
    """Old servers close after a 401 without a word; the answer is then on a new connection."""
    guard = DigestVerifier("acs", lambda: 0.0)
    good = challenging(guard, ME)
    with wire(answer(), lambda request: (good(request), CLOSE), good) as server:
        session = transport(server)
        session.post(XML)
        assert session.post(XML).body == b"ok"
        assert [number for number, *_ in server.requests] == [1, 1, 2]


@pytest.mark.parametrize("stale", ["", ", stale=true"])
def test_challenges_have_an_end(transport: Transports, stale: str) -> None:
    challenge = f'WWW-Authenticate: Digest realm="r", nonce="n", qop="auth"{stale}'
    refusal = answer("401 Unauthorized", b"", challenge)
    with wire(answer(), *[(refusal, CLOSE)] * 9) as server:
        session = transport(server)
        session.post(XML)
        with pytest.raises(AuthenticationError):
            session.post(XML)
        assert len(server.requests) <= 6


@pytest.mark.rule("2.4-5")
def test_a_nonce_that_was_bound_to_the_lost_connection(transport: Transports) -> None:
    first, second = DigestVerifier("a", lambda: 1.0), DigestVerifier("a", lambda: 1.0)
    with wire(
        challenging(first, ME),
        challenging(first, ME),
        CLOSE,
        challenging(second, ME),
        challenging(second, ME),
    ) as server:
        posting = transport(server)
        posting.post(XML)
        assert posting.post(b"").body == b"ok"
    assert [r[0] for r in server.requests] == [1, 1, 1, 2, 2]


@pytest.mark.rule("2.2-2", "2.2-7")
@pytest.mark.parametrize("loss", [CLOSE, RESET])
def test_the_session_goes_on_over_a_new_connection_with_its_cookie(
    transport: Transports, loss: object
) -> None:
    with wire(answer("200 OK", b"", "Set-Cookie: session=1"), loss, answer()) as server:
        posting = transport(server)
        posting.post(XML)
        assert posting.post(b"").status == 200
    assert [(r[0], r[2].get("cookie")) for r in server.requests[1:]] == [
        (1, "session=1"),
        (2, "session=1"),
    ]


@pytest.mark.rule("2.2-2")
def test_a_connection_closed_after_an_answer_is_not_used_again(transport: Transports) -> None:
    with wire((answer("200 OK", b"", "Connection: close"), CLOSE), answer()) as server:
        posting = transport(server)
        posting.post(XML)
        posting.post(b"")
    assert [r[0] for r in server.requests] == [1, 2]


@pytest.mark.rule("2.2-4", "4.1-16")
def test_a_request_is_not_repeated_when_the_first_or_half_an_answer_is_lost(
    transport: Transports,
) -> None:
    with wire(CLOSE) as server, pytest.raises(ConnectionLost):
        transport(server).post(XML)
    with wire(answer(), (b"HTTP/1.1 200", CLOSE)) as server:
        posting = transport(server)
        posting.post(XML)
        with pytest.raises(ConnectionLost, match="middle"):
            posting.post(b"")
    assert len(server.requests) == 2


@pytest.mark.rule("2.2-10", "4.1-3")
@pytest.mark.parametrize(
    "status", ["301 Moved", "302 Found", "303 Other", "307 Again", "308 For ever"]
)
def test_redirects_repeat_the_post(transport: Transports, status: str) -> None:
    with wire(answer(status, b"", "Location: /other?x=1"), answer(body=b"ok"), answer()) as server:
        posting = transport(server)
        assert posting.post(XML).body == b"ok"
        posting.post(b"")
    assert [r[1].split()[1] for r in server.requests] == ["/acs", "/other?x=1", "/other?x=1"]
    assert server.requests[1][3] == XML


@pytest.mark.rule("2.5-2")
def test_content_codings_are_undone(transport: Transports) -> None:
    body = gzip.compress(b"hello")
    with wire(answer("200 OK", body, "Content-Encoding: gzip")) as server:
        assert transport(server).post(XML).body == b"hello"
    with wire(answer("200 OK", body[:-4], "Content-Encoding: gzip")) as server:
        with pytest.raises(AnswerError):
            transport(server).post(XML)


@pytest.mark.rule("2.2-4", "4.1-15")
def test_when_the_inform_was_written_is_known_even_without_an_answer(transport: Transports) -> None:
    clock = Clock()
    with wire(hang_until_late(clock)) as server:
        posting = transport(server, timeout=0.1, clock=clock)
        with pytest.raises(AnswerTimeout):
            posting.post(XML)
        assert posting.sent_at is not None
    posting = HTTPTransport(Endpoint(Address.of("http://127.0.0.1:1/")))
    with pytest.raises(ConnectError):
        posting.post(XML)
    assert posting.sent_at is None


@pytest.mark.rule("2.5-4")
def test_what_is_posted_can_be_coded_and_plain_after_a_415(transport: Transports) -> None:
    with wire(answer(), answer("415 Unsupported Media Type"), answer(), answer()) as server:
        endpoint = Endpoint(Address.of(server.url), 60.0)
        posting = HTTPTransport(endpoint, ME, coding="gzip")
        transport.made.append(posting)
        for _ in range(3):
            assert posting.post(XML).status == 200
        codings = [headers.get("content-encoding") for _, _, headers, _ in server.requests]
        assert codings == ["gzip", "gzip", None, None]
        assert gzip.decompress(server.requests[0][3]) == XML == server.requests[2][3]


def test_a_url_of_its_own_must_be_allowed(transport: Transports) -> None:
    with wire(answer()) as server:
        endpoint = Endpoint(Address.of(server.url), 60.0)
        with pytest.raises(RedirectError, match="not allowed"):
            HTTPTransport(endpoint, ME, "http://elsewhere.example/")
        with pytest.raises(RedirectError, match="no http address"):
            HTTPTransport(endpoint, ME, "ftp://127.0.0.1/")
        posting = HTTPTransport(endpoint, ME, f"{server.url}/other")
        transport.made.append(posting)
        posting.post(XML)
        assert server.requests[0][1].startswith("POST /acs/other ")


@pytest.mark.rule("2.2-12")
def test_a_redirect_holds_for_its_session_only(transport: Transports) -> None:
    with wire(answer("307 Again", b"", "Location: /other"), answer(), answer()) as server:
        transport(server).post(XML)
        transport(server).post(XML)
    assert [r[1].split()[1] for r in server.requests] == ["/acs", "/other", "/acs"]


@pytest.mark.rule("2.3-3")
def test_over_tls_basic_is_shown_unasked_and_otherwise_nothing() -> None:
    shown = []
    for url in ("https://acs/", "http://acs/"):
        headers = dict(HTTPTransport(Endpoint(Address.of(url)), ME)._headers(XML))
        shown.append(headers.get("Authorization"))
    assert shown == ["Basic Y3BlOnNlY3JldA==", None]
