"""A server that speaks TLS, or something else."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from gevent.event import Event

from helpers.stream_servers import stream_server
from helpers.wire import answer


@contextmanager
def serving(
    handle: Callable[[Any, Any], None],
    context: Any = None,
    refused: Event | None = None,
    port: int = 0,
) -> Iterator[int]:
    """A server on a port; errors of its handshakes are not reported, but set ``refused``."""
    secure = {"ssl_context": context} if context is not None else {}
    server = stream_server(handle, port=port, **secure)
    if context is not None:
        vars(server)["wrap_socket_and_handle"] = _quietly(server.wrap_socket_and_handle, refused)
    server.start()
    try:
        yield int(server.server_port or 0)
    finally:
        server.stop(0)


def _quietly(wrap: Callable[..., Any], refused: Event | None) -> Callable[..., Any]:
    def quiet(sock: Any, address: Any) -> None:
        try:
            wrap(sock, address)
        except OSError:
            sock.close()
            if refused is not None:
                refused.set()

    return quiet


def answering(sock: Any, _: Any) -> None:
    try:
        sock.recv(10_000)
        sock.sendall(answer())
    except OSError:
        pass
