"""Operators: they have an ACS send Connection Requests by its API, or send them directly."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from math import inf
from typing import Any, Final

import gevent

from caretaker.connection_request.client import TIMEOUT, send_connection_request
from caretaker.connection_request.genieacs_client import send_as_genieacs
from caretaker.connection_request.reported_ways import PLANS, ReportedWays, send_in_turn
from caretaker.connection_request.udp_client import send_by_udp
from caretaker.connection_request.xmpp_sender import XMPPSender
from caretaker.device.cpe import CPE
from caretaker.device.events import BOOTSTRAP
from caretaker.engine.shard import Shard
from caretaker.errors import InputError, LimitError, TransportError
from caretaker.http.credentials import Credentials
from caretaker.http.tls_settings import SYSTEM_TRUST, TLSSettings
from caretaker.north_bound_client import NorthBoundClient, outcome_of
from caretaker.scenarios.tasks import MAX_TASKS, ways_of
from caretaker.stats.task_outcomes import TaskOutcome, TaskResult
from caretaker.way import Way

TASK = "getParameterValues"
UNANSWERED: Final = "no session after a Connection Request by UDP"
NO_ADDRESS = {
    Way.HTTP: "ConnectionRequestURL is no http address",
    Way.UDP: "UDPConnectionRequestAddress is no address",
    Way.XMPP: "ConnReqJabberID is no address",
}
"""The reason where what a device reports can't be used."""
_LOOK_SECONDS = 0.05
"""How often it is looked whether a CPE has taken a datagram."""


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
        """
        The ACS knows where a CPE is, and what to show it, once it has informed in this run.

        Until a first contact has succeeded the credentials are those of the factory, which an ACS
        does not know, or takes for those that it has set before.
        """
        return cpe.ended_at > -inf and BOOTSTRAP not in [code for code, _ in cpe.pending]

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
        shard: knows the CPEs' credentials, and whether one has taken a datagram.
        cr_client: which of ``CR_SENDERS`` and ``PLANS`` send it.
        tls: for https URLs.
        clock: that of the shard.
        xmpp: sends to a ConnReqJabberID; without it that is passed over.
    """

    name = "Connection Request"

    def __init__(
        self,
        shard: Shard,
        cr_client: str = "tolerant",
        tls: TLSSettings = SYSTEM_TRUST,
        clock: Callable[[], float] = time.monotonic,
        xmpp: XMPPSender | None = None,
    ) -> None:
        self._shard = shard
        self._plan = PLANS[cr_client]
        self._send_by_http = CR_SENDERS[cr_client]
        self._tls = tls
        self._clock = clock
        self._xmpp = xmpp
        self._senders = {
            Way.HTTP: self._by_http,
            Way.UDP: self._by_udp,
            Way.XMPP: self._by_xmpp,
        }

    def reaches(self, cpe: CPE) -> bool:
        """It needs no one else to know the CPE; in a session the ACS may be changing its secret."""
        return not cpe.in_session

    def send(self, cpe: CPE) -> TaskResult:
        """Send one by the ways that the CPE reports."""
        reported = ways_of(cpe, self._clock())
        if self._xmpp is None:
            reported = reported.without_jid()
        credentials = self._shard.credentials(cpe.url_name)

        def send(way: Way) -> TaskResult:
            try:
                return self._senders[way](cpe, reported, credentials)
            except LimitError as error:
                return TaskResult(TaskOutcome.NOT_POSTED, str(error))
            except InputError:
                return TaskResult(TaskOutcome.OFFLINE, NO_ADDRESS[way])

        return send_in_turn(
            self._plan(reported), send, lambda result: result.outcome is TaskOutcome.DONE
        )

    def _by_http(self, _: CPE, reported: ReportedWays, credentials: Credentials) -> TaskResult:
        return self._send_by_http(reported.url, credentials, self._tls)

    def _by_udp(self, cpe: CPE, reported: ReportedWays, credentials: Credentials) -> TaskResult:
        """Whether a datagram was taken, only the CPE can tell: it has a session then."""
        began = self._clock()
        try:
            send_by_udp(reported.udp_address, credentials)
        except LimitError:
            raise
        except TransportError as error:
            return TaskResult(TaskOutcome.OFFLINE, error.reason, error.quoted)
        while self._clock() < began + TIMEOUT:
            if cpe.index in cpe.context.accepted.pending or cpe.in_session or cpe.ended_at >= began:
                return TaskResult(TaskOutcome.DONE)
            gevent.sleep(_LOOK_SECONDS)
        return TaskResult(TaskOutcome.OFFLINE, UNANSWERED)

    def _by_xmpp(self, _: CPE, reported: ReportedWays, credentials: Credentials) -> TaskResult:
        assert self._xmpp is not None  # without it no CPE has a JID
        return _result_of(self._xmpp.send(reported.jid, credentials))

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
    return _result_of(send_as_genieacs(url, credentials))


def _result_of(phrase: str | None) -> TaskResult:
    """What became of a Connection Request by the words of GenieACS; None: it was accepted."""
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
