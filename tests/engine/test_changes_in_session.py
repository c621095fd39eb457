"""A CPE that changes while its session runs: what it says is as with a greenlet, or later."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import gevent
import pytest
from helpers import compiled_engine
from helpers.engine_benches import (
    ASKED,
    COOKIE,
    DIGEST,
    EMPTY,
    GOOD,
    SESSIONS,
    EngineBench,
    Story,
    said,
    told,
)
from helpers.wire import Wire, wire

from caretaker import Fleet
from caretaker.cwmp import messages as m
from caretaker.device.cpe import CPE

MS = "Device.ManagementServer."
AGAIN = said(m.Fault.of(8005))
SECOND = said(m.InformResponse(), "2")
ANSWERS: dict[str, tuple[Any, ...]] = {
    "plain": (GOOD, EMPTY),
    "once more": (AGAIN, SECOND, ASKED, EMPTY),
    "a request": (GOOD, ASKED, EMPTY),
    "a cookie": (said(m.InformResponse(), "1", COOKIE), EMPTY),
    "another InformResponse": (said(m.InformResponse(3)), EMPTY),
    "Digest": (DIGEST, GOOD, EMPTY),
    "chunks": SESSIONS["chunks"],
    "a redirect": SESSIONS["a redirect"],
}


def _sets(name: str, value: str) -> Callable[[CPE, float], object]:
    return lambda box, now: box.set_values([(f"{MS}{name}", value)], now)


CHANGES: dict[str, Callable[[CPE, float], object]] = {
    "URL": _sets("URL", "http://127.0.0.1:9/elsewhere"),
    "URL that is not allowed": _sets("URL", "http://elsewhere.example/"),
    "coding": _sets("HTTPCompression", "GZIP"),
    "credentials": _sets("Username", "somebody"),
    "NAT binding": _sets("UDPConnectionRequestAddress", "192.0.2.1:7"),
    "value": lambda box, now: box.change("Device.DeviceInfo.ProvisioningCode", "new", now),
    "identity": lambda box, now: box.change("Device.DeviceInfo.SerialNumber", "ANOTHER", now),
    "new ACS": lambda box, now: box.bootstrap_again("new ACS", now),
    "Connection Request": lambda box, now: box.connection_request(now),
    "own request": lambda box, now: box.ask(m.Kicked("", "", "", ""), now),
}
"""What may happen to a CPE at any time, from outside of its session."""


def changing(answer: Any, bench: EngineBench, change: Callable[[CPE, float], object]) -> Any:
    """An answer before which the CPE changes, by the way that ``Fleet.call`` takes."""

    def reply(_: object) -> Any:
        bench.shard.scheduler.catch_up(0)
        change(bench.box, time.monotonic())
        return answer

    return reply


def changed(
    server: Wire, change: str, answers: tuple[Any, ...], at: int, *, with_engine: bool
) -> Story:
    """What comes of a session in which a CPE changes at an answer; before the first one if -1."""
    server.requests.clear()
    server.received.clear()
    server.connections, server.answers = 0, [GOOD, EMPTY]
    bench = EngineBench(server.url, with_engine=with_engine)
    bench.boot()
    script = [*answers]
    if at >= 0:
        script[at] = changing(script[at], bench, CHANGES[change])
    server.answers = [*script, *[lambda request: GOOD if request[3] else EMPTY] * 20]
    bench.box.raise_event(m.EventStruct("2 PERIODIC"), time.monotonic())
    bench.shard.reschedule(bench.box)
    if at < 0:  # it has begun, and nobody has had a turn of the loop since
        CHANGES[change](bench.box, time.monotonic())
    for _ in range(3):
        gevent.sleep(0)
    bench.settle()
    result = told(bench, server)
    result["hosts"] = [request[2]["host"] for request in server.requests]
    bench.shard.stop()
    return result


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("answers", ANSWERS)
def test_a_change_in_a_session_shows_as_with_a_greenlet(change: str, answers: str) -> None:
    with wire() as server:
        for at in range(-1, len(ANSWERS[answers])):
            carried, by_greenlet = (
                changed(server, change, ANSWERS[answers], at, with_engine=with_engine)
                for with_engine in (True, False)
            )
            assert carried == by_greenlet, at


def wait_for_sessions(fleet: Fleet, count: int) -> None:
    """Wait until so many sessions of the fleet, whose loop is another, have succeeded."""
    with gevent.Timeout(60):
        while fleet.stats()["sessions_succeeded"] < count:
            gevent.sleep(0.01)


@pytest.mark.parametrize("with_engine", [True, False])
def test_a_program_changes_a_cpe_whose_inform_was_accepted(
    monkeypatch: pytest.MonkeyPatch, *, with_engine: bool
) -> None:
    """The engine has read the answer that delivers the event, and told nobody yet."""
    engine = compiled_engine.required() if with_engine else None
    monkeypatch.setattr("caretaker.fleet.engine_module", lambda: engine)

    def identify(_: object) -> bytes:
        fleet.update_param(serial, "Device.DeviceInfo.SerialNumber", "ANOTHER")
        return EMPTY

    with wire(*(GOOD, EMPTY) * 2, GOOD, identify, GOOD, EMPTY) as server:
        with Fleet(server.url, 1) as fleet:
            (serial,) = fleet.list_devices()
            wait_for_sessions(fleet, 1)
            for count in (2, 4):
                fleet.trigger_inform(serial, "2 PERIODIC")
                wait_for_sessions(fleet, count)
        assert fleet._context.books.delivered["2 PERIODIC"] == 2


@pytest.mark.parametrize("begins", [True, False])
def test_an_outage_counts_when_it_is_the_turn_of_a_session(*, begins: bool) -> None:
    """A session that has begun connects in a later turn of the loop, as with a greenlet."""
    is_on = not begins
    with wire(*(GOOD, EMPTY) * 2) as server:
        bench = EngineBench(server.url, exceptions=[("outage", lambda *_: is_on)])
        bench.boot()
        before = bench.counted("by_greenlet")
        bench.box.raise_event(m.EventStruct("2 PERIODIC"), time.monotonic())
        bench.shard.reschedule(bench.box)
        is_on = begins
        bench.settle()
        assert before == ({} if begins else {"outage": 1})
        assert bench.counted("by_greenlet") == {"outage": 1}
        assert bench.carried == 1
        bench.shard.stop()
