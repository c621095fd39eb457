"""A shard that is suspended: nothing of it acts until it starts again, and its books balance."""

from __future__ import annotations

import gevent
import gevent.event
import pytest
from helpers.shards import ShardBench, serving_after, settle

from caretaker.cwmp.outcome import Outcome
from caretaker.errors import Blame, DeviceBusy
from caretaker.reasons import FENCED
from caretaker.stats.results import Results


def suspend(bench: ShardBench) -> None:
    """As a fence does: in the loop itself."""
    gevent.get_hub().loop.run_callback(bench.shard.suspend, FENCED)
    gevent.sleep(0)


def test_its_sessions_end_at_once_and_are_the_generators_failures() -> None:
    gate = gevent.event.Event()
    bench = ShardBench(serving_after(gate), max_sessions=2)
    bench.boot(4)  # two sessions run, and two CPEs wait for a place
    suspend(bench)
    assert [(r.outcome, r.reason, r.blame) for r in bench.sink.sessions] == [
        (Outcome.FAILED, FENCED, Blame.GENERATOR)
    ] * 2
    assert not bench.shard.scheduler.active
    gate.set()
    bench.at(10_000.0)
    assert len(bench.sink.sessions) == 2


def test_a_session_whose_time_was_over_in_a_freeze_sends_no_more() -> None:
    gate = gevent.event.Event()
    bench = ShardBench(serving_after(gate))
    bench.shard.may_send_until(bench.clock.now + 5.0)
    bench.boot()
    bench.clock.advance(5.0)  # nobody has suspended the shard yet
    gate.set()
    settle()
    (record,) = bench.sink.sessions
    assert (record.outcome, record.reason, record.blame) == (
        Outcome.FAILED,
        FENCED,
        Blame.GENERATOR,
    )
    assert [each.name for each in bench.sink.exchanges] == ["Inform"]
    with pytest.raises(DeviceBusy, match=FENCED):
        bench.shard.connection_request(bench.shard.cpes[0].serial_number)


def test_a_session_that_has_not_begun_to_run_ends_too() -> None:
    bench = ShardBench()
    bench.shard.start()
    bench.shard.power_on(0)  # its greenlet has had no turn
    gevent.get_hub().loop.run_callback(bench.shard.suspend, FENCED)
    settle()
    assert not bench.shard.scheduler.active
    assert len(bench.sink.sessions) <= 1


def test_it_refuses_connection_requests_and_takes_them_again_after() -> None:
    bench = ShardBench()
    bench.boot()
    serial_number = bench.shard.cpes[0].serial_number
    suspend(bench)
    with pytest.raises(DeviceBusy, match=FENCED):
        bench.shard.connection_request(serial_number)
    bench.shard.start()
    bench.shard.connection_request(serial_number)
    settle()
    assert bench.informed[-1] == ("6 CONNECTION REQUEST",)


def test_it_goes_on_without_a_boot_and_the_books_balance() -> None:
    gate = gevent.event.Event()
    bench = ShardBench(serving_after(gate), max_sessions=2)
    bench.boot(4)
    suspend(bench)
    gate.set()
    bench.shard.start()
    bench.at(10_000.0)
    assert sorted(bench.informed[2:]) == [("0 BOOTSTRAP", "1 BOOT")] * 4
    results = Results()
    bench.shard.close_books(results)
    counters = results.counters
    assert counters["events.raised.1 BOOT"] == counters["events.delivered.1 BOOT"] == 4
    assert counters["informs.planned"] == len(bench.sink.sessions) == 6
    assert counters["informs.not_begun"] == 0


def test_a_cpe_that_is_to_go_has_the_time_to_end_its_session() -> None:
    gate = gevent.event.Event()
    bench = ShardBench(serving_after(gate))
    bench.boot()
    waiting = gevent.spawn(bench.shard.wait_for_sessions_of, [0], 5.0)
    settle()
    assert not waiting.ready()
    gate.set()
    waiting.join(60)
    assert bench.sink.sessions[0].outcome is Outcome.SUCCEEDED


def test_one_that_does_not_end_it_is_waited_for_no_longer() -> None:
    bench = ShardBench(serving_after(gevent.event.Event()))
    bench.boot()
    waiting = gevent.spawn(bench.shard.wait_for_sessions_of, [0], 5.0)
    settle()
    bench.clock.now += 5.0
    waiting.join(60)
    assert waiting.ready()
