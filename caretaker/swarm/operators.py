"""Operators: they have an ACS send Connection Requests by its API, or send them directly."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import Any

from caretaker.connection_request.client import send_connection_request
from caretaker.connection_request.genieacs_client import send_as_genieacs
from caretaker.device.cpe import CPE
from caretaker.engine.shard import Shard
from caretaker.errors import InputError, LimitError, TransportError
from caretaker.http.credentials import Credentials
from caretaker.http.tls_settings import SYSTEM_TRUST, TLSSettings
from caretaker.north_bound_client import NorthBoundClient, outcome_of
from caretaker.scenarios.tasks import MAX_TASKS
from caretaker.stats.task_outcomes import TaskOutcome, TaskResult

TASK = "getParameterValues"


class NorthBoundOperator:
    """
    Posts a getParameterValues task to an API in GenieACS's form, and waits for its end.

    Args:
        url: of the API, without a path.
    """

    name = TASK

    def __init__(self, url: str) -> None:
        self._client = NorthBoundClient(url, MAX_TASKS)

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
        return self._client.post_task(cpe.device_id_struct.device_id, task)


def _parameter(cpe: CPE) -> str:
    path = f"{cpe.profile.device_info}UpTime"
    return path if cpe.parameter(path) else f"{cpe.profile.device_info}SoftwareVersion"


class DirectOperator:
    """
    Sends the Connection Request itself, as the ACS would, for ACSs without a north-bound API.

    Args:
        shard: knows the CPEs' credentials.
        cr_client: which of ``CR_SENDERS`` sends it.
        tls: for https URLs.
    """

    name = "Connection Request"

    def __init__(
        self, shard: Shard, cr_client: str = "tolerant", tls: TLSSettings = SYSTEM_TRUST
    ) -> None:
        self._shard = shard
        self._tls = tls
        self._send = CR_SENDERS[cr_client]

    def reaches(self, cpe: CPE) -> bool:
        """It needs no one else to know the CPE; in a session the ACS may be changing its secret."""
        return not cpe.in_session

    def send(self, cpe: CPE) -> TaskResult:
        """Send one."""
        url = self._shard.context.connection_request_url(cpe.url_name)
        try:
            return self._send(url, self._shard.credentials(cpe.url_name), self._tls)
        except LimitError as error:
            return TaskResult(TaskOutcome.NOT_POSTED, str(error))
        except InputError:
            return TaskResult(TaskOutcome.OFFLINE, "ConnectionRequestURL is no http address")

    def download(self, _: CPE, __: Mapping[str, Any]) -> None:
        """Without an API there is no way to ask the ACS for it."""
        return


def _send_tolerantly(url: str, credentials: Credentials, tls: TLSSettings) -> TaskResult:
    try:
        status = send_connection_request(url, credentials, tls=tls)
    except LimitError:
        raise
    except TransportError as error:
        return TaskResult(TaskOutcome.OFFLINE, error.reason, error.quoted)
    return _ANSWERS.get(
        status, TaskResult(TaskOutcome.UNEXPECTED_STATUS, f"Connection Request: HTTP {status}")
    )


def _send_as_genieacs(url: str, credentials: Credentials, _: TLSSettings) -> TaskResult:
    phrase = send_as_genieacs(url, credentials)
    if phrase is None:
        return TaskResult(TaskOutcome.DONE)
    return TaskResult(outcome_of(phrase) or TaskOutcome.OFFLINE, phrase)


CR_SENDERS: dict[str, Callable[[str, Credentials, TLSSettings], TaskResult]] = {
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
