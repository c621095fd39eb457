"""A greenlet goes on over a connection of the I/O engine as it would over its own."""

from __future__ import annotations

import socket
import time
from typing import Any

import pytest
from helpers.engine_benches import SESSIONS, EngineBench
from helpers.wire import answer, wire

from caretaker.engine.active_session import ActiveSession
from caretaker.engine.carried_transports import CarriedTransports
from caretaker.errors import ConnectError
from caretaker.http.connection import Handover
from caretaker.http.io_engine import SENDING, Detached


@pytest.mark.parametrize("name", ["Digest, and chunks", "chunks of a request"])
def test_an_answer_has_its_time_from_the_last_post_on(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    """An exchange with a challenge has two, and the challenge may come as late as an answer."""
    first, *others = SESSIONS[name]
    answered, handed_over = list[float](), list[float | None]()

    def say_first(_: object) -> Any:
        answered.append(time.monotonic())
        return first

    class Watched(Handover):
        def __init__(self, descriptor: int, **given: Any) -> None:
            handed_over.append(given["sent_at"])
            super().__init__(descriptor, **given)

    monkeypatch.setattr("caretaker.engine.carried_transports.Handover", Watched)
    with wire(*SESSIONS["plain"], say_first, *others) as server:
        bench = EngineBench(server.url)
        bench.boot()
        bench.inform()
        bench.shard.stop()
    (sent_at,) = handed_over
    assert sent_at is not None
    assert answered[0] < sent_at < time.monotonic()


def test_what_is_left_of_a_request_is_sent_before_its_answer_is_read() -> None:
    with wire(*SESSIONS["plain"], answer("200 OK", b"heard")) as server:
        bench = EngineBench(server.url)
        bench.boot()
        active = ActiveSession(bench.box, 0.0, 0.0)
        active.token = 1
        transports = CarriedTransports(bench.endpoint)
        request = transports.of(active).message(b"<Inform/>")
        with socket.create_connection(("127.0.0.1", server.server.server_port)) as begun:
            begun.sendall(request[:-4])
            begun.setblocking(False)
            now = time.monotonic()
            detached: Detached = (
                2, 1, now, 0.0, None, 0.0, now, SENDING, begun.detach(), request[-4:], b"", None
            )  # fmt: skip
        transports.take_over(active, detached, b"")
        assert transports.of(active).post(b"not sent").body == b"heard"
        assert server.requests[-1][3] == b"<Inform/>"
        transports.of(active).close()
        bench.shard.stop()


def test_a_session_that_failed_at_the_first_address_tries_the_others_alone() -> None:
    with wire(answer("200 OK", b"heard")) as server, wire() as failed:
        bench = EngineBench(server.url)
        bench.shard.power_on(0)
        addresses = bench.endpoint.addresses(bench.endpoint.address)
        addresses.insert(0, (2, ("127.0.0.1", failed.server.server_port)))
        active = ActiveSession(bench.box, 0.0, 0.0)
        active.token = 1
        transports = CarriedTransports(bench.endpoint)
        transports.begin_at(active, bench.endpoint.targets(bench.endpoint.address, ""))
        error, deadline = ConnectError("connection timed out"), time.monotonic() + 60
        assert transports.try_others(active, error, deadline)
        assert transports.of(active).post(b"<Inform/>").body == b"heard"
        assert failed.connections == 0
        assert addresses[-1] == (2, ("127.0.0.1", failed.server.server_port))  # tried last now
        transports.of(active).close()
        bench.shard.stop()


def test_without_other_addresses_none_is_tried() -> None:
    with wire() as server:
        bench = EngineBench(server.url)
        bench.shard.power_on(0)
        active = ActiveSession(bench.box, 0.0, 0.0)
        active.token = 1
        transports = CarriedTransports(bench.endpoint)
        transports.begin_at(active, bench.endpoint.targets(bench.endpoint.address, ""))
        assert not transports.try_others(active, ConnectError("connection refused"), 0.0)
        assert active.token not in transports
        bench.shard.stop()
