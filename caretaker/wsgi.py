"""Hosting a WSGI application on gevent: the Connection Request server and the embedded ACS."""

from __future__ import annotations

import errno
import logging
from typing import TYPE_CHECKING, Any

from gevent.pool import Pool
from gevent.pywsgi import WSGIHandler, WSGIServer
from gevent.socket import (
    AF_INET,
    AF_INET6,
    IPPROTO_TCP,
    SO_REUSEADDR,
    SOCK_STREAM,
    SOL_SOCKET,
    TCP_NODELAY,
    socket,
)

from caretaker.errors import InputError

if TYPE_CHECKING:
    from wsgiref.types import WSGIApplication

    from caretaker.loop import Loop

MAX_CONNECTIONS = 10_000
"""Connections that are served at once; further ones wait in the kernel's queue."""
_BACKLOG = 2048
_log = logging.getLogger(__name__)


class _Handler(WSGIHandler):
    """pywsgi's handler, with time limits, the raw request target, and quiet about bad clients."""

    idle_seconds = 60.0

    def __init__(self, sock: Any, address: Any, server: Any) -> None:
        sock.settimeout(self.idle_seconds)
        # pywsgi may send headers and body apart; Nagle would hold the second for 40 ms.
        sock.setsockopt(IPPROTO_TCP, TCP_NODELAY, 1)
        super().__init__(sock, address, server)

    def get_environ(self) -> dict[str, Any]:
        environ: dict[str, Any] = super().get_environ()
        environ["REQUEST_URI"] = self.path
        return environ

    def _handle_client_error(self, ex: Exception) -> Any:
        # gevent's hook for subclasses; a client too slow with its headers is just let go.
        if isinstance(ex, OSError):
            return None
        return super()._handle_client_error(ex)  # type: ignore[misc]

    def log_error(self, msg: str, *args: Any) -> None:
        """What a client got wrong is the client's affair."""
        _log.debug(msg, *args)


class WSGIHost:
    """
    A WSGI application at an address.

    Args:
        app: the application.
        host: the address to bind; loopback unless told (decision D10).
        port: 0 for any free one.
        loop: runs it.
    """

    def __init__(self, app: WSGIApplication, host: str, port: int, loop: Loop) -> None:
        self._app = app
        self._loop = loop
        self._server: WSGIServer | None = None
        self.host = host
        self.port = port

    def start(self) -> None:
        """
        Bind and serve.

        Raises:
            InputError: the address can't be bound.
        """
        self._loop.call(self._start)

    def _start(self) -> None:
        listener = self._listen()
        self._server = WSGIServer(
            listener,
            self._app,
            spawn=Pool(MAX_CONNECTIONS),
            log=None,
            error_log=_log,
            handler_class=_Handler,
            environ={"SERVER_NAME": self.host},  # or it would ask the DNS
        )
        self._server.start()
        self.port = listener.getsockname()[1]

    def _listen(self) -> socket:
        family = AF_INET6 if ":" in self.host else AF_INET
        listener = socket(family, SOCK_STREAM)
        try:
            listener.setsockopt(SOL_SOCKET, SO_REUSEADDR, 1)
            listener.bind((self.host, self.port))
            listener.listen(_BACKLOG)
        except OSError as error:
            listener.close()
            why = "in use" if error.errno == errno.EADDRINUSE else (error.strerror or str(error))
            cure = "choose another address or port"
            raise InputError(f"{self.host}:{self.port}: {why}; {cure}") from error
        return listener

    @property
    def url(self) -> str:
        """``http://host:port``, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"http://{host}:{self.port}"

    def stop(self) -> None:
        """Close the socket and end the requests that are being served."""
        if self._server is not None:
            self._loop.call(self._server.stop, 1)
            self._server = None
