"""Sessions begin when they are due, in order, and no more than may run at once."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import pytest
from gevent.event import Event
from helpers.shards import ShardBench, serving_after, settle

from caretaker.device.settings import Behaviors
from caretaker.engine import scheduler
from caretaker.errors import (
    DeviceBusy,
)
from caretaker.stats.results import Results


@pytest.fixture
def bench() -> Iterator[ShardBench]:
    made = ShardBench()
    yield made
    made.shard.stop()


def test_cpes_that_are_taken_up_as_they_run_inform_at_their_period() -> None:
    bench = ShardBench(behaviors=Behaviors(inform_interval=100))
    for index in range(3):
        bench.shard.resume(index)
    bench.shard.start()
    settle()
    assert bench.informed == []
    bench.at(bench.clock.now + 100)
    assert bench.informed == [("2 PERIODIC",)] * 3
    bench.shard.stop()


@pytest.mark.rule("4.2-1")
def test_cpes_inform_when_they_are_powered_on(bench: ShardBench) -> None:
    bench.boot(3)
    assert bench.informed == [("0 BOOTSTRAP", "1 BOOT")] * 3
    assert [record.name for record in bench.sink.exchanges] == ["Inform", "(empty)"] * 3
    assert all(transport.closed for transport in bench.transports)


def test_before_the_start_no_session_begins(bench: ShardBench) -> None:
    bench.shard.power_on(0)
    bench.shard.connection_request("FLEET-000001")
    settle()
    assert bench.informed == []
    bench.shard.start()
    settle()
    assert bench.informed == [("0 BOOTSTRAP", "1 BOOT", "6 CONNECTION REQUEST")]


@pytest.mark.rule("4.1-14", "4.2-3")
def test_sessions_are_planned_by_the_clock() -> None:
    bench = ShardBench(behaviors=Behaviors(inform_interval=10))
    bench.boot()
    due = bench.shard.cpes[0].due
    bench.at(due - 0.001)
    assert len(bench.informed) == 1
    bench.at(due + 3)
    assert bench.informed[1:] == [("2 PERIODIC",)]
    assert bench.sink.sessions[1].planned == due
    assert bench.shard.cpes[0].due == due + 10
    bench.shard.stop()


def test_many_that_are_due_at_once_are_launched_in_several_turns(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    bench = ShardBench(behaviors=Behaviors(inform_interval=100))
    for index in range(3):
        bench.shard.resume(index)
    bench.shard.start()
    monkeypatch.setattr(scheduler, "LONGEST_TURN", -1.0)
    bench.clock.advance(100)
    bench.shard.scheduler.launch_due()
    assert len(bench.shard.scheduler.active) == 1
    while len(bench.informed) < 3:
        settle()
    bench.shard.stop()


def test_due_times_do_not_grow_with_sessions(bench: ShardBench) -> None:
    bench.shard.context.behaviors = Behaviors(inform_interval=1000)
    bench.boot()
    for _ in range(50):
        bench.shard.connection_request("FLEET-000001")
        settle()
    assert len(bench.informed) == 51
    assert len(bench.shard.scheduler._due_times) <= 2


def test_due_times_hardly_grow_when_a_cpe_is_due_ever_earlier(bench: ShardBench) -> None:
    bench.boot()
    scheduler, box = bench.shard.scheduler, bench.shard.cpes[0]
    for seconds in range(100_000, 99_000, -1):
        box.due = bench.clock() + seconds
        scheduler.schedule(box)
    assert len(scheduler._due_times) <= 2 * len(bench.shard.cpes) + 100
    assert scheduler._due_times.next <= box.due < scheduler._due_times.next + 1


def test_more_than_max_sessions_wait_in_order() -> None:
    gate = Event()

    bench = ShardBench(serving_after(gate), max_sessions=2)
    bench.boot(5)
    assert (len(bench.shard.scheduler.active), len(bench.shard.scheduler.waiting)) == (2, 3)
    bench.shard.connection_request("FLEET-000005")
    bench.clock.now += 7
    gate.set()
    settle()
    assert len(bench.informed) == 5
    assert bench.informed[4][-1] == "6 CONNECTION REQUEST"
    assert bench.sink.histogram("generator.place_wait").longest == 7
    assert bench.sink.histogram("generator.lateness").longest == 0
    bench.shard.stop()


def test_cpes_that_wait_for_a_place_stay_rows() -> None:
    gate = Event()
    behaviors = Behaviors(inform_interval=100)
    bench = ShardBench(serving_after(gate), max_sessions=2, behaviors=behaviors)
    bench.shard.switch_on(range(10), is_running=True)
    bench.shard.start()
    bench.at(bench.clock.now + 100)
    assert len(bench.shard.scheduler.waiting) == 8
    assert len(bench.shard.cpes.objects) == 3  # those with places, and the first, who shaped all
    gate.set()
    settle()
    assert bench.informed == [("2 PERIODIC",)] * 10
    bench.shard.stop()


def test_cpes_that_wait_for_a_place_stay_due_when_no_more_sessions_begin() -> None:
    bench = ShardBench(serving_after(Event()), max_sessions=1)
    bench.boot(3)
    bench.shard.scheduler.stop()
    assert bench.shard.scheduler.not_begun == 2
    assert bench.shard.scheduler._due_times.next <= bench.clock.now
    bench.shard.stop()


def test_a_cpe_that_is_due_again_at_the_end_of_its_session_waits_behind_those_that_wait() -> None:
    gate = Event()
    bench = ShardBench(serving_after(gate), max_sessions=1)
    bench.boot(3)
    bench.shard.connection_request("FLEET-000001")
    gate.set()
    settle()
    assert [events[-1] for events in bench.informed] == [
        "1 BOOT", "1 BOOT", "1 BOOT", "6 CONNECTION REQUEST",
    ]  # fmt: skip
    bench.shard.stop()


def test_an_acs_that_keeps_a_cpe_in_session_makes_nobody_late() -> None:
    gate = Event()
    bench = ShardBench(serving_after(gate), behaviors=Behaviors(inform_interval=10))
    bench.boot()
    bench.clock.now += 33
    gate.set()
    settle()
    late = bench.sink.sessions[1]
    assert (late.started, late.lateness, late.place_wait) == (133, 0, 0)
    assert late.planned <= 120
    bench.shard.stop()


def test_a_session_that_begins_after_its_due_time_for_no_reason_is_late() -> None:
    bench = ShardBench(behaviors=Behaviors(inform_interval=10))
    bench.boot()
    bench.at(bench.shard.cpes[0].due + 3)
    assert bench.sink.sessions[1].lateness == pytest.approx(3)
    bench.shard.stop()


def test_a_session_that_waits_for_its_turn_of_the_loop_is_late() -> None:
    bench = ShardBench()
    bench.shard.power_on(0)
    bench.shard.start()
    bench.clock.now += 2
    settle()
    (record,) = bench.sink.sessions
    assert (record.started, record.lateness, record.seconds) == (102, 2, 0)
    bench.shard.stop()


def test_each_planned_inform_began_a_session_or_still_waits_for_a_place() -> None:
    bench = ShardBench(serving_after(Event()), max_sessions=2)
    bench.boot(5)
    for _ in ("running", "draining"):
        books = Results()
        bench.shard.book(books)
        count = books.counters
        assert (count["informs.planned"], count["informs.not_begun"]) == (5, 3)
        assert count["sessions.started"] == 2
        bench.shard.drain(0)
    bench.shard.stop()


def test_draining_lets_sessions_end_and_begins_none() -> None:
    gate = Event()

    bench = ShardBench(serving_after(gate), max_sessions=1)
    bench.boot(2)
    gevent.spawn_later(0.01, gate.set)
    bench.shard.drain(60.0)
    settle()
    assert len(bench.informed) == 1
    with pytest.raises(DeviceBusy, match="stopping"):
        bench.shard.connection_request("FLEET-000001")
    bench.shard.start()
    settle()
    assert len(bench.informed) == 2
    bench.shard.stop()
