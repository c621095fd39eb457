"""The router as a server: an address for all Connection Requests of a fleet."""

from __future__ import annotations

from typing import Any, Self

import gevent

from caretaker.connection_request.server import LIMITS
from caretaker.http.server import WSGIServer
from caretaker.http.server_tls import ServerTLS
from caretaker.http.tls_settings import SYSTEM_TRUST, TLSSettings
from caretaker.router.app import RouterApp
from caretaker.router.routes import Routes
from caretaker.router.routes_client import RoutesClient


class RouterServer(WSGIServer):
    """
    Routes Connection Requests to the workers of a fleet; also a context manager.

    Args:
        port: to listen on; 0 for any free one.
        host: the address to bind; loopback by default (decision D10).
        routes: the master's, to be followed; without them ``take`` has to be called.
        tls: towards the ACS; without it the router speaks plain HTTP.
        worker_tls: towards workers that speak TLS.
    """

    def __init__(
        self,
        port: int = 0,
        *,
        host: str = "127.0.0.1",
        routes: RoutesClient | None = None,
        tls: ServerTLS | None = None,
        worker_tls: TLSSettings = SYSTEM_TRUST,
    ) -> None:
        super().__init__()
        self.app = RouterApp(worker_tls)
        self._host = self._host_app(self.app, host, port, LIMITS, tls)
        self._routes = routes
        self._following: Any = None

    @property
    def url(self) -> str:
        """``http://host:port`` or ``https://host:port``; after ``start`` with the bound port."""
        return self._host.url

    def take(self, routes: Routes) -> None:
        """Use these routes from now on."""
        self._loop.call(self.app.take, routes)

    def start(self) -> Self:
        """
        Bind and serve, and return itself.

        Raises:
            InputError: the address can't be bound.
        """
        super().start()
        if self._routes is not None:
            self._following = self._loop.call(gevent.spawn, self._routes.follow, self.app.take)
        return self

    def stop(self) -> None:
        """Stop serving."""
        if self._following is not None:
            self._loop.call(self._following.kill)
        self._loop.call(self.app.close)
        super().stop()
