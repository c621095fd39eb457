"""The books of a shard balance, whatever happens to sessions."""

from __future__ import annotations

from collections import Counter
from random import Random

import gevent
from helpers.shards import Post, ShardBench, serving

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
