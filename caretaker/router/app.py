"""
Hands a Connection Request on to the worker that holds the CPE, and its response back.

Digest is between the ACS and the worker: the challenge, with its nonce, and the credentials pass
unchanged, and so do the request target and the Host, which the ACS may have put into either.
"""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from caretaker.connection_request.server import DEVICE_PATH
from caretaker.errors import DeviceNotFound, TransportError
from caretaker.http.response_parser import Response
from caretaker.http.tls_settings import SYSTEM_TRUST, TLSSettings
from caretaker.router.routes import Routes, RouteTable
from caretaker.router.worker_connections import WorkerConnections

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

RETRY_AFTER = 5
"""Seconds after which an ACS may ask again for a CPE that moves."""
_TO_WORKER = {
    "HTTP_HOST": "Host",
    "HTTP_AUTHORIZATION": "Authorization",
    "HTTP_USER_AGENT": "User-Agent",
}
_TO_ACS = {"www-authenticate": "WWW-Authenticate", "retry-after": "Retry-After"}
"""
The headers that are handed on.

Not all of them: what hides in others can't become a second request at the worker (RFC 7230 9.5).
"""
_STATUS = {status.value: f"{status.value} {status.phrase}" for status in HTTPStatus}
Headers = list[tuple[str, str]]


class RouterApp:
    """
    The WSGI application of a router: 503 for all of the fleet until it has been given routes.

    Args:
        tls: towards workers that speak TLS.
    """

    def __init__(self, tls: TLSSettings = SYSTEM_TRUST) -> None:
        self._tls = tls
        self._table: RouteTable | None = None
        self._workers: dict[str, WorkerConnections] = {}

    def take(self, routes: Routes) -> None:
        """Use these routes from now on."""
        before, self._workers = self._workers, {}
        for worker in routes.workers:
            kept = before.pop(worker.url, None) or self._workers.get(worker.url)
            self._workers[worker.url] = kept or WorkerConnections(worker.url, self._tls)
        for gone in before.values():
            gone.close()
        self._table = RouteTable(routes)

    def close(self) -> None:
        """Close the connections to all workers."""
        for worker in self._workers.values():
            worker.close()

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one request."""
        path: str = environ["PATH_INFO"]
        if path == "/health":
            status, headers = 200, Headers()
        elif not path.startswith(DEVICE_PATH):
            status, headers = 404, Headers()
        elif environ["REQUEST_METHOD"] != "GET":
            status, headers = 405, [("Allow", "GET")]
        else:
            status, headers = self._route(path[len(DEVICE_PATH) :], environ)
        start_response(_STATUS.get(status, f"{status} Other"), headers)
        return ()

    def _route(self, serial_number: str, environ: WSGIEnvironment) -> tuple[int, Headers]:
        if self._table is None:
            return _retry()
        try:
            worker = self._table.worker_of(serial_number)
        except DeviceNotFound:
            return 404, []
        if worker is None:
            return _retry()
        try:
            response = self._workers[worker].exchange(_request(environ))
        except TransportError:
            return _retry()
        # A worker that has the CPE's index, but not yet the CPE, does not know it.
        return _retry() if response.status == 404 else _answer(response)


def _request(environ: WSGIEnvironment) -> bytes:
    lines = [f"GET {environ['REQUEST_URI']} HTTP/1.1"]
    lines += [f"{name}: {environ[key]}" for key, name in _TO_WORKER.items() if key in environ]
    return "\r\n".join([*lines, "", ""]).encode("latin-1")


def _answer(response: Response) -> tuple[int, Headers]:
    headers = [(_TO_ACS[name], value) for name, value in response.headers if name in _TO_ACS]
    return response.status, headers


def _retry() -> tuple[int, Headers]:
    return 503, [("Retry-After", str(RETRY_AFTER))]
