"""The router of a run: its process, and the routes that the master publishes to it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator

import gevent

from caretaker.errors import InputError
from caretaker.http.gevent_loop import Loop
from caretaker.http.host_names import HostPort
from caretaker.http.ip_addresses import is_loopback
from caretaker.http.server import WSGIHost
from caretaker.router.routes import Routes, WorkerRoute
from caretaker.router.routes_app import ROUTES_LIMITS, RoutesApp
from caretaker.run_token import FLAG, VARIABLE, RunToken
from caretaker.swarm.index_ledger import IndexLedger
from caretaker.swarm.options import Settings
from caretaker.swarm.server_process import ServerProcess

_log = logging.getLogger(__name__)

RESTART_SECONDS = 1.0
"""Pause before a router that has ended is started again."""


class CRRouter:
    """
    Publishes the routes of a run, and runs the router where it is not on a machine of its own.

    Args:
        settings: with ``cr_router``; ``cr_routes`` is where a router of its own machine asks.
        ledger: says who holds which indices.
        wanted_users: how many the run should have by now.
        token: of the run.

    Raises:
        InputError: an address can't be bound, or ``cr_routes`` is open and no token was given.
    """

    def __init__(
        self,
        settings: Settings,
        ledger: IndexLedger,
        wanted_users: Callable[[], int],
        token: RunToken,
    ) -> None:
        assert settings.cr_router is not None
        self._ledger = ledger
        self._tls = list(_tls_arguments(settings))
        self._wanted_users = wanted_users
        self.ended = 0
        """How often the router's process has ended in this run."""
        self.begin(settings)
        self._urls: dict[str, str] = {}
        self._process: ServerProcess | None = None
        self._keeper: gevent.Greenlet[..., None] | None = None
        self.address: HostPort = settings.cr_router
        """Of the router, with the port that it has bound."""
        if settings.cr_routes is None:
            self._start(settings.ip_version.loopback, token)
        else:
            self._publish(settings.cr_routes, _bearer(token, settings.cr_routes))

    def _start(self, loopback: str, token: RunToken) -> None:
        routes = self._publish(HostPort(loopback, 0), token.bearer)
        self._process = self._run(routes, token)
        port = int(self._process.addresses["url"].rpartition(":")[2])
        self.address = self.address._replace(port=port)
        self._keeper = gevent.spawn(self._keep_running, routes, token)

    def _run(self, routes: str, token: RunToken) -> ServerProcess:
        where = ["--host", self.address.host, "--port", str(self.address.port), *self._tls]
        given = {VARIABLE: token.text}
        return ServerProcess("--cr-router", "router", "--routes", routes, *where, environment=given)

    def _keep_running(self, routes: str, token: RunToken) -> None:
        """Start the router again when it ends, at its address: the ACS knows no other."""
        while self._process is not None:
            code = self._process.wait()
            self.ended += 1
            _log.error("The router has ended with exit code %s; it is started again", code)
            gevent.sleep(RESTART_SECONDS)
            try:
                self._process = self._run(routes, token)
            except InputError as error:
                _log.error("The router can't start: %s", error)

    def _publish(self, at: HostPort, bearer: str) -> str:
        self._app = RoutesApp(self.routes, bearer)
        self._loop = Loop()
        self._loop.start()
        self._server = WSGIHost(self._app, at.host, at.port, self._loop, limits=ROUTES_LIMITS)
        try:
            self._server.start()
        except BaseException:
            self._loop.stop()
            raise
        return self._server.url

    def begin(self, settings: Settings) -> None:
        """Begin a run, with a fleet of its own."""
        self._prefix, self._cpes_per_user = settings.serial_prefix, settings.cpes_per_user
        self._size = self.ended = 0

    def serves(self, worker: str, url: str) -> None:
        """A worker has said where its Connection Request server is."""
        self._urls[worker] = url
        self.changed()

    def changed(self) -> None:
        """The ledger has, or may have."""
        self._app.changed()

    def routes(self) -> Routes:
        """As they are now: a worker whose lease is over has none."""
        held = {worker: tuple(self._ledger.held(worker)) for worker in self._ledger.holders}
        stops = [ranges[-1][1] for ranges in held.values() if ranges]
        self._size = max(self._size, self._wanted_users() * self._cpes_per_user, *stops)
        workers = [
            WorkerRoute(url, held[worker]) for worker, url in self._urls.items() if worker in held
        ]
        return Routes(self._prefix, self._size, tuple(workers))

    def stop(self) -> None:
        """End the router, and publish no more."""
        if self._keeper is not None:
            self._keeper.kill()
        if self._process is not None:
            self._process.stop()
        self._server.stop()
        self._loop.stop()


def _tls_arguments(settings: Settings) -> Iterator[str]:
    """The router speaks TLS as the workers do: both are at the other end of the same URLs."""
    given = ("tls-cert", settings.cr_tls_cert), ("tls-key", settings.cr_tls_key)
    for name, value in (*given, ("tls-ca", settings.cr_tls_ca)):
        if value is not None:
            yield f"--{name}={value}"


def _bearer(token: RunToken, at: HostPort) -> str:
    """What a router of its own shows; nothing on this machine, where nobody was given a token."""
    if not token.is_made:
        return token.bearer
    if not is_loopback(at.host):
        cure = f"give one in {VARIABLE} or with {FLAG}, here and to the router"
        raise InputError(f"--cr-routes {at}: open to other machines without a run token; {cure}")
    return ""
