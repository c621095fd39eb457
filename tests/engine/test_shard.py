"""The CPEs of a process: power, Connection Requests and the end of a run."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator

import gevent
import pytest
from gevent.event import Event
from helpers.cpes import profile
from helpers.shards import Post, ShardBench, settle

from caretaker.cwmp.outcome import Outcome
from caretaker.device import events as ev
from caretaker.device.settings import Behaviors
from caretaker.engine.cr_rate_limit import RateLimit
from caretaker.errors import (
    DeviceBusy,
    DeviceNotFound,
)
from caretaker.http.credentials import BasicCredentials, OldDigestCredentials
from caretaker.http.transport import Answer
from caretaker.profiles import ProfileMix
from caretaker.stats.results import Results


@pytest.fixture
def bench() -> Iterator[ShardBench]:
    made = ShardBench()
    yield made
    made.shard.stop()


@pytest.mark.rule("9.1-2")
def test_a_connection_request_is_answered_before_its_session_begins(bench: ShardBench) -> None:
    bench.boot()
    bench.shard.connection_request("FLEET-000001")
    assert len(bench.informed) == 1
    settle()
    (_, record) = bench.sink.sessions
    assert record.events == ("6 CONNECTION REQUEST",)
    assert (record.accepted, record.informed) == (100.0, 100.0)


@pytest.mark.rule("9.1-7")
def test_a_refused_request_opens_no_session() -> None:
    bench = ShardBench(rate_limit=RateLimit(1, 5.0))
    bench.boot()
    bench.shard.connection_request("FLEET-000001")
    settle()
    assert len(bench.informed) == 2
    with pytest.raises(DeviceBusy):
        bench.shard.connection_request("FLEET-000001")
    settle()
    assert len(bench.informed) == 2


def test_unknown_and_unwilling_cpes(bench: ShardBench) -> None:
    bench.boot()
    for serial_number in ("FLEET-000002", "nonsense", ""):
        with pytest.raises(DeviceNotFound):
            bench.shard.connection_request(serial_number)
        with pytest.raises(DeviceNotFound):
            bench.shard.credentials(serial_number)


@pytest.mark.rule("9.1-6", "9.2-12")
def test_a_cpe_accepts_only_so_many_requests() -> None:
    bench = ShardBench(rate_limit=RateLimit(3, 5.0))
    bench.boot(2)
    for _ in range(3):
        bench.shard.connection_request("FLEET-000001")
    with pytest.raises(DeviceBusy, match="too many"):
        bench.shard.connection_request("FLEET-000001")
    bench.shard.connection_request("FLEET-000002")
    bench.clock.now += 5
    bench.shard.connection_request("FLEET-000001")
    bench.shard.stop()
    assert RateLimit(0).allows(1, 0.0)


@pytest.mark.parametrize(
    ("quirk", "kind"),
    [("cr-basic", BasicCredentials), ("cr-no-qop", OldDigestCredentials)],
)
def test_some_devices_ask_for_other_credentials_than_the_standard(quirk: str, kind: type) -> None:
    bench = ShardBench(quirks=[quirk])
    bench.boot()
    credentials = bench.shard.credentials("FLEET-000001")
    assert type(credentials) is kind
    assert credentials.username == "FLEET-000001"


def test_power_off_cuts_a_session_which_is_nobodys_failure() -> None:
    def hanging() -> Post:
        def post(_: bytes) -> Answer:
            gevent.sleep(60)
            raise AssertionError

        return post

    bench = ShardBench(hanging)
    bench.boot(2)
    bench.shard.connection_request("FLEET-000001")
    bench.shard.power_off([0, 7])
    (record,) = bench.sink.sessions
    assert record.outcome is Outcome.ABANDONED
    assert bench.transports[0].closed
    assert list(bench.shard.cpes) == [1]
    bench.shard.stop()
    assert bench.sink.counters["sessions.abandoned"] == 2
    assert bench.sink.counters["sessions.failed"] == 0


def test_power_off_before_the_session_has_begun_to_run(bench: ShardBench) -> None:
    bench.boot()
    bench.shard.connection_request("FLEET-000001")
    bench.shard.power_off([0])
    assert bench.sink.sessions[-1].outcome is Outcome.ABANDONED
    assert bench.shard.scheduler.active == {}
    books = bench.shard.context.books
    assert books.discarded[ev.CONNECTION_REQUEST, "power off"] == 1


def test_a_fleet_can_be_dropped_at_once_with_its_books_closed() -> None:
    gate = Event()

    def hanging() -> Post:
        def post(_: bytes) -> Answer:
            gate.wait()
            return Answer(204, b"")

        return post

    bench = ShardBench(hanging)
    bench.boot(3)
    before = Results()
    bench.shard.close_books(before)
    assert before.with_prefix("events.pending") == {"0 BOOTSTRAP": 3, "1 BOOT": 3}
    bench.shard.abandon()
    assert [record.outcome for record in bench.sink.sessions] == [Outcome.ABANDONED] * 3
    assert list(bench.shard.cpes) == []
    assert all(transport.closed for transport in bench.transports)


@pytest.mark.parametrize("names", [("tr181",), ("tr181", "tr098")])
@pytest.mark.parametrize("is_running", [True, False])
def test_cpes_switched_on_together_do_as_those_that_are_by_themselves(
    *, is_running: bool, names: tuple[str, ...]
) -> None:
    lives = []
    for is_together in (True, False):
        bench = ShardBench(behaviors=Behaviors(inform_interval=50))
        bench.shard._switch._mix = ProfileMix([(profile(name), 1.0) for name in names])
        bench.shard.start()
        if is_together:
            found = bench.shard.switch_on(range(1000, 1100), is_running=is_running)
            mix = bench.shard._switch._mix
            assert found == Counter(mix[index].name for index in range(1000, 1100))
            assert len(bench.shard.cpes.objects) <= (len(names) if is_running else 100)
        else:
            for index in range(1000, 1100):
                (bench.shard.resume if is_running else bench.shard.power_on)(index)
        for now in range(100, 300, 10):
            bench.at(float(now))
        sessions = sorted((each.planned, each.events) for each in bench.sink.sessions)
        books = Results()
        bench.shard.close_books(books)
        lives.append((sessions, books.counters, bench.shard.cpes.ranges))
        bench.shard.stop()
    assert lives[0] == lives[1]
    assert len(lives[0][0]) >= 300


@pytest.mark.parametrize("is_running", [True, False])
def test_a_cpe_is_switched_on_where_there_are_no_others(*, is_running: bool) -> None:
    bench = ShardBench(behaviors=Behaviors(inform_interval=50))
    assert bench.shard.switch_on(range(7, 8), is_running=is_running).total() == 1
    assert bench.shard.cpes[7].powered
    bench.shard.stop()


def test_a_cpe_that_is_on_is_replaced_when_it_is_switched_on_again() -> None:
    bench = ShardBench(behaviors=Behaviors(inform_interval=50))
    bench.shard.power_on(3)
    bench.shard.switch_on(range(10), is_running=True)
    assert bench.shard.cpes[3].events == ()
    assert len(bench.shard.cpes) == 10
    bench.shard.stop()
