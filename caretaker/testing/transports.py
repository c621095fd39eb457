"""Transports without a network: to a WSGI application, and to a function."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.test import Client

from caretaker.http.credentials import Credentials
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.response_parser import Response
from caretaker.http.transport import Answer, HTTPTransport

ACS_URL = "http://acs.example/"
"""Where an ACS is thought to be that has no address of its own."""


class WSGITransport(HTTPTransport):
    """
    The transport of one session to a WSGI application in this process.

    It follows the rules of a transport over the network: cookies of one session, answered 401s,
    redirects within limits (TR-069 3.4).

    Args:
        app: the application, for instance an ACS written with Flask or Django.
        endpoint: the URL that the application sees, allowed hosts and clock; ``ACS_URL`` if None.
        credentials: for the application's challenges; without them a 401 is a failure.
    """

    def __init__(
        self, app: Any, endpoint: Endpoint | None = None, credentials: Credentials | None = None
    ) -> None:
        super().__init__(endpoint or Endpoint(Address.of(ACS_URL)), credentials)
        self._client = Client(app, use_cookies=False)

    def _send(self, body: bytes) -> Response:
        address = self._address
        self._sent_at = self._sent_at or self._endpoint.clock()
        response = self._client.post(
            address.target,
            base_url=f"{address.scheme}://{address.host_header}/",
            data=body,
            headers=self._headers(body),
        )
        pairs = [(name.lower(), value) for name, value in response.headers]
        answer = Response(response.status_code, pairs, response.data, keep_alive=True)
        self.take_cookies(answer)
        return answer


class FunctionTransport:
    """
    The transport of one session to a function, with no HTTP in between.

    Args:
        answer: takes the body of a POST (empty for the empty POST) and returns the body of the
            answer (empty for 204), or an ``Answer`` with a status of its own. What it raises comes
            out of ``post``, for instance a ``TransportError``.
        clock: what ``sent_at`` is read from, in seconds.
    """

    def __init__(
        self, answer: Callable[[bytes], bytes | Answer], clock: Callable[[], float] = float
    ) -> None:
        self._answer = answer
        self._clock = clock
        self.sent_at: float | None = None
        self.closed = False
        """Whether the session has closed it."""

    def post(self, body: bytes) -> Answer:
        """The function's answer to this body."""
        self.sent_at = self._clock()
        answer = self._answer(body)
        return answer if isinstance(answer, Answer) else Answer(200 if answer else 204, answer)

    def close(self) -> None:
        """Remember that the session is over."""
        self.closed = True
