"""The scheduler of a shard: sessions when they are due, and nothing lost."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import replace
from math import inf
from random import Random
from typing import Any

import gevent
import pytest
from gevent.event import Event
from helpers.cpes import ScriptedACS, context, profile

from caretaker.cwmp import ACSSession
from caretaker.cwmp import messages as m
from caretaker.cwmp.outcome import Outcome
from caretaker.device import events as ev
from caretaker.device.cpe import CPE
from caretaker.device.settings import Behaviors, TransferSettings
from caretaker.engine.cr_rate_limit import RateLimit
from caretaker.engine.file_transfer import FileTransferResult
from caretaker.engine.loop_budget import LoopBudget
from caretaker.engine.shard import Shard
from caretaker.errors import (
    Blame,
    ConnectError,
    DeviceBusy,
    DeviceNotFound,
    EnvelopeError,
    LimitError,
)
from caretaker.http.digest import BasicCredentials, OldDigestCredentials
from caretaker.http.transport import Answer
from caretaker.profiles import ProfileMix
from caretaker.stats.records import ExchangeRecord, SessionRecord
from caretaker.stats.results import Results

Post = Callable[[bytes], Answer]


class Clock:
    """A clock that only moves when told."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


class FakeTransport:
    """A transport whose answers come from a function."""

    def __init__(self, post: Post) -> None:
        self._post = post
        self.sent_at: float | None = None
        self.closed = False

    def post(self, body: bytes) -> Answer:
        self.sent_at = 100.0
        return self._post(body)

    def close(self) -> None:
        self.closed = True


class Recorder(Results):
    """Results that also keep the records."""

    def __init__(self) -> None:
        super().__init__()
        self.sessions: list[SessionRecord] = []
        self.exchanges: list[ExchangeRecord] = []

    def session(self, record: SessionRecord) -> None:
        super().session(record)
        self.sessions.append(record)

    def exchange(self, record: ExchangeRecord) -> None:
        super().exchange(record)
        self.exchanges.append(record)


def serving(*requests: m.Request) -> Callable[[], Post]:
    """A good ACS: each session is asked these requests."""

    def make() -> Post:
        acs = ACSSession(ScriptedACS(requests))

        def post(body: bytes) -> Answer:
            data = acs.receive(body)
            return Answer(200 if data else 204, data)

        return post

    return make


def failing(error: Exception) -> Callable[[], Post]:
    """An ACS that can't be reached."""

    def post(_: bytes) -> Answer:
        raise error

    return lambda: post


class Bench:
    """A shard with a fake ACS and a clock of its own."""

    def __init__(self, acs: Callable[[], Post] | None = None, **settings: Any) -> None:
        self.clock = Clock()
        self.sink = Recorder()
        self.acs = acs or serving()
        self.transports: list[FakeTransport] = []
        behaviors = settings.pop("behaviors", Behaviors(periodic_inform=False))
        kind = replace(profile(), quirks=frozenset(settings.pop("quirks", ())))
        self.shard = Shard(
            ProfileMix([(kind, 1.0)]),
            context(behaviors=behaviors),
            self._open,
            self.sink,
            clock=self.clock,
            **settings,
        )

    def _open(self, _: CPE, __: float) -> FakeTransport:
        self.transports.append(FakeTransport(self.acs()))
        return self.transports[-1]

    def boot(self, count: int = 1) -> None:
        for index in range(count):
            self.shard.power_on(index)
        self.shard.start()
        settle()

    def at(self, seconds: float) -> None:
        """Let the clock reach a time and the scheduler see it."""
        self.clock.now = seconds
        self.shard._launch_due()
        settle()

    @property
    def told(self) -> list[tuple[str, ...]]:
        return [record.events for record in self.sink.sessions]


def settle() -> None:
    """Let every greenlet that can run do so."""
    for _ in range(20):
        gevent.sleep(0)


@pytest.fixture(autouse=True)
def _no_pace(monkeypatch: pytest.MonkeyPatch) -> None:
    """How long a turn of the loop takes must not matter here."""
    monkeypatch.setattr("caretaker.engine.loop_budget.TURN_SECONDS", inf)


@pytest.fixture
def bench() -> Iterator[Bench]:
    made = Bench()
    yield made
    made.shard.stop()


def test_cpes_that_are_taken_up_as_they_run_inform_at_their_period() -> None:
    bench = Bench(behaviors=Behaviors(inform_interval=100))
    for index in range(3):
        bench.shard.resume(index)
    bench.shard.start()
    settle()
    assert bench.told == []
    bench.at(bench.clock.now + 100)
    assert bench.told == [("2 PERIODIC",)] * 3
    bench.shard.stop()


def test_a_fleet_can_be_dropped_at_once_with_its_books_closed() -> None:
    gate = Event()

    def hanging() -> Post:
        def post(_: bytes) -> Answer:
            gate.wait()
            return Answer(204, b"")

        return post

    bench = Bench(hanging)
    bench.boot(3)
    before = Results()
    bench.shard.close_books(before)
    assert before.with_prefix("events.pending") == {"0 BOOTSTRAP": 3, "1 BOOT": 3}
    bench.shard.abandon()
    assert [record.outcome for record in bench.sink.sessions] == [Outcome.ABANDONED] * 3
    assert bench.shard.cpes == {}
    assert all(transport.closed for transport in bench.transports)


@pytest.mark.rule("4.2-1")
def test_cpes_inform_when_they_are_powered_on(bench: Bench) -> None:
    bench.boot(3)
    assert bench.told == [("0 BOOTSTRAP", "1 BOOT")] * 3
    assert [record.name for record in bench.sink.exchanges] == ["Inform", "(empty)"] * 3
    assert all(transport.closed for transport in bench.transports)


def test_before_the_start_nothing_is_told(bench: Bench) -> None:
    bench.shard.power_on(0)
    bench.shard.connection_request("FLEET-000001")
    settle()
    assert bench.told == []
    bench.shard.start()
    settle()
    assert bench.told == [("0 BOOTSTRAP", "1 BOOT", "6 CONNECTION REQUEST")]


@pytest.mark.rule("9.1-2")
def test_a_connection_request_is_answered_before_its_session_begins(bench: Bench) -> None:
    bench.boot()
    bench.shard.connection_request("FLEET-000001")
    assert len(bench.told) == 1
    settle()
    (_, record) = bench.sink.sessions
    assert record.events == ("6 CONNECTION REQUEST",)
    assert (record.accepted, record.informed) == (100.0, 100.0)


@pytest.mark.rule("4.1-14", "4.2-3")
def test_sessions_are_planned_by_the_clock() -> None:
    bench = Bench(behaviors=Behaviors(inform_interval=10))
    bench.boot()
    due = bench.shard.cpes[0].due
    bench.at(due - 0.001)
    assert len(bench.told) == 1
    bench.at(due + 3)
    assert bench.told[1:] == [("2 PERIODIC",)]
    assert bench.sink.sessions[1].planned == due
    assert bench.shard.cpes[0].due == due + 10
    bench.shard.stop()


def test_the_heap_does_not_grow_with_sessions(bench: Bench) -> None:
    bench.shard.context.behaviors = Behaviors(inform_interval=1000)
    bench.boot()
    for _ in range(50):
        bench.shard.connection_request("FLEET-000001")
        settle()
    assert len(bench.told) == 51
    assert len(bench.shard._heap) <= 2


def test_more_than_max_sessions_wait_in_order() -> None:
    gate = Event()

    def slow() -> Post:
        post = serving()()

        def waiting(body: bytes) -> Answer:
            gate.wait()
            return post(body)

        return waiting

    bench = Bench(slow, max_sessions=2)
    bench.boot(5)
    assert (len(bench.shard._running), len(bench.shard._waiting)) == (2, 3)
    bench.shard.connection_request("FLEET-000005")
    bench.clock.now += 7
    gate.set()
    settle()
    assert len(bench.told) == 5
    assert bench.told[4][-1] == "6 CONNECTION REQUEST"
    assert bench.sink.histogram("generator.lateness").longest == 7
    bench.shard.stop()


@pytest.mark.rule("2.2-4", "2.2-14", "2.2-15", "3.4-5", "4.1-16", "4.2-11")
@pytest.mark.parametrize(
    ("acs", "outcome", "blame", "reason"),
    [
        (
            failing(ConnectError("connection refused")),
            Outcome.FAILED,
            Blame.ACS,
            "connection refused",
        ),
        (failing(LimitError("out of sockets")), Outcome.FAILED, Blame.GENERATOR, "out of sockets"),
        (failing(EnvelopeError("not XML")), Outcome.FAILED, Blame.ACS, "not XML"),
        (failing(RuntimeError("oops")), Outcome.FAILED, Blame.OURS, "bug of Caretaker"),
        (lambda: lambda _: Answer(503, b""), Outcome.SHED, Blame.SHED, "HTTP 503"),
        (lambda: lambda _: Answer(500, b""), Outcome.FAILED, Blame.ACS, "HTTP 500"),
        (lambda: lambda _: Answer(202, b""), Outcome.FAILED, Blame.ACS, "HTTP 202"),
        (
            lambda: lambda _: Answer(200, b"<html>"),
            Outcome.FAILED,
            Blame.ACS,
            "not well-formed XML",
        ),
        (
            lambda: lambda _: Answer(204, b""),
            Outcome.FAILED,
            Blame.ACS,
            "an empty message while informing",
        ),
    ],
)
def test_a_failed_session_has_a_reason_and_is_retried(
    acs: Callable[[], Post], outcome: Outcome, blame: Blame, reason: str
) -> None:
    bench = Bench(acs)
    bench.boot()
    (record,) = bench.sink.sessions
    assert (outcome, blame, reason) == (record.outcome, record.blame, record.reason)
    events = ("0 BOOTSTRAP", "1 BOOT")
    assert bench.shard.examples == {reason: ("FLEET-000001", 0.0, events)}
    cpe = bench.shard.cpes[0]
    assert 105 <= cpe.due <= 110
    bench.acs = serving()
    bench.at(111)
    assert bench.told[1] == ("0 BOOTSTRAP", "1 BOOT")
    assert cpe.failures == 0
    bench.shard.stop()


def test_power_off_cuts_a_session_which_is_nobodys_failure() -> None:
    def hanging() -> Post:
        def post(_: bytes) -> Answer:
            gevent.sleep(60)
            raise AssertionError

        return post

    bench = Bench(hanging)
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


def test_power_off_before_the_session_has_begun_to_run(bench: Bench) -> None:
    bench.boot()
    bench.shard.connection_request("FLEET-000001")
    bench.shard.power_off([0])
    assert bench.sink.sessions[-1].outcome is Outcome.ABANDONED
    assert bench.shard._running == {}
    books = bench.shard.context.books
    assert books.discarded[ev.CONNECTION_REQUEST, "power off"] == 1


def test_unknown_and_unwilling_cpes(bench: Bench) -> None:
    bench.boot()
    for serial_number in ("FLEET-000002", "nonsense", ""):
        with pytest.raises(DeviceNotFound):
            bench.shard.connection_request(serial_number)
        with pytest.raises(DeviceNotFound):
            bench.shard.credentials(serial_number)


@pytest.mark.rule("9.1-6", "9.2-12")
def test_a_cpe_accepts_only_so_many_requests() -> None:
    bench = Bench(rate_limit=RateLimit(3, 5.0))
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


def test_draining_lets_sessions_end_and_begins_none() -> None:
    gate = Event()

    def slow() -> Post:
        post = serving()()

        def waiting(body: bytes) -> Answer:
            gate.wait()
            return post(body)

        return waiting

    bench = Bench(slow, max_sessions=1)
    bench.boot(2)
    gevent.spawn_later(0.01, gate.set)
    bench.shard.drain(5.0)
    settle()
    assert len(bench.told) == 1
    with pytest.raises(DeviceBusy, match="stopping"):
        bench.shard.connection_request("FLEET-000001")
    bench.shard.start()
    settle()
    assert len(bench.told) == 2
    bench.shard.stop()


def test_the_books_balance_while_the_network_breaks_at_random() -> None:
    chance = Random(1)

    def breaking() -> Post:
        good = serving(m.GetRPCMethods())()

        def post(body: bytes) -> Answer:
            gevent.sleep(0)
            if chance.random() < 0.15:
                raise ConnectError("broken")
            if chance.random() < 0.1:
                return Answer(503, b"")
            return good(body)

        return post

    bench = Bench(breaking, behaviors=Behaviors(inform_interval=3), rate_limit=RateLimit(0))
    bench.boot(20)
    for second in range(200):
        for _ in range(5):
            try:
                bench.shard.connection_request(f"FLEET-{chance.randrange(1, 26):06d}")
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
    assert count["sessions.started"] == sum(count[f"sessions.{each}"] for each in outcomes)
    assert min(count["sessions.failed"], count["sessions.shed"], count["sessions.succeeded"]) > 20
    bench.shard.stop()


def test_long_answers_are_made_one_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caretaker.engine.loop_budget.TURN_SECONDS", 0.0)
    pace, turns = LoopBudget(), [0]
    counting = gevent.get_hub().loop.check(ref=False)
    counting.start(lambda: turns.append(turns[-1] + 1))
    made_in: list[int] = []

    def answer() -> None:
        pace.wait()
        made_in.append(turns[-1])

    gevent.joinall([gevent.spawn(answer) for _ in range(5)])
    counting.stop()
    pace.stop()
    assert len(set(made_in)) == 5


def test_as_many_short_answers_as_fit_are_made_in_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caretaker.engine.loop_budget.TURN_SECONDS", 0.0)
    pace, turns = LoopBudget(), [0]
    made_in: list[int] = []

    def answer() -> None:
        pace.wait()
        made_in.append(turns[-1])

    waiting = [gevent.spawn(answer) for _ in range(5)]
    gevent.sleep(0)
    monkeypatch.setattr("caretaker.engine.loop_budget.TURN_SECONDS", inf)
    counting = gevent.get_hub().loop.check(ref=False)
    counting.start(lambda: turns.append(turns[-1] + 1))
    gevent.joinall(waiting, timeout=5)
    counting.stop()
    pace.stop()
    assert len(made_in) == 5
    assert len(set(made_in)) == 1


def test_who_waits_when_a_pace_ends_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caretaker.engine.loop_budget.TURN_SECONDS", 0.0)
    pace = LoopBudget()
    waiting = [gevent.spawn(pace.wait) for _ in range(3)]
    gevent.sleep(0)
    pace.stop()
    gevent.joinall([*waiting, gevent.spawn(pace.wait)], timeout=5)
    assert all(each.dead for each in waiting)


def test_one_who_is_killed_while_it_waits_holds_up_no_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caretaker.engine.loop_budget.TURN_SECONDS", 0.0)
    pace = LoopBudget()
    waiting = [gevent.spawn(pace.wait) for _ in range(3)]
    gevent.sleep(0)
    waiting[0].kill()
    gevent.joinall(waiting, timeout=5)
    pace.stop()
    assert all(each.dead for each in waiting)


@pytest.mark.rule("2.1-6")
def test_an_empty_200_ends_a_session_as_a_204_does() -> None:
    def make() -> Post:
        good = serving()()
        return lambda body: Answer(200, good(body).body)

    bench = Bench(make)
    bench.boot()
    assert bench.sink.sessions[0].outcome is Outcome.SUCCEEDED
    bench.shard.stop()


@pytest.mark.rule("9.1-7")
def test_a_refused_request_opens_no_session() -> None:
    bench = Bench(rate_limit=RateLimit(1, 5.0))
    bench.boot()
    bench.shard.connection_request("FLEET-000001")
    settle()
    assert len(bench.told) == 2
    with pytest.raises(DeviceBusy):
        bench.shard.connection_request("FLEET-000001")
    settle()
    assert len(bench.told) == 2


class FakeMover:
    """Moves nothing; each transfer waits until it is told how it went."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.cut: list[str] = []
        self.gate = Event()
        self.outcome: FileTransferResult | Exception = FileTransferResult(0, 0, 1000)

    def move(self, request: Any) -> FileTransferResult:
        self.asked.append(request.command_key)
        try:
            self.gate.wait()
        except gevent.GreenletExit:
            self.cut.append(request.command_key)
            raise
        if isinstance(self.outcome, Exception):
            raise self.outcome
        return self.outcome


REAL = TransferSettings(real_hosts=frozenset({"files"}))


def transferring(*requests: m.Request, **settings: Any) -> tuple[Bench, FakeMover]:
    """A shard whose CPE has been asked for these in its first session, and begins to move."""
    mover = FakeMover()
    bench = Bench(serving(*requests), mover=mover, **settings)
    bench.shard.context.transfers = REAL
    bench.boot()
    bench.acs = serving()
    return bench, mover


def fetch(key: str, file_type: str = "2 Web Content", host: str = "files") -> m.Download:
    return m.Download(key, file_type, f"http://{host}/{key}")


@pytest.mark.rule("8.3-17")
def test_real_transfers_run_beside_sessions_and_are_told_when_they_end() -> None:
    bench, mover = transferring(fetch("a"), fetch("b"))
    assert mover.asked == ["a", "b"]
    bench.shard.connection_request("FLEET-000001")
    settle()
    assert bench.told[1:] == [("6 CONNECTION REQUEST",)]
    assert mover.asked == ["a", "b"]
    mover.gate.set()
    settle()
    told = [code for events in bench.told[2:] for code in events]
    assert (told.count("M Download"), told[0]) == (2, "7 TRANSFER COMPLETE")
    assert bench.shard._moving == {}
    books = Results()
    bench.shard.close_books(books)
    assert books.with_prefix("transfers") == {
        "bytes_received": 2000,
        "bytes_sent": 0,
        "pending": 0,
        "requested": 2,
        "succeeded": 2,
    }
    bench.shard.stop()


def test_a_bug_of_the_mover_fails_one_transfer_only(caplog: pytest.LogCaptureFixture) -> None:
    bench, mover = transferring(fetch("a"))
    mover.outcome = RuntimeError("oops")
    mover.gate.set()
    settle()
    assert bench.shard.context.transfer_counts["faults.9002"] == 1
    assert "bug of Caretaker" in caplog.text
    bench.shard.stop()


def test_a_reboot_cuts_a_transfer_and_it_starts_again() -> None:
    bench, mover = transferring(fetch("a"))
    bench.acs = serving(m.Reboot("r"))
    bench.shard.connection_request("FLEET-000001")
    settle()
    assert (mover.asked, mover.cut) == (["a"], ["a"])
    bench.acs = serving()
    bench.at(161)
    assert mover.asked == ["a", "a"]
    mover.gate.set()
    settle()
    assert bench.told[-1] == ("7 TRANSFER COMPLETE", "M Download")
    bench.shard.stop()


def test_power_off_cuts_a_transfer_and_it_counts_as_dropped() -> None:
    bench, mover = transferring(fetch("a"), fetch("simulated", host="other"))
    bench.shard.power_off([0])
    settle()
    assert (mover.asked, mover.cut, bench.shard._moving) == (["a"], ["a"], {})
    assert bench.shard.context.transfer_counts["dropped"] == 2
    bench.shard.stop()


def test_no_more_than_max_sessions_move_bytes_at_once() -> None:
    bench, mover = transferring(fetch("a"), fetch("b"), fetch("c"), max_sessions=2)
    assert mover.asked == ["a", "b"]
    mover.gate.set()
    settle()
    assert mover.asked == ["a", "b", "c"]
    bench.shard.stop()


class TestQuirks:
    def test_slow_devices_think_before_they_answer_a_request_and_only_then(self) -> None:
        slept: list[float] = []
        acs = serving(m.GetRPCMethods(), m.GetRPCMethods())
        Bench(acs, quirks=["slow-answers"], sleep=slept.append).boot()
        assert len(slept) == 2
        assert all(0.5 <= each <= 3.0 for each in slept)

    def test_others_do_not(self) -> None:
        slept: list[float] = []
        Bench(serving(m.GetRPCMethods()), sleep=slept.append).boot()
        assert slept == []

    @pytest.mark.parametrize(
        ("quirk", "kind"),
        [("cr-basic", BasicCredentials), ("cr-no-qop", OldDigestCredentials)],
    )
    def test_how_credentials_are_asked_for(self, quirk: str, kind: type) -> None:
        bench = Bench(quirks=[quirk])
        bench.boot()
        found = bench.shard.credentials("FLEET-000001")
        assert type(found) is kind
        assert found.username == "FLEET-000001"
