"""Transports without a network."""

from __future__ import annotations

from typing import Any

import pytest

from caretaker.errors import AuthenticationError, ConnectError
from caretaker.http.authentication import DigestVerifier
from caretaker.http.credentials import Credentials
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.transport import Answer
from caretaker.testing import Clock, FunctionTransport, WSGITransport

ME = Credentials("cpe", "secret")


def echo(environ: Any, start_response: Any) -> list[bytes]:
    """A WSGI application that answers with method, host, cookie and body."""
    body = environ["wsgi.input"].read()
    start_response("200 OK", [("Set-Cookie", "session=1; Path=/")])
    said = (environ["REQUEST_METHOD"], environ["HTTP_HOST"], environ.get("HTTP_COOKIE"))
    return [f"{' '.join(map(str, said))} ".encode() + body]


def asking_for_digest(environ: Any, start_response: Any) -> list[bytes]:
    """A WSGI application that answers only who shows the right credentials."""
    verifier = DigestVerifier("acs", lambda: 1.0)
    header = environ.get("HTTP_AUTHORIZATION")
    if header and f'username="{ME.username}"' in header:
        start_response("200 OK", [])
        return [b"welcome"]
    challenges = verifier.check(ME, "POST", "/", None)
    start_response("401 Unauthorized", [("WWW-Authenticate", each) for each in challenges])
    return []


class TestWSGI:
    def test_cookies_last_for_the_session(self) -> None:
        posting = WSGITransport(echo, Endpoint(Address.of("http://acs.example:7547/x")))
        assert posting.post(b"one").body == b"POST acs.example:7547 None one"
        assert posting.post(b"").body == b"POST acs.example:7547 session=1 "
        assert posting.sent_at is not None
        posting.close()

    def test_an_application_needs_no_address(self) -> None:
        assert WSGITransport(echo).post(b"").body == b"POST acs.example None "

    def test_a_challenge_is_answered_with_the_credentials(self) -> None:
        assert WSGITransport(asking_for_digest, credentials=ME).post(b"").body == b"welcome"
        assert WSGITransport(asking_for_digest).post(b"").status == 401
        with pytest.raises(AuthenticationError):
            WSGITransport(asking_for_digest, credentials=Credentials("other", "")).post(b"")


class TestFunction:
    def test_bytes_are_an_answer_and_none_are_a_204(self) -> None:
        posting = FunctionTransport(bytes.upper)
        answers = [posting.post(body) for body in (b"a", b"")]
        assert [(answer.status, answer.body) for answer in answers] == [(200, b"A"), (204, b"")]

    def test_an_answer_has_the_status_it_is_given(self) -> None:
        assert FunctionTransport(lambda _: Answer(503, b"")).post(b"a").status == 503

    def test_what_the_function_raises_comes_out(self) -> None:
        def refuse(_: bytes) -> bytes:
            raise ConnectError("connection refused")

        with pytest.raises(ConnectError, match="refused"):
            FunctionTransport(refuse).post(b"a")

    def test_it_keeps_when_it_posted_and_that_it_was_closed(self) -> None:
        clock = Clock(7.0)
        posting = FunctionTransport(bytes, clock)
        assert (posting.sent_at, posting.closed) == (None, False)
        posting.post(b"")
        posting.close()
        assert (posting.sent_at, posting.closed) == (7.0, True)
