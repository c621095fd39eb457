"""Connection Requests as GenieACS sends them, and what it does not put up with."""

from __future__ import annotations

import base64
import os
import resource
from collections.abc import Iterator
from typing import Any

import gevent
import pytest
from helpers.wire import CLOSE, RESET, answer, needs_ipv6, wire

from caretaker.connection_request import genieacs_client, phrases
from caretaker.connection_request.clients import CLIENTS
from caretaker.connection_request.genieacs_client import _fields, send_as_genieacs
from caretaker.connection_request.steps import Step
from caretaker.errors import InputError, LimitError
from caretaker.http.authentication import DigestVerifier
from caretaker.http.credentials import Credentials
from caretaker.http.tls_settings import SYSTEM_TRUST

pytestmark = pytest.mark.sockets
WHO = Credentials("cpe", "secret")
DIGEST = 'Digest realm="r", qop="auth", nonce="n"'


def challenge(*values: str) -> bytes:
    return answer("401 Unauthorized", b"", *(f"WWW-Authenticate: {value}" for value in values))


@pytest.mark.parametrize(
    ("answers", "said"),
    [
        ([answer("200 OK")], None),
        ([answer("204 No Content")], None),
        ([answer("503 Busy")], phrases.unexpected(503)),
        ([answer("302 Found", b"", "Location: /x")], phrases.unexpected(302)),
        ([answer("401 Unauthorized")], phrases.unexpected(401)),
        ([challenge(DIGEST), answer()], None),
        ([challenge(DIGEST), answer("503 Busy")], phrases.unexpected(503)),
        ([challenge(DIGEST), challenge(DIGEST)], phrases.REFUSED),
        ([challenge("Digest realm=r, qop=auth, nonce=n"), answer()], None),
        ([challenge(DIGEST, 'Basic realm="other"'), answer()], None),
        ([challenge('Basic realm="r"', DIGEST)], phrases.NO_BASIC),
        ([challenge('Basic realm="r"')], phrases.NO_BASIC),
        ([challenge('digest realm="r", nonce="n"')], phrases.UNKNOWN_SCHEME),
        ([challenge('Digest realm="r')], phrases.BAD_CHALLENGE),
        ([b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"], phrases.failed("Parse Error")),
        ([b"HELLO\r\n\r\n"], phrases.failed("Parse Error")),
        ([CLOSE], phrases.OFFLINE),
        ([RESET], phrases.OFFLINE),
        ([challenge(DIGEST), CLOSE, answer()], phrases.OFFLINE),
        ([challenge(DIGEST), CLOSE, CLOSE], phrases.failed("socket hang up")),
    ],
)  # fmt: skip
def test_what_genieacs_says_of_what_a_device_answers(answers: list[Any], said: str | None) -> None:
    with wire(*answers) as server:
        assert send_as_genieacs(server.url, WHO) == said
        assert server.answers == []


def test_a_device_that_closes_after_its_challenge_accepts_and_is_called_offline() -> None:
    """It does not say ``Connection: close``; GenieACS does not look at the second answer."""
    with wire((challenge(DIGEST), CLOSE), answer()) as server:
        assert send_as_genieacs(server.url, WHO) == phrases.OFFLINE
        assert [number for number, *_ in server.requests] == [1, 2]


def test_a_device_that_says_that_it_closes_is_asked_again_over_a_new_connection() -> None:
    closing = answer("401 Unauthorized", b"", f"WWW-Authenticate: {DIGEST}", "Connection: close")
    with wire((closing, CLOSE), answer()) as server:
        assert send_as_genieacs(server.url, WHO) is None
        assert server.connections == 2


def test_both_gets_go_over_one_connection_and_only_the_second_is_authorized() -> None:
    verifier = DigestVerifier("r", lambda: 0.0)
    (asked,) = verifier.check(WHO, "GET", "/acs?a=b", None)
    with wire(challenge(asked), answer()) as server:
        assert send_as_genieacs(f"{server.url}?a=b", WHO) is None
        (first, line, head, _), (second, _, shown, _) = server.requests
    assert (first, second, line) == (1, 1, "GET /acs?a=b HTTP/1.1")
    assert "authorization" not in head
    assert verifier.check(WHO, "GET", "/acs?a=b", shown["authorization"]) == []


@pytest.mark.parametrize(
    ("asked", "shown"),
    [
        ("algorithm=SHA-256", "algorithm=SHA-256"),
        ('qop="auth-int"', "qop=auth-int,"),
        ('qop="auth-int,auth"', "qop=auth,"),
        ('opaque="o"', 'opaque="o"'),
    ],
)
def test_what_a_challenge_asks_for_is_echoed_and_computed_with_md5(asked: str, shown: str) -> None:
    with wire(challenge(f'Digest realm="r", nonce="n", {asked}'), answer()) as server:
        assert send_as_genieacs(server.url, WHO) is None
        header = server.requests[1][2]["authorization"]
    assert shown in header
    assert len(_fields(header.removeprefix("Digest "))["response"]) == 32


def test_the_login_in_a_url_is_shown_unasked_and_a_space_is_sent_as_20() -> None:
    with wire(answer()) as server:
        url = server.url.replace("http://", "http://u%40x:p@") + " 1"
        assert send_as_genieacs(url, WHO) is None
        _, line, headers, _ = server.requests[0]
    assert line == "GET /acs%201 HTTP/1.1"
    assert headers["authorization"] == f"Basic {base64.b64encode(b'u@x:p').decode()}"


@needs_ipv6
def test_ipv6_literals_and_queries_work() -> None:
    with wire(challenge('Digest realm="r", nonce="n"'), answer(), host="::1") as server:
        assert send_as_genieacs(f"{server.url}?a=1&b", WHO) is None
        assert [line for _, line, _, _ in server.requests] == ["GET /acs?a=1&b HTTP/1.1"] * 2
        header = server.requests[1][2]["authorization"]
    assert _fields(header.removeprefix("Digest "))["uri"] == "/acs?a=1&b"


@pytest.mark.parametrize("url", ["https://127.0.0.1/cr", "ftp://127.0.0.1/", "nonsense", ""])
def test_only_http_urls_are_called(url: str) -> None:
    with pytest.raises(InputError):
        send_as_genieacs(url, WHO)


def test_a_device_that_is_silent_is_offline(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(genieacs_client, "TIMEOUT", 0.01)
    listener = gevent.socket.socket()
    listener.bind(("127.0.0.1", 0))
    listener.listen()
    steps: list[Step] = []
    url = f"http://127.0.0.1:{listener.getsockname()[1]}/"
    with listener:
        assert send_as_genieacs(url, WHO, steps.append) == phrases.OFFLINE
    assert steps == [Step(url, True, "", error="socket hang up")]


def test_a_host_that_nobody_knows_is_an_error_of_the_connection() -> None:
    said = send_as_genieacs("http://no-such-host.invalid/", None) or ""
    assert said.startswith("Connection request error: ")
    too_long = send_as_genieacs(f"http://{'x' * 64}.invalid/", None)
    assert too_long == phrases.failed("host name not found")


@pytest.mark.parametrize("client", CLIENTS)
def test_each_client_tells_its_steps(client: str) -> None:
    steps: list[Step] = []
    with wire(challenge(DIGEST), answer()) as server:
        assert CLIENTS[client](server.url, WHO, steps.append, SYSTEM_TRUST) is None
    first, second = steps
    assert (first.is_new_connection, first.authorization, first.status) == (True, "", 401)
    assert first.challenges == (DIGEST,)
    assert (second.is_new_connection, second.status) == (False, 200)
    assert second.authorization.startswith("Digest ")


@pytest.fixture
def no_descriptors() -> Iterator[None]:
    """This process can open nothing more."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    gevent.get_hub()
    lowest_free = os.dup(0)
    os.close(lowest_free)
    resource.setrlimit(resource.RLIMIT_NOFILE, (lowest_free, hard))
    yield
    resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


@pytest.mark.parametrize("client", CLIENTS)
@pytest.mark.usefixtures("no_descriptors")
def test_a_machine_without_sockets_is_no_device_that_is_offline(client: str) -> None:
    with pytest.raises(LimitError):
        CLIENTS[client]("http://127.0.0.1:1/", WHO, lambda _: None, SYSTEM_TRUST)


def test_an_answer_that_is_too_large_is_a_parse_error() -> None:
    body = b"x" * genieacs_client.MAX_ANSWER_BYTES
    with wire(answer("200 OK", body)) as server:
        assert send_as_genieacs(server.url, WHO) == phrases.failed("Parse Error")
