"""Sending Connection Requests to what CPEs in the field answer."""

from __future__ import annotations

import pytest
from helpers.wire import CLOSE, HANG, answer, wire

from caretaker.connection_request import send_connection_request
from caretaker.errors import AnswerTimeout, ConnectionLost
from caretaker.http.credentials import Credentials

WHO = Credentials("cpe", "secret")
pytestmark = pytest.mark.sockets


def test_a_cpe_that_asks_for_nothing() -> None:
    with wire(answer()) as server:
        assert send_connection_request(server.url, WHO) == 200


def test_a_cpe_that_says_nothing() -> None:
    with wire(HANG) as server, pytest.raises(AnswerTimeout):
        send_connection_request(server.url, WHO, timeout=0.05)
    with wire(CLOSE) as server, pytest.raises(ConnectionLost):
        send_connection_request(server.url, WHO)
