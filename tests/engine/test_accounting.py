"""The books of a shard balance, whatever happens to sessions."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Sequence
from random import Random
from typing import Any

import gevent
import pytest
from gevent.event import Event
from helpers.shards import Post, ShardBench, serving, serving_after, settle

from caretaker.cwmp import messages as m
from caretaker.device import events as ev
from caretaker.device.settings import Behaviors
from caretaker.engine.cr_rate_limit import RateLimit
from caretaker.errors import (
    ConnectError,
    DeviceBusy,
    DeviceNotFound,
)
from caretaker.http.transport import Answer
from caretaker.stats.results import Results
from caretaker.testing import FunctionTransport


def test_the_books_balance_while_the_network_breaks_at_random() -> None:
    rng = Random(1)

    def breaking() -> Post:
        good = serving(m.GetRPCMethods())()

        def post(body: bytes) -> bytes | Answer:
            gevent.sleep(0)
            if rng.random() < 0.15:
                raise ConnectError("broken")
            if rng.random() < 0.1:
                return Answer(503, b"")
            return good(body)

        return post

    bench = ShardBench(breaking, behaviors=Behaviors(inform_interval=3), rate_limit=RateLimit(0))
    bench.boot(20)
    for second in range(200):
        for _ in range(5):
            try:
                bench.shard.connection_request(f"FLEET-{rng.randrange(1, 26):06d}")
                bench.sink.count("accepted")
            except (DeviceBusy, DeviceNotFound):
                pass
        if second == 100:
            bench.shard.power_off(range(15, 20))
        bench.at(100.0 + second)
    results = Results()
    bench.shard.close_books(results)
    raised = Counter(results.with_prefix("events.raised"))
    ends = Counter(results.with_prefix("events.delivered"))
    ends.update(results.with_prefix("events.pending"))
    for name, number in results.with_prefix("events.discarded").items():
        ends[name.partition(".")[2]] += number
    assert +raised == +ends
    assert raised[ev.CONNECTION_REQUEST] == bench.sink.counters["accepted"] > 500
    count = bench.sink.counters
    outcomes = ("succeeded", "failed", "shed", "abandoned")
    assert count["sessions.started"] == sum(count[f"sessions.{outcome}"] for outcome in outcomes)
    assert min(count["sessions.failed"], count["sessions.shed"], count["sessions.succeeded"]) > 20
    bench.shard.stop()


class ConnectingTransport(FunctionTransport):
    """A transport whose connection is never made."""

    def post(self, body: bytes) -> Answer:
        Event().wait()
        return super().post(body)


def unfinished(acs: Callable[[], Post], **settings: Any) -> Results:
    """The books of a shard with a CPE whose session does not end."""
    bench = ShardBench(acs, **settings)
    bench.boot()
    bench.clock.now += 7
    results = Results()
    bench.shard.book(results)
    bench.shard.stop()
    return results


@pytest.mark.parametrize(
    ("posts", "requests", "waited_for"),
    [
        (0, (), "InformResponse"),
        (1, (), "the answer to the empty POST"),
        (2, (m.GetRPCMethods(),), "the answer to GetRPCMethodsResponse"),
    ],
)
def test_an_unfinished_session_tells_which_answer_of_the_acs_it_waits_for(
    posts: int, requests: Sequence[m.Request], waited_for: str
) -> None:
    def mute_after() -> Post:
        good, left = serving(*requests)(), iter(range(posts))

        def post(body: bytes) -> bytes:
            if next(left, None) is None:
                Event().wait()
            return good(body)

        return post

    waits = unfinished(mute_after).histograms_with_prefix("sessions.unfinished_waits")
    assert {name: (times.count, times.longest) for name, times in waits.items()} == {
        f"acs.{waited_for}": (1, 7.0)
    }


def test_an_unfinished_session_tells_that_its_own_device_is_slow() -> None:
    made = unfinished(
        serving(m.GetRPCMethods()), quirks=["slow-answers"], sleep=lambda _: Event().wait()
    )
    assert made.histogram("sessions.unfinished_waits.ours.a slow device's own answer").count == 1


def test_the_inform_of_a_session_that_runs_counts_at_once_and_only_once() -> None:
    gate = Event()
    bench = ShardBench(serving_after(gate))
    bench.boot()
    for _ in range(2):
        running = Results()
        bench.shard.book(running)
        assert running.with_prefix("informs.by_event") == {"0 BOOTSTRAP": 1, "1 BOOT": 1}
        assert (running.counters["informs.total"], bench.shard.timeline.count("informs")) == (1, 1)
    gate.set()
    settle()
    ended = Results()
    bench.shard.book(ended)
    assert ended.counters["informs.total"] == 0
    assert bench.sink.counters["informs.total"] == 1
    assert bench.shard.timeline.count("informs") == 1
    bench.shard.stop()


def test_an_inform_that_could_not_be_written_does_not_count() -> None:
    bench = ShardBench(serving_after(Event()), ConnectingTransport)
    bench.boot()
    results = Results()
    bench.shard.book(results)
    assert results.counters["informs.total"] == 0
    assert results.histogram("sessions.unfinished_waits.acs.a connection").count == 1
    bench.shard.stop()
