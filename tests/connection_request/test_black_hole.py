"""An address where nothing answers."""

from __future__ import annotations

import socket

import pytest

from caretaker.connection_request.black_hole import BlackHole
from caretaker.connection_request.server import ConnectionRequestServer
from caretaker.errors import InputError


def test_a_connection_to_it_is_neither_made_nor_refused() -> None:
    hole = BlackHole("127.0.0.1")
    with socket.socket() as client:
        client.settimeout(0.2)
        with pytest.raises(TimeoutError):
            client.connect(("127.0.0.1", hole.port))
    hole.close()


def test_it_gives_its_port_back() -> None:
    hole = BlackHole("127.0.0.1")
    hole.close()
    with socket.socket() as client, pytest.raises(ConnectionRefusedError):
        client.connect(("127.0.0.1", hole.port))


def test_an_address_of_another_machine_is_refused() -> None:
    with pytest.raises(InputError, match=r"192\.0\.2\.1: .*choose another address"):
        BlackHole("192.0.2.1")


def test_a_server_has_one_for_all_cpes() -> None:
    with ConnectionRequestServer() as server:
        one, two = server.unanswered_url("D1"), server.unanswered_url("D2")
        assert one.rpartition("/")[0] == two.rpartition("/")[0] != f"{server.base_url}/cr"
        assert one.endswith("/cr/D1")


def test_a_server_serves_at_another_address_of_the_machine_too() -> None:
    with ConnectionRequestServer() as server:
        url = server.serve_also("127.0.0.2")("D1")
        assert url.startswith("http://127.0.0.2:")
        assert server.serve_also("127.0.0.2")("D1") == url
