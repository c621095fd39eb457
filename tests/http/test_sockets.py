"""The connections of sessions that are broken off."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import gevent
import gevent.socket
import pytest
import trustme
from gevent.event import AsyncResult, Event
from helpers.certificates import server_context, trusting
from helpers.stream_servers import stream_server

from caretaker.http.connection import Connection
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.request_head import request_head
from caretaker.http.tls_settings import TLSSettings

pytestmark = [pytest.mark.sockets, pytest.mark.usefixtures("tls_way")]


class Silent:
    """A server that takes requests and answers none of them."""

    def __init__(self, context: Any) -> None:
        self.has_come = Event()
        secure = {"ssl_context": context} if context is not None else {}
        self._server = stream_server(self._take, **secure)
        self._server.start()
        self.port = int(self._server.server_port or 0)

    def _take(self, sock: Any, _: Any) -> None:
        while sock.recv(10_000):
            self.has_come.set()

    def stop(self) -> None:
        self._server.stop(0)


class Wire:
    """What lies between a client and a server; it sees how the client ends the connection."""

    def __init__(self, port: int) -> None:
        self.end: AsyncResult[object] = AsyncResult()
        self._to = port
        self._server = stream_server(self._join)
        self._server.start()
        self.port = int(self._server.server_port or 0)

    def _join(self, client: Any, _: Any) -> None:
        with gevent.socket.create_connection(("127.0.0.1", self._to)) as server:
            back = gevent.spawn(self._pass_on, server, client)
            self.end.set(self._pass_on(client, server))
            back.kill()

    def _pass_on(self, source: Any, target: Any) -> object:
        try:
            while piece := source.recv(10_000):
                target.sendall(piece)
        except OSError as error:
            return type(error)
        return b""

    def stop(self) -> None:
        self._server.stop(1)


@pytest.fixture(params=["http", "https"])
def scheme(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def contexts(scheme: str) -> tuple[Any, Any]:
    """TLS of a server and of its client, if they have any."""
    if scheme == "http":
        return None, TLSSettings()
    ca = trustme.CA()
    return server_context(ca), trusting(ca)


@pytest.fixture
def server(contexts: tuple[Any, Any]) -> Iterator[Silent]:
    made = Silent(contexts[0])
    yield made
    made.stop()


def test_of_one_that_is_killed_nothing_more_is_sent(
    scheme: str, contexts: tuple[Any, Any], server: Silent
) -> None:
    """Else what has not arrived might come while the CPE is in another session."""
    wire = Wire(server.port)
    url = f"{scheme}://127.0.0.1:{wire.port}/"
    endpoint = Endpoint(Address.of(url), 30.0, tls=contexts[1])

    def send() -> None:
        connection = Connection(endpoint, endpoint.address)
        try:
            connection.request(request_head("POST", endpoint.address, [], None), b"")
        finally:
            connection.close()

    sending = gevent.spawn(send)
    server.has_come.wait()
    sending.kill()
    assert wire.end.get() is ConnectionResetError
    wire.stop()
