"""
Operators: they have an ACS send Connection Requests by its north-bound API, or send them directly.

What the API says is one of GenieACS's phrases; ``PHRASES`` gives each its outcome.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from http.client import RemoteDisconnected
from itertools import islice
from math import inf
from typing import Any
from urllib.parse import quote

import requests
from requests.adapters import HTTPAdapter

from caretaker.connection_request.client import send_connection_request
from caretaker.connection_request.genieacs_client import send_as_genieacs
from caretaker.device.cpe import CPE
from caretaker.engine.shard import Shard
from caretaker.errors import (
    AnswerError,
    AnswerTimeout,
    ConnectError,
    ConnectionLost,
    InputError,
    LimitError,
    TransportError,
)
from caretaker.http.connect_errors import connect_error
from caretaker.http.credentials import Credentials
from caretaker.quoting import quotation
from caretaker.scenarios.tasks import MAX_TASKS
from caretaker.stats.task_outcomes import TaskOutcome, TaskResult

TASK = "getParameterValues"
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
}
"""The outcome of each phrase of GenieACS, by how it begins, in lower case."""
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
    outcome = _outcome(said) if status in (202, _CONNECTION_REQUEST_FAILED) else None
    if outcome is TaskOutcome.QUEUED or (status == 202 and not said):
        return TaskResult(TaskOutcome.QUEUED)
    if outcome is not None:
        return TaskResult(outcome, said)
    said = quotation(body) or phrase.strip()
    return TaskResult(TaskOutcome.API_ERROR, f"north-bound API: HTTP {status}", said)


def _outcome(said: str) -> TaskOutcome | None:
    words = said.lower().removeprefix(_PREFIX)
    return next((outcome for begin, outcome in PHRASES.items() if words.startswith(begin)), None)


class NorthBoundOperator:
    """
    Posts a getParameterValues task to an API in GenieACS's form, and waits for its end.

    Args:
        url: of the API, without a path.
    """

    name = TASK

    def __init__(self, url: str) -> None:
        self._url = url.rstrip("/")
        self._session = requests.Session()
        for scheme in ("http://", "https://"):
            self._session.mount(scheme, HTTPAdapter(pool_maxsize=MAX_TASKS))
        self._session.trust_env = False

    def reaches(self, cpe: CPE) -> bool:
        """The ACS knows where a CPE is, and what to show it, once it has informed in this run."""
        return cpe.ended_at > -inf

    def send(self, cpe: CPE) -> TaskResult:
        """Post the task with a Connection Request."""
        return self._post(cpe, {"name": TASK, "parameterNames": [_parameter(cpe)]})

    def download(self, cpe: CPE, task: Mapping[str, Any]) -> TaskResult:
        """Post a task that has the CPE download a file."""
        return self._post(cpe, task)

    def _post(self, cpe: CPE, task: Mapping[str, Any]) -> TaskResult:
        device = quote(cpe.device_id_struct.device_id, safe="")
        url = f"{self._url}/devices/{device}/tasks?timeout={TASK_SECONDS * 1000:.0f}"
        try:
            with self._session.post(
                f"{url}&connection_request",
                json=dict(task),
                headers={"Accept-Encoding": "identity"},
                timeout=(CONNECT_SECONDS, ANSWER_SECONDS),
                stream=True,
            ) as answer:
                pieces = answer.iter_content(MAX_ANSWER_BYTES // 4)
                body = b"".join(islice(pieces, 4))
        except requests.RequestException as error:
            return _no_answer(error)
        return task_result(answer.status_code, answer.reason or "", body)


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


def _parameter(cpe: CPE) -> str:
    path = f"{cpe.profile.device_info}UpTime"
    return path if cpe.parameter(path) else f"{cpe.profile.device_info}SoftwareVersion"


class DirectOperator:
    """
    Sends the Connection Request itself, as the ACS would, for ACSs without a north-bound API.

    Args:
        shard: knows the CPEs' credentials.
        cr_client: which of ``CR_SENDERS`` sends it.
    """

    name = "Connection Request"

    def __init__(self, shard: Shard, cr_client: str = "tolerant") -> None:
        self._shard = shard
        self._send = CR_SENDERS[cr_client]

    def reaches(self, cpe: CPE) -> bool:
        """It needs no one else to know the CPE; in a session the ACS may be changing its secret."""
        return not cpe.in_session

    def send(self, cpe: CPE) -> TaskResult:
        """Send one."""
        url = self._shard.context.connection_request_url(cpe.url_name)
        try:
            return self._send(url, self._shard.credentials(cpe.url_name))
        except LimitError as error:
            return TaskResult(TaskOutcome.NOT_POSTED, str(error))
        except InputError:
            return TaskResult(TaskOutcome.OFFLINE, "ConnectionRequestURL is no http address")

    def download(self, _: CPE, __: Mapping[str, Any]) -> None:
        """Without an API there is no way to ask the ACS for it."""
        return


def _send_tolerantly(url: str, credentials: Credentials) -> TaskResult:
    try:
        status = send_connection_request(url, credentials)
    except LimitError:
        raise
    except TransportError as error:
        return TaskResult(TaskOutcome.OFFLINE, error.reason, error.quoted)
    return _ANSWERS.get(
        status, TaskResult(TaskOutcome.UNEXPECTED_STATUS, f"Connection Request: HTTP {status}")
    )


def _send_as_genieacs(url: str, credentials: Credentials) -> TaskResult:
    phrase = send_as_genieacs(url, credentials)
    if phrase is None:
        return TaskResult(TaskOutcome.DONE)
    return TaskResult(_outcome(phrase) or TaskOutcome.OFFLINE, phrase)


CR_SENDERS: dict[str, Callable[[str, Credentials], TaskResult]] = {
    "tolerant": _send_tolerantly,
    "genieacs": _send_as_genieacs,
}
"""How a Connection Request is sent directly, by the values of ``--cr-client``."""

_ANSWERS = {
    200: TaskResult(TaskOutcome.DONE),
    204: TaskResult(TaskOutcome.DONE),
    401: TaskResult(TaskOutcome.CREDENTIALS_REFUSED, "Connection Request: credentials refused"),
}
"""What a device's answer to a Connection Request means; any other status is unexpected."""
