"""The connections of a router to one worker, which are kept open."""

from __future__ import annotations

from caretaker.errors import ConnectionLost
from caretaker.http.connection import Connection
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.response_parser import Response
from caretaker.http.tls_settings import SYSTEM_TRUST, TLSSettings

ANSWER_SECONDS = 1.5
"""For connecting to a worker, and for its response; below the 2 s that GenieACS waits for ours."""
MAX_IDLE_CONNECTIONS = 64
"""Kept open to each worker; the others are closed after their response."""
MAX_RESPONSE_BYTES = 4 * 1024
"""Of the body of a worker's response, which has none."""


class WorkerConnections:
    """
    Sends requests to one worker, each over a connection that carries no other at that time.

    Args:
        url: of the worker's Connection Request server.
        tls: for an https URL.
    """

    def __init__(self, url: str, tls: TLSSettings = SYSTEM_TRUST) -> None:
        self._endpoint = Endpoint(Address.of(url), ANSWER_SECONDS, tls=tls)
        self._idle: list[Connection] = []
        self._closed = False

    def exchange(self, request: bytes) -> Response:
        """
        Send a request without a body, and return the response to it.

        Raises:
            TransportError: there is none.
        """
        while self._idle:
            connection = self._idle.pop()
            try:
                return self._exchange(connection, request)
            except ConnectionLost:
                # Closed by the worker while it was idle: nobody has seen the request yet.
                if not connection.silent:
                    raise
        return self._exchange(Connection(self._endpoint, self._endpoint.address), request)

    def _exchange(self, connection: Connection, request: bytes) -> Response:
        keep = False
        try:
            response = connection.request(request, b"", MAX_RESPONSE_BYTES)
            keep = response.keep_alive
        finally:
            if keep and not self._closed and len(self._idle) < MAX_IDLE_CONNECTIONS:
                self._idle.append(connection)
            else:
                connection.close()
        return response

    def close(self) -> None:
        """Close the connections; requests under way still have their responses."""
        self._closed = True
        while self._idle:
            self._idle.pop().close()
