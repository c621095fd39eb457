"""A port that is reserved is for one run."""

from __future__ import annotations

import socket
import sys

import pytest
from gevent.server import StreamServer
from zmq import REP
from zmq.green import Context

from caretaker.swarm.command_line import is_free
from caretaker.swarm.reserved_port import reserved_port


def test_two_runs_on_one_machine_do_not_meet() -> None:
    with reserved_port() as first, reserved_port() as second:
        assert first != second


def test_no_one_reaches_a_server_that_has_not_started() -> None:
    with reserved_port() as port, pytest.raises(ConnectionRefusedError):
        socket.create_connection(("127.0.0.1", port))


def test_servers_of_locust_bind_it() -> None:
    with reserved_port() as port:
        assert is_free("127.0.0.1", port)
        with Context() as context, context.socket(REP) as master:
            master.bind(f"tcp://127.0.0.1:{port}")
    with reserved_port() as port:
        web_ui = StreamServer(("127.0.0.1", port), print)
        web_ui.start()
        web_ui.stop()


@pytest.mark.skipif(sys.platform != "linux", reason="elsewhere a port is found, and not kept")
def test_who_does_not_share_it_does_not_get_it() -> None:
    with reserved_port() as port, socket.socket() as other:
        with pytest.raises(OSError, match="in use"):
            other.bind(("127.0.0.1", port))
