"""The driver: an open model of an operator's system."""

from __future__ import annotations

import json
from collections import Counter
from random import Random
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.event import Event
from helpers.cpes import context, cpe, profile
from helpers.wire import CLOSE, answer, wire
from locust.event import EventHook
from locust.stats import RequestStats

from caretaker.cwmp.messages import EventStruct
from caretaker.cwmp.outcome import Outcome
from caretaker.device.cpe import CPE
from caretaker.index_set import IndexSet
from caretaker.stats.results import Results
from caretaker.swarm import cr_driver as driving
from caretaker.swarm.cr_driver import CRDriver, DirectOperator, NorthBoundOperator
from caretaker.swarm.locust_stats import LocustStats
from caretaker.testing import Clock


class FakeShard:
    def __init__(self, count: int = 4, *, boot: bool = True) -> None:
        self.cpes = {index: cpe(index=index) for index in range(count)}
        if boot:
            for box in self.cpes.values():
                box.events = ()


class Sender:
    """Notes whom it was asked for, and when."""

    name = "noting"

    known = True

    def __init__(self, clock: Clock, gate: Event | None = None) -> None:
        self.times: list[float] = []
        self.seen: Counter[int] = Counter()
        self._clock = clock
        self._gate = gate

    def reaches(self, _: CPE) -> bool:
        return self.known

    def send(self, box: CPE) -> tuple[str, str | None]:
        self.times.append(self._clock.now)
        self.seen[box.index] += 1
        if self._gate is not None:
            self._gate.wait()
        return "done", None


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(driving, "time", SimpleNamespace(monotonic=made))

    class Gevent:
        spawn: Any = staticmethod(gevent.spawn)
        wait: Any = staticmethod(gevent.wait)
        sleep = staticmethod(made.sleep)

    monkeypatch.setattr(driving, "gevent", Gevent)
    return made


def sink() -> LocustStats:
    return LocustStats(Results(), EventHook(), RequestStats())  # type: ignore[no-untyped-call]


def drive(
    clock: Clock, sender: Any, shard: FakeShard, seconds: float, **settings: Any
) -> LocustStats:
    """Let a driver plan for so many seconds."""
    taking = sink()
    made = CRDriver(
        sender,
        shard,  # type: ignore[arg-type]
        taking,
        held=lambda: IndexSet([(0, len(shard.cpes))]),
        rate=settings.pop("rate", lambda: 10.0),
        arrivals=settings.pop("arrivals", "constant"),
        rng=Random(1),
    )
    end = clock.now + seconds
    while clock.now < end:
        gevent.sleep(0)
    made.stop(1.0, Event())
    return taking


def test_constant_arrivals_come_at_even_times(clock: Clock) -> None:
    sender = Sender(clock)
    taking = drive(clock, sender, FakeShard(), 10.0)
    gaps = [b - a for a, b in zip(sender.times, sender.times[1:], strict=False)]
    assert len(sender.times) == pytest.approx(100, abs=2)
    assert all(gap == pytest.approx(0.1) for gap in gaps)
    assert taking.results.counters["tasks.posted"] == len(sender.times)


def test_poisson_arrivals_have_the_same_rate_and_uneven_gaps(clock: Clock) -> None:
    sender = Sender(clock)
    drive(clock, sender, FakeShard(), 200.0, arrivals="poisson")
    gaps = [b - a for a, b in zip(sender.times, sender.times[1:], strict=False)]
    assert len(sender.times) == pytest.approx(2000, rel=0.1)
    mean = sum(gaps) / len(gaps)
    variance = sum((gap - mean) ** 2 for gap in gaps) / len(gaps)
    assert variance == pytest.approx(mean**2, rel=0.25)  # that of an exponential distribution


def test_every_cpe_is_chosen_alike(clock: Clock) -> None:
    sender = Sender(clock)
    drive(clock, sender, FakeShard(4), 100.0)
    assert set(sender.seen) == {0, 1, 2, 3}
    assert min(sender.seen.values()) > 200


def test_a_slow_acs_does_not_slow_the_arrivals(clock: Clock) -> None:
    gate = Event()
    sender = Sender(clock, gate)
    taking = drive(clock, sender, FakeShard(), 10.0)
    assert len(sender.times) == pytest.approx(100, abs=2)
    count = taking.results.counters
    assert (count["tasks.cut"], count["tasks.done"]) == (len(sender.times), 0)


def test_cpes_the_acs_does_not_know_yet_are_left_alone(clock: Clock) -> None:
    sender = Sender(clock)
    drive(clock, sender, FakeShard(boot=False), 5.0)
    assert sender.times == []


def test_those_that_the_sender_can_not_reach_yet_are_left_alone(clock: Clock) -> None:
    sender = Sender(clock)
    sender.known = False
    drive(clock, sender, FakeShard(), 5.0)
    assert sender.times == []


def test_the_north_bound_api_knows_a_cpe_that_has_informed() -> None:
    box = CPE(0, profile(), context())
    box.resume(10.0)
    sender = NorthBoundOperator("http://127.0.0.1:1")
    assert not sender.reaches(box)
    box.raise_event(EventStruct("2 PERIODIC"), 20.0)
    box.begin_session(20.0)
    box.end_session(Outcome.SUCCEEDED, 21.0)
    assert sender.reaches(box)


def test_a_rate_of_zero_is_no_arrival(clock: Clock) -> None:
    sender = Sender(clock)
    drive(clock, sender, FakeShard(), 5.0, rate=lambda: 0.0)
    assert sender.times == []


@pytest.mark.sockets
class TestNorthBound:
    """The same requests drive GenieACS and the embedded ACS."""

    def send(self, *answers: Any) -> tuple[tuple[str, str | None], Any]:
        outcome: list[tuple[str, str | None]] = []
        with wire(*answers) as server:
            sender = NorthBoundOperator(server.url.removesuffix("/acs") + "/")
            gevent.get_hub().threadpool.apply(lambda: outcome.append(sender.send(cpe(index=1))))
            sender._session.close()
        return outcome[0], server.requests[0]

    def test_the_request(self) -> None:
        _, (_, line, headers, body) = self.send(answer())
        assert line == (
            "POST /devices/CA7E01-HR181-FLEET%252D000002/tasks?timeout=10000&connection_request "
            "HTTP/1.1"
        )
        assert headers["content-type"] == "application/json"
        assert json.loads(body) == {
            "name": "getParameterValues",
            "parameterNames": ["Device.DeviceInfo.UpTime"],
        }

    @pytest.mark.parametrize(
        ("said", "expected"),
        [
            (answer("200 OK"), ("done", None)),
            (answer("202 Device is offline"), ("queued", None)),
            (answer("202 Task queued but not processed"), ("queued", None)),
            (answer("202 Task faulted"), ("failed", "HTTP 202 Task faulted")),
            (answer("404 No such device"), ("failed", "HTTP 404 No such device")),
            (answer("500 Internal"), ("failed", "HTTP 500 Internal")),
            (CLOSE, ("failed", "north-bound API: no connection")),
        ],
    )
    def test_outcomes(self, said: Any, expected: tuple[str, str | None]) -> None:
        assert expected == self.send(said)[0]


def test_the_direct_driver_needs_no_north_bound_api() -> None:
    class Nowhere:
        context = cpe(connection_request_url="http://127.0.0.1:1/cr/{}".format).context

        def credentials(self, _: str) -> None:
            return None

    outcome, reason = DirectOperator(Nowhere()).send(cpe())  # type: ignore[arg-type]
    assert (outcome, reason) == ("failed", "connection refused")
