"""One session: how it goes, and what its record says of it."""

from __future__ import annotations

from collections.abc import Callable
from itertools import chain, repeat

import gevent
import gevent.event
import pytest
from helpers.shards import Post, ShardBench, failing, serving

from caretaker.cwmp import encode
from caretaker.cwmp import messages as m
from caretaker.cwmp.envelope import Envelope
from caretaker.cwmp.outcome import Outcome
from caretaker.engine import session_runner
from caretaker.engine.loop_budget import LoopBudget
from caretaker.errors import (
    Blame,
    ConnectError,
    EnvelopeError,
    LimitError,
)
from caretaker.http.transport import Answer


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
        (
            lambda: lambda _: Answer(400, b"CPE already in session"),
            Outcome.FAILED,
            Blame.ACS,
            "HTTP 400: CPE already in session",
        ),
        (lambda: lambda _: Answer(202, b""), Outcome.FAILED, Blame.ACS, "HTTP 202"),
        (
            lambda: lambda _: Answer(200, b"<html>"),
            Outcome.FAILED,
            Blame.ACS,
            "HTML page, no SOAP envelope",
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
    bench = ShardBench(acs)
    bench.boot()
    (record,) = bench.sink.sessions
    assert (outcome, blame, reason) == (record.outcome, record.blame, record.reason)
    events = ("0 BOOTSTRAP", "1 BOOT")
    assert bench.shard.examples == {reason: ("FLEET-000001", 0.0, events)}
    cpe = bench.shard.cpes[0]
    assert 105 <= cpe.due <= 110
    bench.acs = serving()
    bench.at(111)
    assert bench.informed[1] == ("0 BOOTSTRAP", "1 BOOT")
    assert cpe.failures == 0
    bench.shard.stop()


@pytest.mark.rule("2.1-6")
def test_an_empty_200_ends_a_session_as_a_204_does() -> None:
    def make() -> Post:
        good = serving()()
        return lambda body: Answer(200, good(body))

    bench = ShardBench(make)
    bench.boot()
    assert bench.sink.sessions[0].outcome is Outcome.SUCCEEDED
    bench.shard.stop()


def test_slow_devices_think_before_they_answer_a_request_and_only_then() -> None:
    slept: list[float] = []
    acs = serving(m.GetRPCMethods(), m.GetRPCMethods())
    ShardBench(acs, quirks=["slow-answers"], sleep=slept.append).boot()
    assert len(slept) == 2
    assert all(0.5 <= seconds <= 3.0 for seconds in slept)


def test_other_devices_answer_at_once() -> None:
    slept: list[float] = []
    ShardBench(serving(m.GetRPCMethods()), sleep=slept.append).boot()
    assert slept == []


def endless() -> Post:
    """An ACS that asks for ever."""
    envelope = encode(Envelope(m.GetRPCMethods(), "1"))
    answers = chain([encode(Envelope(m.InformResponse(), "1"))], repeat(envelope))
    return lambda _: Answer(200, next(answers))


def test_a_session_without_an_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(session_runner, "MAX_EXCHANGES", 30)
    bench = ShardBench(endless)
    bench.boot()
    (record,) = bench.sink.sessions
    assert (record.outcome, record.blame) == (Outcome.FAILED, Blame.ACS)
    assert record.reason == "a session without an end"
    assert len(bench.sink.exchanges) == 30


def test_a_session_that_lasts_too_long_is_ended() -> None:
    def make() -> Post:
        ask = endless()

        def post(body: bytes) -> Answer:
            bench.clock.now += session_runner.MAX_SECONDS / 10
            return ask(body)  # type: ignore[return-value]

        return post

    bench = ShardBench(make)
    bench.boot()
    assert bench.sink.sessions[0].reason == "a session without an end"
    assert len(bench.sink.exchanges) == 11


@pytest.mark.parametrize(("more", "turns"), [(session_runner.SHORT_BYTES, 10), (0, 1)])
def test_long_answers_to_informs_are_read_one_a_turn(
    more: int, turns: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("caretaker.engine.loop_budget.TURN_SECONDS", 0.0)
    gate, turn, seen = gevent.event.Event(), [0], set[int]()

    def next_turn() -> None:
        turn[0] += 1

    def make() -> Post:
        post = serving()()

        def answer(body: bytes) -> bytes:
            if not body:
                seen.add(turn[0])
                return post(body)
            gate.wait()
            return post(body) + b" " * more

        return answer

    bench = ShardBench(make, loop_budget=LoopBudget())
    bench.boot(10)
    watcher = gevent.get_hub().loop.prepare(ref=False)
    watcher.start(next_turn)
    gate.set()
    while bench.sink.counters["sessions.succeeded"] < 10:
        gevent.sleep(0)
    watcher.stop()
    bench.shard.stop()
    assert len(seen) == turns
