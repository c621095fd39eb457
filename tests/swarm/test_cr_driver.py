"""The driver: an open model of an operator's system."""

from __future__ import annotations

from collections import Counter
from random import Random
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.event import Event
from helpers.cpes import context, cpe, profile
from locust.event import EventHook
from locust.stats import RequestStats

from caretaker.cwmp.messages import EventStruct
from caretaker.device import events as ev
from caretaker.device.cpe import CPE
from caretaker.device.reachability import Reach, Reachability, ReachMix
from caretaker.index_set import IndexSet
from caretaker.profiles.reach_parameters import with_reach_parameters
from caretaker.scenarios.tasks import Tasks
from caretaker.stats.results import Results
from caretaker.stats.task_outcomes import TaskOutcome, TaskResult
from caretaker.swarm import cr_driver as driving
from caretaker.swarm.cr_driver import CRDriver
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

    def send(self, box: CPE) -> TaskResult:
        self.times.append(self._clock.now)
        self.seen[box.index] += 1
        if self._gate is not None:
            self._gate.wait()
        return TaskResult(TaskOutcome.DONE)


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    made = Clock()
    monkeypatch.setattr(driving, "time", SimpleNamespace(monotonic=made))

    class Gevent:
        spawn: Any = staticmethod(gevent.spawn)
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
    tasks = Tasks(taking, clock=clock)
    made = CRDriver(
        sender,
        shard,  # type: ignore[arg-type]
        tasks,
        taking.results,
        held=lambda: IndexSet([(0, len(shard.cpes))]),
        rate=settings.pop("rate", lambda: 10.0),
        arrivals=settings.pop("arrivals", "constant"),
        rng=Random(1),
    )
    end = clock.now + seconds
    while clock.now < end:
        gevent.sleep(0)
    made.stop()
    tasks.stop(0.0, Event())
    tasks.book(taking.results)
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


def test_a_rate_of_zero_is_no_arrival(clock: Clock) -> None:
    sender = Sender(clock)
    drive(clock, sender, FakeShard(), 5.0, rate=lambda: 0.0)
    assert sender.times == []


@pytest.mark.parametrize("arrivals", ["constant", "poisson"])
def test_a_rate_that_rises_from_nothing_brings_what_it_stands_for(
    clock: Clock, arrivals: str
) -> None:
    sender, begin = Sender(clock), clock.now
    how = {"rate": lambda: (clock.now - begin) / 10, "arrivals": arrivals}
    drive(clock, sender, FakeShard(), 200.0, **how)
    first = sum(at - begin < 100 for at in sender.times)
    assert first == pytest.approx(500, rel=0.15)  # half of 100 s at 10 a second
    assert len(sender.times) == pytest.approx(2000, rel=0.1)


def test_a_cpe_behind_a_server_is_asked_once_it_has_told_its_way(clock: Clock) -> None:
    shard = FakeShard(0)
    reach = Reachability(ReachMix(((Reach.XMPP, 1.0),)))
    box = shard.cpes[0] = CPE(0, with_reach_parameters(profile()), context(reach=reach))
    sender = Sender(clock)
    drive(clock, sender, shard, 5.0)
    assert sender.times == []
    box.set_values([("Device.ManagementServer.ConnReqJabberID", "cpe@lab/cwmp")], 0.0)
    drive(clock, sender, shard, 5.0)
    assert sender.seen[0] > 0
    sender.seen.clear()
    box.raise_event(
        EventStruct(ev.VALUE_CHANGE), 0.0
    )  # it has another, which the ACS does not know
    drive(clock, sender, shard, 5.0)
    assert sender.seen[0] == 0
