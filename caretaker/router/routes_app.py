"""The master's side of a router: publishes the routes, and says when they have changed."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from hashlib import blake2b
from hmac import compare_digest
from typing import TYPE_CHECKING

from gevent.event import Event

from caretaker.http.request_parser import ServerLimits
from caretaker.router.routes import Routes

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

ROUTES_PATH = "/cr-routes"
LONGEST_WAIT = 60.0
"""Seconds that a request may ask to be kept waiting."""
ROUTES_LIMITS = ServerLimits(
    connections=100, head_bytes=8 * 1024, headers=50, body_bytes=4 * 1024, pipelined=8,
    held_bytes=1024 * 1024,
)  # fmt: skip
"""Of the server of routes, which only routers ask."""
_WAIT = re.compile(r"\bwait=([0-9]{1,5})\b")


class RoutesApp:
    """
    The WSGI application that publishes routes: GET with a long poll.

    The response has an ETag. A request that has it in If-None-Match, with ``Prefer: wait=SECONDS``
    (RFC 7240), is answered as soon as the routes are others, or with 304 after that time.

    Args:
        routes: makes those of now.
        token: that a request must have, as ``Authorization: Bearer``; empty where all may ask.
    """

    def __init__(self, routes: Callable[[], Routes], token: str = "") -> None:
        self._routes = routes
        self._token = token
        self._changed = Event()

    def changed(self) -> None:
        """Look whether the routes are others now, and answer those that wait for it."""
        self._changed.set()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        if environ["PATH_INFO"] != ROUTES_PATH:
            return _respond(start_response, "404 Not Found")
        if environ["REQUEST_METHOD"] != "GET":
            return _respond(start_response, "405 Method Not Allowed", [("Allow", "GET")])
        if not self._is_known(environ.get("HTTP_AUTHORIZATION", "")):
            return _respond(start_response, "401 Unauthorized", [("WWW-Authenticate", "Bearer")])
        body, tag = self._await_others(environ)
        if not body:
            return _respond(start_response, "304 Not Modified", [("ETag", tag)])
        headers = [("ETag", tag), ("Content-Type", "application/json")]
        return _respond(start_response, "200 OK", headers, body)

    def _is_known(self, authorization: str) -> bool:
        expected = f"Bearer {self._token}" if self._token else authorization
        return compare_digest(authorization.encode(), expected.encode())

    def _await_others(self, environ: WSGIEnvironment) -> tuple[bytes, str]:
        """The routes and their tag, empty if they are still those that the request knows."""
        known, wait = environ.get("HTTP_IF_NONE_MATCH", ""), _WAIT.search(
            environ.get("HTTP_PREFER", "")
        )  # fmt: skip
        deadline = time.monotonic() + min(int(wait[1]) if wait else 0, LONGEST_WAIT)
        while True:
            body = self._routes().to_json()
            tag = f'"{blake2b(body, digest_size=12).hexdigest()}"'
            left = deadline - time.monotonic()
            if tag != known or left <= 0:
                return (body if tag != known else b""), tag
            self._changed.clear()
            self._changed.wait(left)


def _respond(
    start_response: StartResponse,
    status: str,
    headers: Iterable[tuple[str, str]] = (),
    body: bytes = b"",
) -> Iterable[bytes]:
    start_response(status, list(headers))
    return [body]
