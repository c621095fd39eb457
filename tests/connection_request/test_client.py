"""Sending Connection Requests to what CPEs in the field answer."""

from __future__ import annotations

from functools import partial

import pytest
from helpers.wire import CLOSE, answer, hang_until_late, wire

from caretaker.connection_request import client, send_connection_request
from caretaker.errors import AnswerTimeout, ConnectionLost
from caretaker.http.credentials import Credentials
from caretaker.http.endpoint import Endpoint
from caretaker.testing import Clock

WHO = Credentials("cpe", "secret")
CHALLENGE = 'WWW-Authenticate: Digest realm="r",qop="auth",nonce="n",opaque="o"'
pytestmark = pytest.mark.sockets


def challenge(*headers: str) -> bytes:
    return answer("401 Unauthorized", b"", CHALLENGE, *headers)


@pytest.mark.rule("9.2-18")
def test_digest_goes_over_the_same_connection() -> None:
    with wire(challenge(), answer("204 No Content")) as server:
        assert send_connection_request(server.url, WHO) == 204
    assert [request[0] for request in server.requests] == [1, 1]
    authorization = server.requests[1][2]["authorization"]
    assert all(
        part in authorization for part in ('uri="/acs"', "nc=00000001", "qop=auth", 'opaque="o"')
    )


@pytest.mark.rule("9.2-17")
@pytest.mark.parametrize(
    "first",
    [
        pytest.param(challenge("Connection: close"), id="closed as said"),
        pytest.param((challenge(), CLOSE), id="closed without a word"),
    ],
)
def test_a_cpe_that_closes_after_the_401(first: object) -> None:
    with wire(first, answer()) as server:
        assert send_connection_request(server.url, WHO) == 200
    assert [request[0] for request in server.requests] == [1, 2]


def test_a_cpe_that_asks_for_nothing() -> None:
    with wire(answer()) as server:
        assert send_connection_request(server.url, WHO) == 200


def test_a_challenge_that_can_not_be_answered_is_a_401() -> None:
    with wire(answer("401 Unauthorized", b"", "WWW-Authenticate: Negotiate")) as server:
        assert send_connection_request(server.url, WHO) == 401


def test_a_cpe_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(client, "Endpoint", partial(Endpoint, clock=clock))
    with wire(hang_until_late(clock)) as server, pytest.raises(AnswerTimeout):
        send_connection_request(server.url, WHO, timeout=0.1)
    with wire(CLOSE) as server, pytest.raises(ConnectionLost):
        send_connection_request(server.url, WHO)
