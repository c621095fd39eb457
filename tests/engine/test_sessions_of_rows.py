"""Sessions of CPEs that rest are as those of objects, whatever the ACS says, and who asks."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from typing import Any

import gevent
import pytest
from gevent.event import Event
from helpers.engine_benches import (
    DIGEST,
    EMPTY,
    GOOD,
    HOUR,
    SESSIONS,
    STAGES,
    EngineBench,
    Story,
    told,
)
from helpers.wire import HANG, Wire, wire
from hypothesis import given, settings
from hypothesis import strategies as st
from werkzeug.http import parse_dict_header

from caretaker.cwmp.outcome import Outcome
from caretaker.device import plain_answers
from caretaker.device.settings import Behaviors
from caretaker.engine import cpe_store
from caretaker.engine.open_transport import credentials
from caretaker.http.digest import md5
from caretaker.reasons import FENCED
from caretaker.stats.results import Results

PERIODIC = Behaviors(inform_interval=HOUR, dynamic_params=False)


@pytest.fixture
def acs() -> Iterator[Wire]:
    """An ACS that listens; its answers are to be given."""
    with wire() as server:
        yield server


def bench_of(url: str, *, with_engine: bool = True) -> EngineBench:
    """A shard with a CPE that has had its first contact."""
    bench = EngineBench(url, with_engine=with_engine, context={"behaviors": PERIODIC})
    bench.boot()
    return bench


def story(names: list[str], *, rests: bool) -> Story:
    """What comes of sessions with these names; by greenlets where the CPE does not rest."""
    answers = [each for name in ("plain", *names) for each in SESSIONS[name]]
    with wire(*answers) as server:
        bench = bench_of(server.url, with_engine=rests)
        for _ in names:
            bench.period_ends(rests=rests)
            bench.settle()
        box = bench.box
        result = told(bench, server)
        result["next"] = round((box.periodic_due - box.ended_at) / HOUR, 2)
        bench.shard.stop()
    return result


@pytest.mark.parametrize("name", SESSIONS)
def test_a_session_of_a_row_is_the_same_as_that_of_an_object(name: str) -> None:
    names = ["plain", name, "plain"]
    assert story(names, rests=True) == story(names, rests=False)


@pytest.mark.parametrize("name", SESSIONS)
def test_a_row_answers_requests_that_are_known_as_an_object_does(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain_answers, "LOOKED_AT_EVERY", 1)
    names = ["a request", "own values", "a request", "own values", name, name, name, "own values"]
    assert story(names, rests=True) == story(names, rests=False)


@settings(max_examples=15)
@given(st.lists(st.sampled_from(sorted(SESSIONS)), min_size=2, max_size=6))
def test_any_sessions_of_a_row_are_the_same_as_those_of_an_object(names: list[str]) -> None:
    assert story(names, rests=True) == story(names, rests=False)


PLAIN = (
    "plain", "a cookie", "a cookie twice", "Digest", "Digest with opaque", "Digest, then a cookie",
    "Digest of GenieACS", "Digest of easycwmp", "Digest of pyacs", "Basic", "Basic, then a cookie",
)  # fmt: skip


@pytest.mark.parametrize("name", PLAIN)
def test_no_object_is_made_for_the_period_alone(
    acs: Wire, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    acs.answers = [GOOD, EMPTY, GOOD, EMPTY, *SESSIONS[name]]
    bench = bench_of(acs.url)
    bench.period_ends(rests=True)  # from here on the template and the answer are known
    bench.settle()

    def refuse(*_: object) -> None:
        raise AssertionError("an object was made")

    monkeypatch.setattr("caretaker.engine.resting_cpes.restore", refuse)
    bench.shard.cpes._resting._chunks[0].periodic_due[0] = now = time.monotonic()
    bench.shard.cpes._resting._chunks[0].due[0] = now
    bench.shard.scheduler._due_times.add(0, now)
    bench.shard.scheduler.launch_due()
    bench.settle()
    assert [record.outcome for record in bench.sink.sessions] == [Outcome.SUCCEEDED] * 3
    assert bench.shard.cpes.objects == []
    assert bench.shard.cpes.due_of(0) == pytest.approx(now + HOUR)
    bench.shard.cpes.clear()
    bench.shard.stop()


@pytest.mark.parametrize(
    "name", ["own values", "a cookie and a request", "a header", "Digest, a cookie and a request"]
)
def test_no_object_is_made_for_a_request_that_is_known(
    acs: Wire, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setattr(plain_answers, "LOOKED_AT_EVERY", 1)
    acs.answers = [each for of in ("plain", "plain", *[name] * 3) for each in SESSIONS[of]]
    bench = bench_of(acs.url)
    for _ in range(3):
        bench.period_ends(rests=True)
        bench.settle()
    box, now = bench.box, time.monotonic()
    box.periodic_due = now
    box.reschedule(now)
    del box
    bench.shard.cpes._rest(0)

    def refuse(*_: object) -> None:
        raise AssertionError("an object was made")

    monkeypatch.setattr("caretaker.engine.resting_cpes.restore", refuse)
    bench.shard.scheduler._due_times.add(0, now)
    bench.shard.scheduler.launch_due()
    bench.settle()
    assert [record.outcome for record in bench.sink.sessions] == [Outcome.SUCCEEDED] * 5
    names = [record.name for record in bench.sink.exchanges[-3:]]
    assert names == ["Inform", "(empty)", "GetParameterValuesResponse"]
    assert bench.shard.cpes.objects == []
    bench.shard.cpes.clear()
    bench.shard.stop()


@pytest.mark.parametrize("own", ["Username", "Password", "ConnectionRequestUsername"])
def test_a_row_shows_the_credentials_that_its_cpe_has(acs: Wire, own: str) -> None:
    acs.answers = [GOOD, EMPTY, DIGEST, GOOD, EMPTY, DIGEST, GOOD, EMPTY]
    bench = bench_of(acs.url)
    box = bench.box
    box.ensure_overlay().values[f"Device.ManagementServer.{own}"] = "its-own"
    username, password = credentials(box, 0.0)
    del box
    for rests in (True, False):
        bench.period_ends(rests=rests)
        assert (bench.shard.scheduler.active[0].row is not None) == rests
        bench.settle()
        login = parse_dict_header(acs.requests[-1][2]["authorization"].partition(" ")[2])
        secret = md5(f"{username}:acs:{password}")
        middle = f"n1:00000002:{login['cnonce']}:auth"
        assert login["username"] == username
        assert login["response"] == md5(f"{secret}:{middle}:{md5('POST:/acs')}")
    bench.shard.stop()


def test_a_row_in_a_session_is_due_at_no_time(acs: Wire) -> None:
    bench = _in_session(acs, "Inform", rests=True)
    assert 0 in bench.shard.scheduler.active
    assert bench.shard.cpes.due_of(0) == float("inf")
    assert bench.shard.state_of(0) == "in_session"
    bench.shard.stop()


# -- who asks for the CPE meanwhile ---------------------------------------------------------------
# Not while it answers a request for the first time: then it is a row no more.


def _in_session(acs: Wire, stage: str, *, rests: bool) -> EngineBench:
    """A bench whose CPE is in a session that hangs in this exchange."""
    acs.answers, acs.requests[:] = [GOOD, EMPTY], []
    bench = bench_of(acs.url, with_engine=rests)
    acs.answers += [*STAGES[stage], HANG]
    bench.period_ends(rests=rests)
    while len(acs.requests) < 3 + len(STAGES[stage]):
        gevent.sleep(0.001)
    assert (bench.shard.scheduler.active[0].row is not None) == rests
    return bench


ASKS: dict[str, Callable[[EngineBench], object]] = {
    "nobody": lambda _: None,
    "a look": lambda bench: bench.box.pending,
    "Connection Request": lambda bench: bench.shard.connection_request("FLEET-000001"),
    "power cut": lambda bench: bench.shard.power_cut({0: time.monotonic() + 60.0}),
    "power off": lambda bench: bench.shard.power_off([0]),
    "suspended": lambda bench: gevent.get_hub().loop.run_callback(bench.shard.suspend, FENCED),
}


@pytest.mark.parametrize("who", ASKS)
@pytest.mark.parametrize("stage", [stage for stage in STAGES if stage != "answer"])
def test_who_asks_meanwhile_gets_the_cpe_as_it_is(acs: Wire, stage: str, who: str) -> None:
    both = []
    for rests in (True, False):
        bench = _in_session(acs, stage, rests=rests)
        ASKS[who](bench)
        gevent.sleep(0.01)
        results = Results()
        bench.shard.close_books(results)
        counted = {n: number for n, number in results.counters.items() if n[:6] != "engine"}
        cpes = [
            (box.events, box.session_events, box.failures, box.in_session, box.powered)
            for box in bench.shard.cpes.values()
        ]
        records = [(each.events, each.outcome, each.reason) for each in bench.sink.sessions]
        both.append((counted, cpes, records, len(bench.shard.scheduler.active)))
        bench.shard.stop()
    assert both[0] == both[1]


def test_a_connection_request_in_a_session_gets_one_of_its_own(acs: Wire) -> None:
    both = []
    for rests in (True, False):
        acs.answers, acs.requests[:] = [GOOD, EMPTY], []
        bench = bench_of(acs.url, with_engine=rests)
        accepted = Event()

        def ask(_: object, bench: EngineBench = bench, accepted: Event = accepted) -> bytes:
            bench.shard.connection_request("FLEET-000001")
            accepted.set()
            return EMPTY

        acs.answers += [GOOD, ask, GOOD, EMPTY]
        bench.period_ends(rests=rests)
        accepted.wait(60)
        bench.settle()
        both.append([record.events for record in bench.sink.sessions[1:]])
        assert not bench.shard.context.books.discarded
        bench.shard.stop()
    assert both[0] == both[1] == [("2 PERIODIC",), ("6 CONNECTION REQUEST",)]


def test_the_books_of_a_run_that_goes_on_have_what_the_acs_has_accepted(acs: Wire) -> None:
    bench = _in_session(acs, "(empty)", rests=True)
    results = Results()
    bench.shard.book(results)
    assert results.counters["events.raised.2 PERIODIC"] == 1
    assert results.counters["events.delivered.2 PERIODIC"] == 1
    bench.shard.stop()


def test_rows_and_objects_take_turns_in_their_places(
    acs: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(cpe_store, "SMALL_FLEET", 0)
    monkeypatch.setattr(cpe_store, "SPARE", 5)
    acs.answers = [lambda request: GOOD if request[3] else EMPTY] * 200
    behaviors = Behaviors(inform_interval=1, dynamic_params=False)
    bench = EngineBench(acs.url, max_sessions=2, context={"behaviors": behaviors})
    bench.shard.switch_on(range(20), is_running=True)
    bench.shard.start()
    while len(bench.sink.sessions) < 50:
        gevent.sleep(0.001)
    bench.shard.drain(60.0)
    assert {record.outcome for record in bench.sink.sessions} == {Outcome.SUCCEEDED}
    books: Any = bench.shard.context.books
    assert books.raised == books.delivered
    assert books.raised["2 PERIODIC"] == len(bench.sink.sessions)
    bench.shard.stop()


@pytest.mark.parametrize(
    ("name", "objects"), [("plain", 0), ("a cookie", 0), ("Digest", 0), ("Basic", 0)]
)
def test_in_a_small_fleet_a_plain_session_makes_its_cpe_a_row(
    acs: Wire, monkeypatch: pytest.MonkeyPatch, name: str, objects: int
) -> None:
    monkeypatch.setattr(cpe_store, "SPARE", 1)
    answers = SESSIONS[name]
    acs.answers = [lambda request: GOOD if request[3] else EMPTY] * 4
    acs.answers += answers * 4
    bench = bench_of(acs.url)
    bench.shard.switch_on(range(1, 2), is_running=False)
    bench.settle()
    for _ in range(2):
        for index in (0, 1):
            bench.period_ends(rests=False, index=index)
            bench.settle()
    assert len(bench.shard.cpes.objects) - 1 == objects
    bench.shard.stop()
