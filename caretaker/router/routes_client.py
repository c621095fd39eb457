"""The router's side of the routes: asks the master for them, again and again."""

from __future__ import annotations

import logging
from collections.abc import Callable

import gevent

from caretaker.errors import AnswerError, InputError, TransportError
from caretaker.http.client import ClientPolicy, HTTPClient
from caretaker.http.connection import Connection
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.request_head import request_head
from caretaker.http.response_parser import Response
from caretaker.router.routes import Routes
from caretaker.router.routes_app import ROUTES_PATH

_log = logging.getLogger(__name__)

MAX_ROUTES_BYTES = 16 * 1024 * 1024
"""Of the routes of a fleet: each range of indices takes about 20."""
WAIT_SECONDS = 10
"""How long the master may keep a request waiting for a change."""
ANSWER_SECONDS = 15.0
RETRY_SECONDS = 1.0
"""Pause after a request that has failed."""
_BYTES_PER_SECOND = 2e6
"""Of routes that change all the time, so that publishing them is little work for the master."""


class RoutesClient(HTTPClient):
    """
    Asks a master for its routes.

    Args:
        url: of the master's routes, like http://127.0.0.1:7600.
        token: that the master asks for; empty without.

    Raises:
        InputError: the URL is none.
    """

    def __init__(self, url: str, token: str = "") -> None:
        address = Address.of(url)._replace(target=ROUTES_PATH)
        super().__init__(Endpoint(address, ANSWER_SECONDS), address, None, ClientPolicy())
        self._token = token
        self._tag = ""
        self._failing = ""
        self._has_routes = False

    def _request(self, connection: Connection, body: bytes) -> Response:
        headers = [("Prefer", f"wait={WAIT_SECONDS}")]
        if self._tag:
            headers.append(("If-None-Match", self._tag))
        if self._token:
            headers.append(("Authorization", f"Bearer {self._token}"))
        head = request_head("GET", self._address, headers, None)
        return connection.request(head, body, MAX_ROUTES_BYTES)

    def follow(self, take: Callable[[Routes], None]) -> None:
        """Hand on the routes whenever they are others; does not return."""
        while True:
            try:
                size = self._poll(take)
            except (TransportError, InputError) as error:
                self.close()
                self._complain(str(error))
                size = 0
            gevent.sleep(RETRY_SECONDS if self._failing else size / _BYTES_PER_SECOND)

    def _poll(self, take: Callable[[Routes], None]) -> int:
        response = self.exchange()
        if response.status not in (200, 304):
            raise AnswerError(f"HTTP {response.status}")
        if response.status == 200:
            take(Routes.from_json(response.body))
            self._has_routes = True
            self._tag = (response.values("etag") or [""])[0]
        if self._failing:
            _log.warning("The master at %s is back", self._address.host_header)
        self._failing = ""
        return len(response.body)

    def _complain(self, reason: str) -> None:
        if reason != self._failing:
            _log.warning(
                "No routes from the master at %s (%s); %s",
                *(self._address.host_header, reason),
                "the last ones stay" if self._has_routes else "all are answered 503",
            )
        self._failing = reason
