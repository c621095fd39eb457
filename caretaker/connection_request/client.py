"""
Sending a Connection Request as an ACS does (TR-069 3.2.2), tolerant of what devices do.

``genieacs_client`` sends one as GenieACS does; ``CLIENTS`` in ``clients`` has both.
"""

from __future__ import annotations

from contextlib import closing

from caretaker.connection_request.phrases import OFFLINE, REFUSED, unexpected
from caretaker.connection_request.steps import Observer, Step, nobody
from caretaker.errors import AuthenticationError, ConnectError, LimitError, TransportError
from caretaker.http.client import ClientPolicy, HTTPClient
from caretaker.http.connection import Connection
from caretaker.http.credentials import Credentials
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.ip_addresses import IPVersion
from caretaker.http.request_head import request_head
from caretaker.http.response_parser import Response
from caretaker.http.tls_settings import SYSTEM_TRUST, TLSSettings

TIMEOUT = 2.0
"""Seconds that GenieACS waits for an answer."""
_POLICY = ClientPolicy(max_challenges=2)
"""The second says ``stale``: behind a router the CPE may be another worker's by then."""


def send_connection_request(
    url: str,
    credentials: Credentials | None,
    timeout: float = TIMEOUT,
    observer: Observer = nobody,
    tls: TLSSettings = SYSTEM_TRUST,
    *,
    version: IPVersion = IPVersion.ANY,
) -> int:
    """
    Send a Connection Request: a GET without credentials, then one with Digest.

    Args:
        url: the CPE's ConnectionRequestURL.
        credentials: its ConnectionRequestUsername and -Password.
        timeout: seconds to wait for each of the two responses.
        observer: is told each step.
        tls: for an https URL.
        version: of IP, that the CPE is reached by.

    Returns:
        The status of the final response: 200 or 204 accepted, 401 wrong credentials, 404 no such
        CPE, 503 refused just now.

    Raises:
        InputError: the URL is not an http or https URL.
        TransportError: there is no response.
    """
    endpoint = Endpoint(Address.of(url), timeout, tls=tls, ip_version=version)
    with closing(_ConnectionRequest(endpoint, credentials, observer)) as request:
        try:
            return request.exchange().status
        except AuthenticationError:
            return 401


class _ConnectionRequest(HTTPClient):
    """GET at the ConnectionRequestURL."""

    def __init__(
        self, endpoint: Endpoint, credentials: Credentials | None, observer: Observer
    ) -> None:
        super().__init__(endpoint, endpoint.address, credentials, _POLICY)
        self._observer = observer

    def _send(self, body: bytes) -> Response:
        try:
            return super()._send(body)
        except ConnectError as error:  # there is no connection to send the request over
            self._observer(Step(self._address.url, True, "", error=str(error)))
            raise

    def _request(self, connection: Connection, body: bytes) -> Response:
        authorization = self._authorization("GET")
        head = request_head("GET", self._address, authorization, None)
        shown = authorization[0][1] if authorization else ""
        step = Step(self._address.url, connection.answers == 0, shown)
        try:
            response = connection.request(head, body)
        except TransportError as error:
            self._observer(step._replace(error=str(error)))
            raise
        challenges = tuple(response.values("www-authenticate"))
        self._observer(step._replace(status=response.status, challenges=challenges))
        return response


def send_tolerantly(
    url: str,
    credentials: Credentials | None,
    observer: Observer = nobody,
    tls: TLSSettings = SYSTEM_TRUST,
    version: IPVersion = IPVersion.ANY,
) -> str | None:
    """
    Send a Connection Request, and say in GenieACS's words why it was not accepted; None if it was.

    Raises:
        InputError: the URL is not an http or https URL.
        LimitError: this machine has no sockets left.
    """
    try:
        status = send_connection_request(url, credentials, TIMEOUT, observer, tls, version=version)
    except LimitError:
        raise
    except TransportError:
        return OFFLINE
    if status in (200, 204):
        return None
    return REFUSED if status == 401 else unexpected(status)
