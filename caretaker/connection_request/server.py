"""
The Connection Request server: one HTTP listener for all CPEs of a shard (TR-069 3.2.2.2).

``GET /cr/<serial>`` asks the CPE of that serial number to open a session. The order of the checks:
there is such a CPE (else 404), the credentials are its own (401), it accepts the request (503).
The response to an accepted request is sent at once, before the session begins.
"""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from functools import partial
from typing import TYPE_CHECKING, Self
from urllib.parse import quote

from caretaker.connection_request.black_hole import BlackHole
from caretaker.errors import DeviceBusy, DeviceNotFound
from caretaker.http.authentication import DigestVerifier
from caretaker.http.credentials import Credentials
from caretaker.http.gevent_loop import Loop
from caretaker.http.ip_addresses import bracketed
from caretaker.http.request_parser import ServerLimits
from caretaker.http.server import WSGIServer
from caretaker.http.server_tls import ServerTLS
from caretaker.way import Way

if TYPE_CHECKING:
    from wsgiref.types import StartResponse, WSGIEnvironment

    from caretaker.stats.records import VerdictSink

Auth = Credentials | Callable[[str], Credentials | None] | None
"""Expected credentials: the same for all CPEs, a function of the serial number, or none."""

LIMITS = ServerLimits(
    connections=5_000,
    head_bytes=8 * 1024,
    headers=50,
    body_bytes=4 * 1024,
    pipelined=8,
    held_bytes=64 * 1024 * 1024,
)
"""A Connection Request is a GET with a few headers; anybody can reach its port."""

DEVICE_PATH = "/cr/"
"""Where the path of a ConnectionRequestURL begins; the serial number follows."""
_STATUS = {
    200: "200 OK",
    401: "401 Unauthorized",
    404: "404 Not Found",
    405: "405 Method Not Allowed",
    503: "503 Service Unavailable",
}
_VERDICTS = {200: "accepted", 401: "unauthorized", 404: "not_found", 503: "refused"}
Headers = list[tuple[str, str]]


class ConnectionRequestApp:
    """
    The WSGI application that answers Connection Requests.

    Args:
        on_connection_request: takes the serial number of an authenticated request; returning
            accepts, DeviceNotFound is 404, DeviceBusy is 503.
        auth: the expected credentials; a callable may raise DeviceNotFound.
        allow_basic: whether Basic is accepted beside Digest (TR-069 3.2.2 has Digest only).
        sink: counts the verdicts.
        clock: monotonic, in seconds.
    """

    def __init__(
        self,
        on_connection_request: Callable[[str], object],
        auth: Auth = None,
        *,
        allow_basic: bool = False,
        sink: VerdictSink | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._accept = on_connection_request
        self._auth = auth
        self._sink = sink
        self._clock = clock
        self._verifier = DigestVerifier("Connection Request", clock, allow_basic=allow_basic)

    def __call__(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        """Answer one HTTP request."""
        path = _ORIGIN.sub("", environ.get("PATH_INFO", ""))
        if path == "/health":
            return self._health(environ, start_response)
        if not path.startswith(DEVICE_PATH):
            return _respond(start_response, 404)
        if environ["REQUEST_METHOD"] != "GET":
            return _respond(start_response, 405, [("Allow", "GET")])
        started = self._clock()
        status, headers = self._answer(path[len(DEVICE_PATH) :], environ)
        body = _respond(start_response, status, headers)
        if self._sink is not None:
            self._sink.connection_request(_VERDICTS[status], self._clock() - started, Way.HTTP)
        return body

    def _answer(self, serial_number: str, environ: WSGIEnvironment) -> tuple[int, Headers]:
        try:
            credentials = self._auth(serial_number) if callable(self._auth) else self._auth
            if credentials is not None:
                challenges = self._verifier.check(
                    credentials, "GET", _target(environ), environ.get("HTTP_AUTHORIZATION")
                )
                if challenges:
                    return 401, [("WWW-Authenticate", challenge) for challenge in challenges]
            self._accept(serial_number)
        except DeviceNotFound:
            return 404, []
        except DeviceBusy:
            return 503, []
        return 200, []

    def _health(self, environ: WSGIEnvironment, start_response: StartResponse) -> Iterable[bytes]:
        if environ["REQUEST_METHOD"] != "GET":
            return _respond(start_response, 405, [("Allow", "GET")])
        return _respond(start_response, 200, [("Content-Type", "text/plain")], b"OK")


def _respond(
    start_response: StartResponse, status: int, headers: Headers | None = None, body: bytes = b""
) -> Iterable[bytes]:
    start_response(_STATUS[status], [*(headers or []), ("Content-Length", str(len(body)))])
    return [body] if body else []


def _target(environ: WSGIEnvironment) -> str:
    """The request target as received; an absolute URL loses its origin (RFC 7230 5.3.2)."""
    target: str = environ.get("REQUEST_URI") or environ["PATH_INFO"]
    return _ORIGIN.sub("", target)


_ORIGIN = re.compile(r"^https?://[^/?]*", re.IGNORECASE)


def _accept_all(_: str) -> None:
    """Accept a request for any serial number."""


def device_url(prefix: str, serial_number: str) -> str:
    """The ConnectionRequestURL of a CPE, whose prefix ends with ``DEVICE_PATH``."""
    if not (serial_number.isascii() and serial_number.replace("-", "").isalnum()):
        serial_number = quote(serial_number, safe="")
    return f"{prefix}{serial_number}"


class ConnectionRequestServer(WSGIServer):
    """
    The server of Connection Requests at an address; also a context manager.

    Args:
        port: to listen on; 0 for any free one.
        on_connection_request: as for ``ConnectionRequestApp``; by default accepts all requests.
        auth: as for ``ConnectionRequestApp``.
        host: the address to bind; loopback by default (decision D10).
        allow_basic: as for ``ConnectionRequestApp``.
        advertise: the host name or address in ``base_url``, where it is not the bound one
            (containers, NAT).
        sink, clock: as for ``ConnectionRequestApp``.
        loop: to run in; one of its own if None.
        tls: of its connections; without it they speak plain HTTP.
    """

    def __init__(
        self,
        port: int = 0,
        on_connection_request: Callable[[str], object] = _accept_all,
        auth: Auth = None,
        *,
        host: str = "127.0.0.1",
        allow_basic: bool = False,
        advertise: str | None = None,
        sink: VerdictSink | None = None,
        clock: Callable[[], float] = time.monotonic,
        loop: Loop | None = None,
        tls: ServerTLS | None = None,
    ) -> None:
        super().__init__(loop)
        self.app = ConnectionRequestApp(
            on_connection_request, auth, allow_basic=allow_basic, sink=sink, clock=clock
        )
        self._advertise = advertise
        self._tls = tls
        self._host = self._host_app(self.app, host, port, LIMITS, tls)
        self._device_prefix = ""  # until the port is known
        self._black_hole: BlackHole | None = None

    def start(self) -> Self:
        """
        Bind and serve, and return itself.

        Raises:
            InputError: the address can't be bound.
        """
        super().start()
        self._device_prefix = f"{self.base_url}{DEVICE_PATH}"
        return self

    @property
    def port(self) -> int:
        """The port; after ``start`` the bound one, also where 0 was given."""
        return self._host.port

    @property
    def base_url(self) -> str:
        """``http://host:port`` or ``https://host:port``."""
        if self._advertise is None:
            return self._host.url
        return f"{self._host.scheme}://{bracketed(self._advertise)}:{self.port}"

    def device_url(self, serial_number: str) -> str:
        """The ConnectionRequestURL of a CPE."""
        return device_url(self._device_prefix or self.base_url + DEVICE_PATH, serial_number)

    def unanswered_url(self, serial_number: str) -> str:
        """A ConnectionRequestURL on this host at which nothing answers, while this serves."""
        if self._black_hole is None:
            self._black_hole = BlackHole(self._host.host)
        host, _, _ = self.base_url.rpartition(":")
        return device_url(f"{host}:{self._black_hole.port}{DEVICE_PATH}", serial_number)

    def serve_also(self, host: str) -> Callable[[str], str]:
        """
        Serve at another address of this machine, too.

        Returns:
            what makes ConnectionRequestURLs there, of serial numbers.

        Raises:
            InputError: the address can't be bound.
        """
        served = [other for other in self._hosts[1:] if other.host == host]
        if not served:
            served = [self._host_app(self.app, host, 0, LIMITS, self._tls)]
            served[0].start()
        return partial(device_url, f"{served[0].url}{DEVICE_PATH}")

    def stop(self) -> None:
        """Stop serving."""
        super().stop()
        if self._black_hole is not None:
            self._black_hole.close()
