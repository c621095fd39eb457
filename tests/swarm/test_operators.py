"""Operators: what they send, and what they make of each answer."""

from __future__ import annotations

import json
import socket
from typing import Any

import gevent
import pytest
import requests
from helpers.cpes import context, cpe, profile
from helpers.wire import CLOSE, answer, wire

from caretaker.connection_request.clients import CLIENTS
from caretaker.cwmp.messages import EventStruct
from caretaker.cwmp.outcome import Outcome
from caretaker.device.cpe import CPE
from caretaker.http.credentials import Credentials
from caretaker.stats.task_outcomes import TaskOutcome, TaskResult
from caretaker.swarm.operators import (
    CR_SENDERS,
    MAX_ANSWER_BYTES,
    PHRASES,
    DirectOperator,
    NorthBoundOperator,
    task_result,
)

T = TaskOutcome


def test_the_north_bound_api_knows_a_cpe_that_has_informed() -> None:
    box = CPE(0, profile(), context())
    box.resume(10.0)
    sender = NorthBoundOperator("http://127.0.0.1:1")
    assert not sender.reaches(box)
    box.raise_event(EventStruct("2 PERIODIC"), 20.0)
    box.begin_session(20.0)
    box.end_session(Outcome.SUCCEEDED, 21.0)
    assert sender.reaches(box)


# -- what the north-bound API says ----------------------------------------------------------------

PREFIX = "Connection request error: "


@pytest.mark.parametrize(
    ("status", "phrase", "body", "expected"),
    [
        (200, "OK", b"{}", T.DONE),
        (202, "Task queued but not processed", b"{}", T.QUEUED),
        (202, "Accepted", b"{}", T.QUEUED),
        (202, "", b"{}", T.QUEUED),
        (202, "Device is offline", b"{}", T.OFFLINE),
        (202, f"{PREFIX}Device is offline", b"{}", T.OFFLINE),
        (202, f"{PREFIX}Invalid connection request URL or protocol", b"{}", T.OFFLINE),
        (202, "Task faulted", b"{}", T.FAULTED),
        (202, f"{PREFIX}Incorrect connection request credentials", b"", T.CREDENTIALS_REFUSED),
        (202, f"{PREFIX}Basic HTTP authentication not allowed", b"", T.CREDENTIALS_REFUSED),
        (202, f"{PREFIX}Unrecognized auth method", b"", T.CREDENTIALS_REFUSED),
        (202, f"{PREFIX}Unexpected status code 503", b"", T.UNEXPECTED_STATUS),
        (202, f"{PREFIX}Unexpected response code from device: 503", b"", T.UNEXPECTED_STATUS),
        (504, "Gateway Timeout", b"Device is offline", T.OFFLINE),
        (504, "Gateway Timeout", PREFIX.encode() + b"Unexpected status code 404",
         T.UNEXPECTED_STATUS),
        (504, "Gateway Time-out", b"<html><title>504 Gateway Time-out</title>", T.API_ERROR),
        (202, "What nobody has heard of", b"{}", T.API_ERROR),
        (404, "Not Found", b"No such device", T.API_ERROR),
        (500, "Internal Server Error", b"", T.API_ERROR),
    ],
)  # fmt: skip
def test_each_answer_has_its_outcome(
    status: int, phrase: str, body: bytes, expected: TaskOutcome
) -> None:
    result = task_result(status, phrase, body)
    assert result.outcome is expected
    assert (result.reason is None) == (expected in (T.DONE, T.QUEUED))


def test_each_phrase_is_one_of_an_outcome_that_the_acs_knows() -> None:
    """The others are not the ACS's words, but what became of the request or of the run."""
    others = {T.DONE, T.API_ERROR, T.DEVICE_DOWN, T.CUT, T.NOT_POSTED}
    assert set(PHRASES.values()) == set(T) - others
    assert all(phrase == phrase.lower() for phrase in PHRASES)


@pytest.mark.parametrize(
    ("answer", "reason", "quoted"),
    [
        ((404, "Not Found", b"No such device\n"), "HTTP 404", "No such device"),
        ((500, "Internal Server Error", b""), "HTTP 500", "Internal Server Error"),
        ((504, "Time-out", b"<html><title>504 Oops</title>"), "HTTP 504", "504 Oops"),
    ],
)
def test_an_error_of_the_api_is_quoted(
    answer: tuple[int, str, bytes], reason: str, quoted: str
) -> None:
    result = task_result(*answer)
    assert (result.reason, result.quoted) == (f"north-bound API: {reason}", quoted)


@pytest.mark.sockets
class TestNorthBound:
    """The same requests drive GenieACS and the embedded ACS."""

    def send(self, *answers: Any) -> tuple[TaskResult, Any]:
        outcome: list[TaskResult] = []
        with wire(*answers) as server:
            sender = NorthBoundOperator(server.url.removesuffix("/acs") + "/")
            gevent.get_hub().threadpool.apply(lambda: outcome.append(sender.send(cpe(index=1))))
            sender._session.close()
        return outcome[0], server.requests[0]

    def test_an_answer_of_any_length_is_read_only_in_part(self) -> None:
        head = b"HTTP/1.1 500 Oops\r\nContent-Length: 100000000\r\n\r\nIt broke\n"
        result, (_, _, headers, _) = self.send((head + b"x" * MAX_ANSWER_BYTES, CLOSE))
        assert result.reason == "north-bound API: HTTP 500"
        assert result.quoted.startswith("It broke xxx")
        assert headers["accept-encoding"] == "identity"

    def test_the_request(self) -> None:
        _, (_, line, headers, body) = self.send(answer())
        assert line == (
            "POST /devices/CA7E01-HR181-FLEET%252D000002/tasks?timeout=10000&connection_request "
            "HTTP/1.1"
        )
        assert headers["content-type"] == "application/json"
        assert json.loads(body) == {
            "name": "getParameterValues",
            "parameterNames": ["Device.DeviceInfo.UpTime"],
        }

    @pytest.mark.parametrize(
        ("said", "expected"),
        [
            (answer("200 OK"), (T.DONE, None, "")),
            (answer("202 Device is offline"), (T.OFFLINE, "Device is offline", "")),
            (answer("202 Task queued but not processed"), (T.QUEUED, None, "")),
            (answer("404 Not Found", b"No such device"),
             (T.API_ERROR, "north-bound API: HTTP 404", "No such device")),
            (CLOSE, (T.API_ERROR, "north-bound API: connection closed without an answer", "")),
            (b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
             (T.API_ERROR, "north-bound API: answer is not HTTP", "")),
        ],
    )  # fmt: skip
    def test_answers(self, said: Any, expected: tuple[TaskOutcome, str | None, str]) -> None:
        assert expected == self.send(said)[0]

    def test_nobody_there(self) -> None:
        with socket.socket() as probe:
            probe.bind(("127.0.0.1", 0))
            sender = NorthBoundOperator(f"http://127.0.0.1:{probe.getsockname()[1]}")
            result = sender.send(cpe())
        assert result == (T.API_ERROR, "north-bound API: connection refused", "")


@pytest.mark.parametrize(
    ("error", "outcome", "reason"),
    [
        (requests.ReadTimeout(), T.API_ERROR, "north-bound API: no answer in time"),
        (requests.ConnectTimeout(), T.API_ERROR, "north-bound API: connection timed out"),
        (requests.ConnectionError(OSError(113, "x")), T.API_ERROR,
         "north-bound API: host unreachable"),
        (requests.ConnectionError(ConnectionResetError(104, "x")), T.API_ERROR,
         "north-bound API: connection reset"),
        (requests.ConnectionError(socket.gaierror(socket.EAI_NONAME, "x")), T.API_ERROR,
         "north-bound API: host name not found"),
        (requests.ConnectionError(OSError(24, "x")), T.NOT_POSTED,
         "this machine is out of sockets or ports"),
    ],
)  # fmt: skip
def test_each_error_of_the_way_to_the_api_has_its_name(
    error: requests.RequestException,
    outcome: TaskOutcome,
    reason: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def post(*_: object, **__: object) -> None:
        raise error

    sender = NorthBoundOperator("http://127.0.0.1:1")
    monkeypatch.setattr(sender._session, "post", post)
    assert sender.send(cpe())[:2] == (outcome, reason)


# -- without a north-bound API --------------------------------------------------------------------


class OneCPE:
    """A shard whose only CPE answers Connection Requests at a URL."""

    def __init__(self, url: str) -> None:
        self.context = cpe(connection_request_url=lambda _: url).context

    def credentials(self, _: str) -> Credentials:
        return Credentials("cpe", "secret")


def direct(url: str) -> TaskResult:
    return DirectOperator(OneCPE(url)).send(cpe())  # type: ignore[arg-type]


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("answers", "outcome", "reason"),
    [
        ([answer("200 OK")], T.DONE, None),
        ([answer("204 No Content")], T.DONE, None),
        ([answer("401 Unauthorized", b"", 'WWW-Authenticate: Digest realm="r", nonce="n"')] * 2,
         T.CREDENTIALS_REFUSED, "Connection Request: credentials refused"),
        ([answer("503 Busy")], T.UNEXPECTED_STATUS, "Connection Request: HTTP 503"),
        ([answer("404 Not Found")], T.UNEXPECTED_STATUS, "Connection Request: HTTP 404"),
        ([CLOSE], T.OFFLINE, "connection closed without an answer"),
    ],
)  # fmt: skip
def test_what_a_device_answers_directly(
    answers: list[Any], outcome: TaskOutcome, reason: str | None
) -> None:
    with wire(*answers) as server:
        assert direct(server.url)[:2] == (outcome, reason)


@pytest.mark.parametrize(
    ("url", "reason"),
    [
        ("http://127.0.0.1:1/cr", "connection refused"),
        ("ftp://127.0.0.1/", "ConnectionRequestURL is no http address"),
    ],
)
def test_a_device_that_can_not_be_reached_is_offline(url: str, reason: str) -> None:
    assert direct(url)[:2] == (T.OFFLINE, reason)


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("answers", "outcome", "reason"),
    [
        ([answer("200 OK")], T.DONE, None),
        ([answer("401 No", b"", 'WWW-Authenticate: Basic realm="r"')],
         T.CREDENTIALS_REFUSED, "Basic HTTP authentication not allowed"),
        ([answer("503 Busy")], T.UNEXPECTED_STATUS,
         "Connection request error: Unexpected status code 503"),
        ([CLOSE], T.OFFLINE, "Device is offline"),
        ([b"HTTP/1.1 200 OK\nContent-Length: 0\n\n"], T.OFFLINE,
         "Connection request error: Parse Error"),
    ],
)  # fmt: skip
def test_what_genieacs_would_make_of_a_device_s_answer(
    answers: list[Any], outcome: TaskOutcome, reason: str | None
) -> None:
    with wire(*answers) as server:
        operator = DirectOperator(OneCPE(server.url), "genieacs")  # type: ignore[arg-type]
        assert operator.send(cpe())[:2] == (outcome, reason)


def test_each_client_of_connection_requests_can_send_directly() -> None:
    assert CR_SENDERS.keys() == CLIENTS.keys()
