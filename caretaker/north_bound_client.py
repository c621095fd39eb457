"""
The client of a north-bound API in GenieACS's form: tasks, Connection Requests, and the devices.

What the API says is one of GenieACS's phrases; ``PHRASES`` gives each its outcome.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from http.client import RemoteDisconnected
from itertools import islice
from typing import Any
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter

from caretaker.errors import (
    AnswerError,
    AnswerTimeout,
    ConnectError,
    ConnectionLost,
    LimitError,
    TransportError,
)
from caretaker.http.connect_errors import connect_error
from caretaker.quoting import quotation
from caretaker.stats.task_outcomes import TaskOutcome, TaskResult

TASK_SECONDS = 10.0
"""How long the north-bound API is asked to wait until the CPE's session begins."""
CONNECT_SECONDS = 10.0
"""How long a connection to the API may take."""
ANSWER_SECONDS = TASK_SECONDS + 180.0
"""
How long the API's answer may take.

GenieACS takes up to 30 s for the lock on the session, the seconds it was asked for, and 120 s for
the session's end; Connection Requests take some more.
"""

_TIMEOUTS = (CONNECT_SECONDS, ANSWER_SECONDS)

MAX_ANSWER_BYTES = 64 * 1024
"""Of the API's answer that are read; what it says is in its first words."""

PHRASES: dict[str, TaskOutcome] = {
    "task queued": TaskOutcome.QUEUED,
    "accepted": TaskOutcome.QUEUED,
    "task faulted": TaskOutcome.FAULTED,
    "device is offline": TaskOutcome.OFFLINE,
    "invalid connection request url": TaskOutcome.OFFLINE,
    "incorrect connection request credentials": TaskOutcome.CREDENTIALS_REFUSED,
    "basic http authentication not allowed": TaskOutcome.CREDENTIALS_REFUSED,
    "unrecognized auth method": TaskOutcome.CREDENTIALS_REFUSED,
    "unexpected status code": TaskOutcome.UNEXPECTED_STATUS,
    "unexpected response code": TaskOutcome.UNEXPECTED_STATUS,
    "unexpected xmpp error": TaskOutcome.UNEXPECTED_STATUS,
    "not connected to the xmpp server": TaskOutcome.OFFLINE,
    "no answer over xmpp": TaskOutcome.OFFLINE,
    "too many under way over xmpp": TaskOutcome.OFFLINE,
}
"""The outcome of each phrase, GenieACS's or the embedded ACS's, by how it begins in lower case."""
_PREFIX = "connection request error: "
_CONNECTION_REQUEST_FAILED = 504
"""A body, and not the phrase, holds the reason: there was no task."""


def task_result(status: int, phrase: str, body: bytes = b"") -> TaskResult:
    """
    What became of a task, or of a Connection Request without one.

    Args:
        status: of the API's answer.
        phrase: its reason phrase.
        body: its body.
    """
    if status == 200:
        return TaskResult(TaskOutcome.DONE)
    said = quotation(body) if status == _CONNECTION_REQUEST_FAILED and body else phrase.strip()
    outcome = outcome_of(said) if status in (202, _CONNECTION_REQUEST_FAILED) else None
    if outcome is TaskOutcome.QUEUED or (status == 202 and not said):
        return TaskResult(TaskOutcome.QUEUED)
    if outcome is not None:
        return TaskResult(outcome, said)
    said = quotation(body) or phrase.strip()
    return TaskResult(TaskOutcome.API_ERROR, f"north-bound API: HTTP {status}", said)


def outcome_of(said: str) -> TaskOutcome | None:
    """The outcome of one of GenieACS's phrases; None if it is none of them."""
    words = said.lower().removeprefix(_PREFIX)
    return next((outcome for begin, outcome in PHRASES.items() if words.startswith(begin)), None)


class NorthBoundClient:
    """
    Sends requests about devices to an API in GenieACS's form, and waits for their answers.

    Args:
        url: of the API, without a path.
        connections: kept open at most.
    """

    def __init__(self, url: str, connections: int = 1) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=connections))
        self._session.trust_env = False

    def post_task(
        self, device_id: str, task: Mapping[str, Any], *, connection_request: bool = True
    ) -> TaskResult:
        """
        Post a task: to be done now, by a Connection Request, or in the device's next session.

        Args:
            device_id: as the API has it: ``OUI-ProductClass-SerialNumber``, percent-encoded.
            task: in GenieACS's form.
            connection_request: whether the ACS sends one for it.
        """
        path = f"/tasks?timeout={TASK_SECONDS * 1000:.0f}"
        query = "&connection_request" if connection_request else ""
        return self._send("POST", f"{_device(device_id)}{path}{query}", dict(task))

    def connection_request(self, device_id: str) -> TaskResult:
        """Have the ACS send a Connection Request, without a task."""
        path = f"/tasks?timeout={TASK_SECONDS * 1000:.0f}&connection_request"
        return self._send("POST", f"{_device(device_id)}{path}")

    def delete_device(self, device_id: str) -> TaskResult:
        """Have the ACS forget a device."""
        return self._send("DELETE", _device(device_id))

    def delete_task(self, task_id: str) -> TaskResult:
        """Have the ACS forget a task."""
        return self._send("DELETE", f"/tasks/{quote(task_id, safe='')}")

    def documents(
        self, collection: str, query: Mapping[str, Any], paths: Sequence[str]
    ) -> list[dict[str, Any]]:
        """
        The documents of a collection, ``devices`` or ``tasks``.

        Args:
            collection: its name in the API.
            query: that they fit, in MongoDB's form.
            paths: what is wanted of each, beside its ``_id``.

        Raises:
            TransportError: there is no such answer.
        """
        wanted = {"query": json.dumps(query), "projection": ",".join(paths)}
        url = f"{self._url}/{collection}/"
        try:
            answer = self._session.get(url, params=wanted, timeout=_TIMEOUTS)
        except requests.RequestException as error:
            failure = _failure(error)
            raise type(failure)(f"north-bound API: {failure.reason}", failure.quoted) from error
        if answer.status_code != 200:
            said = quotation(answer.content) or answer.reason or ""
            raise AnswerError(f"north-bound API: HTTP {answer.status_code}", said)
        return _listed(answer)

    def close(self) -> None:
        """Close the connections."""
        self._session.close()

    def _send(self, method: str, path: str, task: Mapping[str, Any] | None = None) -> TaskResult:
        try:
            with self._session.request(
                method,
                f"{self._url}{path}",
                json=task,
                headers={"Accept-Encoding": "identity"},
                timeout=_TIMEOUTS,
                stream=True,
            ) as answer:
                pieces = answer.iter_content(MAX_ANSWER_BYTES // 4)
                body = b"".join(islice(pieces, 4))
        except requests.RequestException as error:
            return _no_answer(error)
        return task_result(answer.status_code, answer.reason or "", body)


def _device(device_id: str) -> str:
    return f"/devices/{quote(device_id, safe='')}"


def _listed(answer: requests.Response) -> list[dict[str, Any]]:
    try:
        documents = answer.json()
    except ValueError:
        documents = None
    if not isinstance(documents, list) or not all(
        isinstance(each, dict) and isinstance(each.get("_id"), str) for each in documents
    ):
        raise AnswerError(
            "north-bound API: answer is no list of documents", quotation(answer.content)
        )
    return documents


def _no_answer(error: requests.RequestException) -> TaskResult:
    failure = _failure(error)
    if isinstance(failure, LimitError):
        return TaskResult(TaskOutcome.NOT_POSTED, failure.reason)
    return TaskResult(TaskOutcome.API_ERROR, f"north-bound API: {failure.reason}", failure.quoted)


def _failure(error: requests.RequestException) -> TransportError:
    if isinstance(error, requests.ReadTimeout):
        return AnswerTimeout("no answer in time")
    if isinstance(error, requests.ConnectTimeout):
        return ConnectError("connection timed out")
    cause = _cause(error)
    if isinstance(cause, RemoteDisconnected):
        return ConnectionLost("connection closed without an answer")
    return connect_error(cause) if cause is not None else AnswerError("answer is not HTTP")


def _cause(error: BaseException | None) -> OSError | None:
    """The error of the system behind what requests and urllib3 have made of it."""
    seen: set[int] = set()
    while error is not None and id(error) not in seen:
        seen.add(id(error))
        if isinstance(error, OSError) and not isinstance(error, requests.RequestException):
            return error
        inner = [each for each in (*error.args, getattr(error, "reason", None))
                 if isinstance(each, BaseException)]  # fmt: skip
        error = inner[0] if inner else error.__cause__ or error.__context__
    return None
