"""The XMPP server for tests ends with all that it has accepted."""

from __future__ import annotations

import gc
import socket

import pytest

from caretaker.testing.xmpp_server import ServerSettings, XMPPServer

pytestmark = pytest.mark.sockets


def test_a_server_that_ends_leaves_nothing_of_the_connections_it_has_just_accepted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    for clients in (1, 2, 3, 4) * 10:  # which turn of the loop accepts them is chance
        with XMPPServer(ServerSettings(lambda _: None)).running() as server:
            made = [socket.create_connection(("127.0.0.1", server.port)) for _ in range(clients)]
        for client in made:
            client.close()
    gc.collect()  # what is left over warns then, and a warning fails the test
    assert not caplog.records
