"""``caretaker cr URL``: a Connection Request step by step."""

from __future__ import annotations

from contextlib import suppress

import pytest
from helpers.wire import CLOSE, RESET, answer, wire

from caretaker.__main__ import main
from caretaker.connection_request.clients import CLIENTS
from caretaker.connection_request.command import _CURES, SHOWN_CHARACTERS
from caretaker.reasons import REASONS

pytestmark = pytest.mark.sockets
DIGEST = 'WWW-Authenticate: Digest realm="r", qop="auth", nonce="n"'
BASIC = 'WWW-Authenticate: Basic realm="r"'


@pytest.mark.parametrize("client", CLIENTS)
def test_each_step_is_shown_with_what_it_means(
    client: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with wire(answer("401 Unauthorized", b"", DIGEST), answer()) as server:
        options = ["--username", "acs", "--password", "s3cret", "--client", client]
        assert main(["cr", server.url, *options]) == 0
        url = server.url
    said = capsys.readouterr().out
    assert said.splitlines() == [
        f"1. GET {url} over a new connection, without credentials",
        "   HTTP 401: the device asks who is there",
        '   WWW-Authenticate: Digest realm="r", qop="auth", nonce="n"',
        f"2. GET {url} over the same connection, with Digest",
        "   HTTP 200: accepted: the device begins a session with 6 CONNECTION REQUEST",
        "Accepted.",
    ]
    assert "s3cret" not in said


@pytest.mark.parametrize("client", CLIENTS)
def test_the_version_of_ip_is_that_which_is_asked_for(
    client: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with wire(answer()) as server:
        url = server.url
        assert main(["cr", url, "--client", client, "--ip-version", "6"]) == 1
        assert "no answer: host has no IPv6 address" in capsys.readouterr().out
        assert main(["cr", url, "--client", client, "--ip-version", "4"]) == 0


@pytest.mark.parametrize("command", [["cr", "http://x/"], ["cpe", "--acs-url", "http://x/"]])
def test_a_version_of_ip_that_is_none_is_refused_with_those_that_are(
    command: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    with suppress(SystemExit):
        assert main([*command, "--ip-version", "5"]) == 2
    said = "".join(capsys.readouterr())
    assert "--ip-version: invalid choice: '5' (choose from 'any', '4', '6')" in said


@pytest.mark.parametrize(
    ("answers", "client", "shown"),
    [
        ([answer("401 No", b"", BASIC)], "genieacs", "Basic HTTP authentication not allowed"),
        ([answer("401 No", b"", DIGEST)] * 2, "tolerant", "refuses these credentials"),
        ([answer("401 No")], "genieacs", "does not say how"),
        ([answer("503 Busy")], "tolerant", "is busy, or was asked too often"),
        ([answer("500 Oh")], "tolerant", "TR-069 knows no such answer"),
        ([CLOSE], "genieacs", "the device closed the connection"),
        ([CLOSE], "tolerant", "the device closed the connection"),
        ([RESET], "tolerant", "the device closed the connection"),
    ],
)
def test_what_went_wrong_is_said_and_what_may_help(
    answers: list[bytes], client: str, shown: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with wire(*answers) as server:
        assert main(["cr", server.url, "--username", "acs", "--client", client]) == 1
    said = capsys.readouterr().out
    assert shown in said
    assert "Not accepted. GenieACS's words: " in said


def test_what_helps_is_known_by_reasons_that_there_are() -> None:
    words_of_genieacs = {"socket hang up", "Parse Error"}
    assert words_of_genieacs < set(_CURES) < {*REASONS, *words_of_genieacs}


@pytest.mark.parametrize("client", CLIENTS)
def test_a_device_that_is_not_there(client: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cr", "http://127.0.0.1:1/cr", "--client", client]) == 1
    assert capsys.readouterr().out.splitlines() == [
        "1. GET http://127.0.0.1:1/cr over a new connection, without credentials",
        "   no answer: connection refused",
        "   nothing listens there: is the device up, and its port forwarded?",
        "Not accepted. GenieACS's words: Device is offline",
    ]


def test_what_is_no_url_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["cr", "nonsense"]) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_what_a_device_says_can_not_steer_the_terminal(capsys: pytest.CaptureFixture[str]) -> None:
    odd = f"WWW-Authenticate: Other \x1b[2J{'x' * 500}"
    with wire(answer("401 No", b"", odd)) as server:
        assert main(["cr", server.url, "--username", "acs"]) == 1
    said = capsys.readouterr().out
    assert "\x1b" not in said
    assert max(map(len, said.splitlines())) < SHOWN_CHARACTERS + 50
