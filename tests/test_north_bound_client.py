"""The client of a north-bound API: its requests, and what it makes of each answer."""

from __future__ import annotations

import json
import socket
from collections.abc import Callable
from functools import partial
from typing import Any

import gevent
import pytest
import requests
from helpers.wire import answer, wire

from caretaker.errors import AnswerError, ConnectError
from caretaker.north_bound_client import PHRASES, NorthBoundClient, task_result
from caretaker.stats.task_outcomes import TaskOutcome, TaskResult

T = TaskOutcome

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
    others = {T.DONE, T.API_ERROR, T.DEVICE_DOWN, T.UNREACHABLE, T.CUT, T.NOT_POSTED}
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


TASK = {"name": "reboot"}


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("send", "line", "body"),
    [
        (lambda api: api.post_task("A-B-C%2D1", TASK),
         "POST /devices/A-B-C%252D1/tasks?timeout=10000&connection_request HTTP/1.1", TASK),
        (lambda api: api.post_task("A-B-C%2D1", TASK, connection_request=False),
         "POST /devices/A-B-C%252D1/tasks?timeout=10000 HTTP/1.1", TASK),
        (lambda api: api.connection_request("A-B-C%2D1"),
         "POST /devices/A-B-C%252D1/tasks?timeout=10000&connection_request HTTP/1.1", None),
        (lambda api: api.delete_device("A-B-C%2D1"),
         "DELETE /devices/A-B-C%252D1 HTTP/1.1", None),
        (lambda api: api.delete_task("5f/1"), "DELETE /tasks/5f%2F1 HTTP/1.1", None),
    ],
)  # fmt: skip
def test_each_request_is_genieacs_s(
    send: Callable[[NorthBoundClient], TaskResult], line: str, body: dict[str, Any] | None
) -> None:
    results: list[TaskResult] = []
    with wire(answer()) as server:
        client = NorthBoundClient(server.url.removesuffix("/acs") + "/")
        gevent.get_hub().threadpool.apply(lambda: results.append(send(client)))
        client.close()
    _, said, _, sent = server.requests[0]
    assert (said, json.loads(sent) if sent else None) == (line, body)
    assert results == [TaskResult(T.DONE)]


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
    def request(*_: object, **__: object) -> None:
        raise error

    client = NorthBoundClient("http://127.0.0.1:1")
    monkeypatch.setattr(client._session, "request", request)
    assert client.connection_request("A-B-C")[:2] == (outcome, reason)


def documents(*answers: bytes) -> tuple[list[str], list[dict[str, Any]]]:
    """The lines of the requests for devices, and what the client makes of the answers."""
    with wire(*answers) as server:
        client = NorthBoundClient(server.url.removesuffix("/acs"))
        ask = partial(client.documents, "devices", {"_id": "A-B-C"}, ["x", "y.z"])
        try:
            found = gevent.get_hub().threadpool.apply(ask)
        finally:
            client.close()
    return [line for _, line, _, _ in server.requests], found


@pytest.mark.sockets
def test_documents_are_asked_for_with_query_and_projection() -> None:
    lines, found = documents(answer(body=b'[{"_id": "A-B-C", "x": 1}]'))
    assert found == [{"_id": "A-B-C", "x": 1}]
    path = "/devices/?query=%7B%22_id%22%3A+%22A-B-C%22%7D&projection=x%2Cy.z"
    assert lines == [f"GET {path} HTTP/1.1"]


@pytest.mark.sockets
@pytest.mark.parametrize(
    ("given", "reason"),
    [
        (answer("404 Not Found", body=b"No such path"), "HTTP 404: No such path"),
        (answer(body=b"<html><title>Login</title>"), "answer is no list of documents: Login"),
        (answer(body=b'{"_id": "A"}'), "answer is no list of documents: "),
        (answer(body=b'[{"_id": 7}]'), "answer is no list of documents: "),
    ],
)
def test_another_answer_than_documents_is_an_error(given: bytes, reason: str) -> None:
    with pytest.raises(AnswerError, match=f"^north-bound API: {reason}"):
        documents(given)


def test_an_api_that_is_not_there_gives_no_documents() -> None:
    client = NorthBoundClient("http://127.0.0.1:1")
    with pytest.raises(ConnectError, match=r"^north-bound API: connection refused"):
        client.documents("devices", {}, [])
