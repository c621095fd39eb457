"""Sending Connection Requests to what CPEs in the field answer."""

from __future__ import annotations

from functools import partial

import pytest
from helpers.wire import CLOSE, answer, hang_until_late, wire

from caretaker.connection_request import client, send_connection_request
from caretaker.errors import AnswerTimeout, ConnectionLost
from caretaker.http.credentials import Credentials
from caretaker.http.endpoint import Endpoint
from caretaker.testing import Clock

WHO = Credentials("cpe", "secret")
pytestmark = pytest.mark.sockets


def test_a_cpe_that_asks_for_nothing() -> None:
    with wire(answer()) as server:
        assert send_connection_request(server.url, WHO) == 200


def test_a_cpe_that_says_nothing(monkeypatch: pytest.MonkeyPatch) -> None:
    clock = Clock()
    monkeypatch.setattr(client, "Endpoint", partial(Endpoint, clock=clock))
    with wire(hang_until_late(clock)) as server, pytest.raises(AnswerTimeout):
        send_connection_request(server.url, WHO, timeout=0.1)
    with wire(CLOSE) as server, pytest.raises(ConnectionLost):
        send_connection_request(server.url, WHO)
