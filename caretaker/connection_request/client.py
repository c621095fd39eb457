"""Sending a Connection Request as an ACS does (TR-069 3.2.2)."""

from __future__ import annotations

from contextlib import closing

from caretaker.errors import AuthenticationError
from caretaker.http.client import ClientPolicy, HTTPClient
from caretaker.http.connection import Connection, Response
from caretaker.http.credentials import Credentials
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.request_head import request_head

TIMEOUT = 2.0
"""Seconds that GenieACS waits for an answer."""
_POLICY = ClientPolicy(max_challenges=1)


def send_connection_request(
    url: str, credentials: Credentials | None, timeout: float = TIMEOUT
) -> int:
    """
    Send a Connection Request: a GET without credentials, then one with Digest.

    Args:
        url: the CPE's ConnectionRequestURL.
        credentials: its ConnectionRequestUsername and -Password.
        timeout: seconds to wait for each of the two responses.

    Returns:
        The status of the final response: 200 or 204 accepted, 401 wrong credentials, 404 no such
        CPE, 503 refused just now.

    Raises:
        InputError: the URL is not an http URL.
        TransportError: there is no response.
    """
    endpoint = Endpoint(Address.of(url), timeout)
    with closing(_ConnectionRequest(endpoint, endpoint.address, credentials, _POLICY)) as request:
        try:
            return request.exchange().status
        except AuthenticationError:
            return 401


class _ConnectionRequest(HTTPClient):
    """GET at the ConnectionRequestURL."""

    def _request(self, connection: Connection, body: bytes) -> Response:
        head = request_head("GET", self._address, self._authorization("GET"), None)
        return connection.request(head, body)
