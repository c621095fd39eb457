"""Sending a Connection Request as an ACS does (TR-069 3.2.2)."""

from __future__ import annotations

from caretaker.errors import AuthenticationError, ConnectionLost
from caretaker.http.connection import Connection, Reply
from caretaker.http.credentials import Credentials
from caretaker.http.digest import HTTPAuth
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.request_head import request_head

TIMEOUT = 2.0
"""Seconds that GenieACS waits for an answer."""


def send_connection_request(
    url: str, credentials: Credentials | None, timeout: float = TIMEOUT
) -> int:
    """
    GET without credentials first, then with Digest on the same connection.

    Args:
        url: the CPE's ConnectionRequestURL.
        credentials: its ConnectionRequestUsername and -Password.
        timeout: seconds for each of the two answers.

    Returns:
        The status of the final answer: 200 or 204 accepted, 401 wrong credentials, 404 no such
        CPE, 503 refused just now.

    Raises:
        InputError: the URL is not an http URL.
        TransportError: no answer.
    """
    endpoint = Endpoint(Address.of(url), timeout)
    connection = Connection(endpoint, endpoint.address)
    try:
        reply = _get(connection, endpoint.address, None)
        if reply.status != 401 or credentials is None:
            return reply.status
        auth = HTTPAuth(credentials)
        try:
            auth.challenge(reply.values("www-authenticate"))
        except AuthenticationError:
            return reply.status
        if not reply.keep_alive:
            connection.close()
            connection = Connection(endpoint, endpoint.address)
        return _get_again(connection, endpoint, auth).status
    finally:
        connection.close()


def _get_again(connection: Connection, endpoint: Endpoint, auth: HTTPAuth) -> Reply:
    """With credentials; on a new connection if the CPE has closed the first after all."""
    try:
        return _get(connection, endpoint.address, auth)
    except ConnectionLost:
        if connection.answers == 0 or not connection.silent:
            raise
    fresh = Connection(endpoint, endpoint.address)
    try:
        return _get(fresh, endpoint.address, auth)
    finally:
        fresh.close()


def _get(connection: Connection, address: Address, auth: HTTPAuth | None) -> Reply:
    authorization = auth.authorization("GET", address.target) if auth is not None else None
    headers = [("Authorization", authorization)] if authorization is not None else []
    return connection.request(request_head("GET", address, headers, None), b"")
