"""Sessions that the I/O engine carries are as those that greenlets run."""

from __future__ import annotations

import os
import re
import time
from collections import Counter
from collections.abc import Callable, Iterator
from functools import partial
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from gevent.event import Event
from helpers import compiled_engine
from helpers.engine_benches import (
    ASKED,
    COOKIE,
    DIGEST,
    EMPTY,
    GOOD,
    SESSIONS,
    STAGES,
    EngineBench,
    said,
    story,
)
from helpers.wire import HANG, RESET, Wire, needs_ipv6, wire
from hypothesis import given, settings
from hypothesis import strategies as st

from caretaker.cwmp import messages as m
from caretaker.cwmp.outcome import Outcome
from caretaker.device import plain_answers
from caretaker.engine import beginning_line, scheduler
from caretaker.engine.open_transport import credentials
from caretaker.http import io_engine
from caretaker.http.digest import md5
from caretaker.reasons import FENCED
from caretaker.stats.results import Results

KICKED = said(m.KickedResponse(""), "2")
REFUSED = said(m.Fault.of(8000), "2")
HANDED_OVER = {
    "a redirect": "HTTP 302",
    "a redirect elsewhere": "HTTP 302",
    "Digest, and a redirect": "HTTP 302",
    "a cookie, then a redirect": "HTTP 302",
    "a request, then a redirect": "HTTP 302",
    **dict.fromkeys(
        (
            "a request, and an idle connection closed",
            "a request, then no more",
            "Digest, a request, and an idle connection closed",
        ),
        "idle connection closed",
    ),
    "a cookie, and an idle connection closed": "idle connection closed",
    "an idle connection closed": "idle connection closed",
    "Basic, and an idle connection closed": "idle connection closed",
    "Digest, and an idle connection closed": "idle connection closed",
    "Digest, and a connection closed before": "idle connection closed",
    "Digest, then no answer": "idle connection closed",
    "Digest, then a reset": "idle connection closed",
    **dict.fromkeys(
        (
            "chunks",
            "Basic, and chunks",
            "Digest, and chunks",
            "Digest, then a cookie and chunks",
            "chunks of a request",
            "a cookie, then chunks",
            "a request, then chunks",
        ),
        "chunks",
    ),
    **dict.fromkeys(("an interim answer", "an interim answer apart"), "interim answer"),
    **dict.fromkeys(
        (
            "the end of the connection",
            "the end with a challenge",
            "the end with each challenge",
            "the end with an empty challenge",
            "the end while on hold",
            "the end while on hold, said alone",
            "the end with nothing",
            "the end after each answer",
            "the end said alone",
        ),
        "Connection: close",
    ),
    **dict.fromkeys(
        (
            "HTTP 1.0",
            "HTTP 1.0 that keeps alive",
            "HTTP 1.0 without lengths",
            "Digest over HTTP 1.0",
        ),
        "HTTP/1.0",
    ),
    "no HTTP": "no HTTP",
    "bytes after the answer": "bytes after it",
    "a large answer": "large body",
}
"""The sessions of ``SESSIONS`` that a greenlet goes on with, and why."""


@pytest.mark.parametrize("name", SESSIONS)
def test_a_session_is_the_same_carried_and_by_a_greenlet(name: str) -> None:
    names = (name, name, "plain")
    assert story(names, with_engine=True) == story(names, with_engine=False)


@pytest.mark.parametrize("name", SESSIONS)
def test_requests_that_are_known_are_answered_as_by_a_greenlet(
    name: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plain_answers, "LOOKED_AT_EVERY", 1)
    names = ("a request", "own values", "a request", "own values", name, name, name, "own values")
    assert story(names, with_engine=True) == story(names, with_engine=False)


@settings(max_examples=15)
@given(st.lists(st.sampled_from(sorted(SESSIONS)), min_size=2, max_size=6))
def test_any_row_of_sessions_is_the_same_carried_and_by_greenlets(names: list[str]) -> None:
    assert story(names, with_engine=True) == story(names, with_engine=False)


def test_an_answer_to_a_repeated_inform_is_known_for_no_other() -> None:
    names = ("a fault, once more", "the cwmp:ID of a repeated Inform", "plain")
    told = story(names, with_engine=True)
    assert told == story(names, with_engine=False)
    assert [session[2] for session in told["sessions"]] == [
        None, None, "answer with a cwmp:ID that is not the request's", None,
    ]  # fmt: skip


@pytest.mark.parametrize("name", SESSIONS)
def test_only_what_the_engine_can_not_do_is_handed_over(name: str) -> None:
    answers = (each for of in ("plain", name) for each in SESSIONS[of])
    with wire(*answers) as server:
        bench = EngineBench(server.url)
        bench.boot()
        bench.inform()
        handed_over = {HANDED_OVER[name]: 1} if name in HANDED_OVER else {}
        assert (bench.carried, bench.counted("handed_over")) == (2, handed_over)
        bench.shard.stop()


@pytest.fixture
def acs() -> Iterator[Wire]:
    """An ACS that listens; its answers are to be given."""
    with wire() as server:
        yield server


def test_a_plain_session_makes_no_objects_of_its_own(
    acs: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    acs.answers = [GOOD, EMPTY] * 2
    bench = EngineBench(acs.url)
    bench.boot()

    def refuse(*_: object) -> None:
        raise AssertionError("a plain session was told by a CPESession")

    monkeypatch.setattr("caretaker.device.cpe.CPE.cwmp_session", refuse)
    monkeypatch.setattr("caretaker.device.cpe.CPE.informed_session", refuse)
    bench.inform()
    assert [record.outcome for record in bench.sink.sessions] == [Outcome.SUCCEEDED] * 2
    bench.shard.stop()


@pytest.mark.parametrize("with_engine", [True, False])
def test_a_connection_request_after_the_informresponse_gets_a_session_of_its_own(
    acs: Wire, *, with_engine: bool
) -> None:
    """The engine has read the answer that delivers the event, and told nobody yet."""
    bench = EngineBench(acs.url, with_engine=with_engine)
    accepted = Event()

    def ask_again(_: object) -> bytes:
        bench.shard.connection_request("FLEET-000001")
        accepted.set()
        return EMPTY

    acs.answers = [GOOD, EMPTY, GOOD, ask_again, GOOD, EMPTY]
    bench.boot()
    bench.inform("6 CONNECTION REQUEST")
    accepted.wait(60)
    bench.settle()
    events = [record.events for record in bench.sink.sessions]
    assert events[1:] == [("6 CONNECTION REQUEST",)] * 2
    assert not bench.shard.context.books.discarded
    bench.shard.stop()


def test_an_accepted_connection_request_is_answered_before_its_session_begins(acs: Wire) -> None:
    acs.answers = [GOOD, EMPTY] * 2
    bench = EngineBench(acs.url)
    bench.boot()
    bench.shard.connection_request("FLEET-000001")
    assert bench.shard.scheduler.active
    assert len(acs.requests) == 2
    assert bench.shard._carried is not None
    assert bench.shard._carried._line  # the engine has not been asked to connect yet
    bench.settle()
    assert bench.sink.sessions[-1].accepted is not None
    bench.shard.stop()


@pytest.mark.parametrize("answers", [(GOOD, KICKED, EMPTY), (GOOD, EMPTY), (GOOD, REFUSED, EMPTY)])
def test_requests_of_the_cpe_come_before_its_empty_post(
    acs: Wire, answers: tuple[bytes, ...]
) -> None:
    told = []
    for with_engine in (True, False):
        acs.answers = [GOOD, EMPTY, *answers]
        bench = EngineBench(acs.url, with_engine=with_engine)
        bench.boot()
        bench.box.ask(m.Kicked("", "", "", ""), time.monotonic())
        bench.shard.reschedule(bench.box)
        bench.settle()
        names = [(record.name, record.reason) for record in bench.sink.exchanges]
        told.append((names, bench.box.events, bench.box.requests, bench.shard.context.books))
        bench.shard.stop()
    assert told[0] == told[1]
    assert told[0][0][3] == ("Kicked", told[0][0][3][1])


# -- ends from outside ----------------------------------------------------------------------------


def _in_session(acs: Wire, bench: EngineBench, *answers: Any) -> None:
    """Have the first CPE begin a session that hangs after these answers."""
    acs.answers = [GOOD, EMPTY, *answers, HANG]
    bench.boot()
    acs.answers[-1:] = [HANG]
    box = bench.box
    box.raise_event(m.EventStruct("2 PERIODIC"), time.monotonic())
    bench.shard.reschedule(box)
    wanted = 2 + len(answers) + 1
    while len(acs.requests) < wanted:
        gevent.sleep(0.001)


@pytest.mark.parametrize("answers", STAGES.values(), ids=STAGES)
def test_a_power_cut_ends_a_carried_session_where_it_is(
    acs: Wire, answers: tuple[Any, ...]
) -> None:
    bench = EngineBench(acs.url)
    _in_session(acs, bench, *answers)
    bench.shard.power_cut({0: time.monotonic() + 60.0})
    assert bench.sink.sessions[-1].outcome is Outcome.ABANDONED
    assert not bench.shard.scheduler.active
    assert bench.box.events[-1].event_code == "1 BOOT"
    _assert_balanced(bench)
    bench.shard.stop()


ENDS: dict[str, Callable[[EngineBench], object]] = {
    "power cut": lambda bench: bench.shard.power_cut({0: time.monotonic() + 60.0}),
    "power off": lambda bench: bench.shard.power_off([0]),
    "suspended": lambda bench: gevent.get_hub().loop.run_callback(bench.shard.suspend, FENCED),
}


@pytest.mark.parametrize("end", ENDS)
@pytest.mark.parametrize("answers", STAGES.values(), ids=STAGES)
def test_what_an_acs_had_accepted_stays_delivered_when_the_session_is_cut(
    acs: Wire, answers: tuple[Any, ...], end: str
) -> None:
    told = []
    for with_engine in (True, False):
        acs.answers, acs.requests[:] = [GOOD, EMPTY, *answers, HANG], []
        bench = EngineBench(acs.url, with_engine=with_engine)
        bench.boot()
        box, context = bench.box, bench.shard.context
        bench.shard.connection_request(box.url_name)
        while len(acs.requests) < 3 + len(answers):
            gevent.sleep(0.001)
        ENDS[end](bench)
        bench.settle()
        record = bench.sink.sessions[-1]
        times = record.inform_sent is not None, record.informed is not None
        exchanges = [each.name for each in bench.sink.exchanges]
        told.append((times, box.events, context.books, context.accepted.ends, exchanges))
        bench.shard.stop()
    assert told[0] == told[1]


def test_what_is_told_of_a_session_and_not_handled_yet_is_taken_up(acs: Wire) -> None:
    """A Connection Request may come between the last answer and the end of its session."""
    acs.answers = [GOOD, EMPTY] * 3
    bench = EngineBench(acs.url)
    bench.boot()
    carried = bench.shard._carried
    assert carried is not None
    hear, events = carried._hear, list[Any]()

    def hear_and_ask(told: Any) -> None:
        hear(told)
        if not events:
            events.extend(told)
            bench.shard.connection_request("FLEET-000001")

    assert carried._io is not None
    carried._io._handle = hear_and_ask
    bench.inform("6 CONNECTION REQUEST")
    bench.settle()
    assert [record.events for record in bench.sink.sessions[1:]] == [("6 CONNECTION REQUEST",)] * 2
    assert not bench.shard.context.books.discarded
    bench.shard.stop()


def test_a_connection_that_was_handed_over_to_nobody_is_closed_at_the_end(acs: Wire) -> None:
    bench = EngineBench(acs.url)
    _in_session(acs, bench)
    carried = bench.shard._carried
    assert carried is not None
    assert carried._io is not None
    detached = carried._io.detach(bench.shard.scheduler.active[0].token)
    assert detached is not None
    carried._events.put(detached)
    bench.shard.stop()
    with pytest.raises(OSError, match="Bad file descriptor"):
        os.fstat(detached[8])


@pytest.mark.parametrize("answers", STAGES.values(), ids=STAGES)
def test_a_suspended_shard_ends_carried_sessions_as_the_generator_s_limit(
    acs: Wire, answers: tuple[Any, ...]
) -> None:
    bench = EngineBench(acs.url)
    _in_session(acs, bench, *answers)
    bench.shard.suspend(FENCED)
    bench.settle()
    record = bench.sink.sessions[-1]
    assert (record.outcome, record.reason) == (Outcome.FAILED, FENCED)
    bench.shard.start()
    _assert_balanced(bench)
    bench.shard.stop()


@pytest.mark.parametrize("first", ["suspended", "cut"])
def test_a_session_that_is_suspended_and_loses_its_power_ends_once(
    first: str, acs: Wire, capfd: pytest.CaptureFixture[str]
) -> None:
    bench = EngineBench(acs.url)
    _in_session(acs, bench)
    suspend, cut = (
        partial(bench.shard.suspend, FENCED),
        partial(bench.shard.scheduler.cut, [bench.box]),
    )
    for end in (suspend, cut) if first == "suspended" else (cut, suspend):
        end()  # in the same turn of the loop
    bench.settle()
    assert len(bench.sink.sessions) == 2  # that of the first contact, and this one
    assert not bench.shard.scheduler.active
    assert "Traceback" not in capfd.readouterr().err
    _assert_balanced(bench)
    bench.shard.stop()


def test_after_the_end_of_the_lease_nothing_is_sent(acs: Wire) -> None:
    bench = EngineBench(acs.url)

    def fence(_: object) -> bytes:
        bench.shard.may_send_until(time.monotonic())
        return GOOD

    acs.answers = [GOOD, EMPTY, fence, EMPTY]
    bench.boot()
    bench.inform()
    record = bench.sink.sessions[-1]
    assert (record.outcome, record.reason) == (Outcome.FAILED, FENCED)
    assert record.informed is not None
    assert len(acs.requests) == 3
    bench.inform()
    assert (bench.sink.sessions[-1].reason, len(acs.requests)) == (FENCED, 3)
    bench.shard.stop()


def test_a_draining_shard_lets_carried_sessions_end_and_begins_no_more(acs: Wire) -> None:
    gate = Event()

    def wait(_: object) -> bytes:
        gate.wait(60)
        return EMPTY

    acs.answers = [GOOD, EMPTY, GOOD, wait]
    bench = EngineBench(acs.url)
    bench.boot()
    bench.box.raise_event(m.EventStruct("2 PERIODIC"), time.monotonic())
    bench.shard.reschedule(bench.box)
    gevent.spawn_later(0.05, gate.set)
    bench.shard.drain(60.0)
    assert bench.sink.sessions[-1].outcome is Outcome.SUCCEEDED
    bench.shard.stop()


@pytest.mark.parametrize("with_engine", [True, False])
def test_what_runs_at_the_end_is_in_the_books(acs: Wire, *, with_engine: bool) -> None:
    bench = EngineBench(acs.url, with_engine=with_engine)
    _in_session(acs, bench, GOOD)
    results = Results()
    bench.shard.book(results)
    assert results.counters["informs.total"] == 1  # beside that of the session which is over
    waits = results.histograms_with_prefix("sessions.unfinished_waits")
    assert list(waits) == ["acs.the answer to the empty POST"]
    assert results.counters["events.delivered.2 PERIODIC"] == 1
    bench.shard.stop()


def _at_the_end(answers: tuple[Any, ...], *, with_engine: bool) -> Any:
    """The books of a run that ends while a session hangs after these answers."""
    with wire() as acs:
        bench = EngineBench(acs.url, with_engine=with_engine)
        _in_session(acs, bench, *answers)
        bench.shard.drain(0.0)
        results = Results()
        bench.shard.close_books(results)
        bench.shard.abandon()
    counts = {name: n for name, n in results.counters.items() if not name.startswith("engine.")}
    return counts, {name: times.count for name, times in results.histograms.items()}


@pytest.mark.parametrize("answers", STAGES.values(), ids=STAGES)
def test_a_run_that_ends_in_a_session_has_the_same_books(answers: tuple[Any, ...]) -> None:
    told = _at_the_end(answers, with_engine=True)
    assert told == _at_the_end(answers, with_engine=False)
    assert any(name.startswith("sessions.unfinished_waits.acs.") for name in told[1])


def _assert_balanced(bench: EngineBench) -> None:
    books = bench.shard.context.books
    ends = Counter(books.delivered)
    for event in bench.box.pending:
        ends[event.event_code] += 1
    for (code, _), number in books.discarded.items():
        ends[code] += number
    assert +ends == +Counter(books.raised)


def _by_request(request: tuple[int, str, dict[str, str], bytes]) -> bytes:
    """The answer of an ACS that has nothing to ask, whichever session comes first."""
    return GOOD if request[3] else EMPTY


# -- many -----------------------------------------------------------------------------------------


def test_no_more_sessions_run_than_there_are_places_and_none_is_forgotten(acs: Wire) -> None:
    acs.answers = [_by_request] * 200
    bench = EngineBench(acs.url, max_sessions=3)
    seen: set[int] = set()
    for index in range(50):
        bench.shard.power_on(index)
    bench.shard.start()
    while len(bench.sink.sessions) < 50:
        gevent.sleep(0)
        seen.add(len(bench.shard.scheduler.active))
    assert max(seen) == 3
    assert {record.outcome for record in bench.sink.sessions} == {Outcome.SUCCEEDED}
    bench.shard.stop()


def test_a_herd_is_begun_over_many_turns_of_the_loop(
    acs: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    acs.answers = [_by_request] * 100
    monkeypatch.setattr(beginning_line, "BEGIN_SECONDS", 0.0)
    monkeypatch.setattr(scheduler, "LONGEST_TURN", 60.0)  # all come up in the first
    bench = EngineBench(acs.url, max_sessions=100)
    for index in range(20):
        bench.shard.power_on(index)
    bench.shard.start()
    assert bench.shard._carried is not None
    left = len(bench.shard._carried._line)
    assert left == 20
    while bench.shard._carried._line:
        gevent.sleep(0)
        left, before = len(bench.shard._carried._line), left
        assert before - left <= 2
    bench.settle()
    assert len(bench.sink.sessions) == 20
    bench.shard.stop()


def test_a_bug_in_one_session_leaves_the_others(
    acs: Wire, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    acs.answers = [GOOD, EMPTY] * 3
    bench = EngineBench(acs.url)
    bench.boot()
    with monkeypatch.context() as broken:
        broken.setattr(bench.sink, "exchange", lambda _: 1 / 0)
        bench.inform()
    assert bench.sink.sessions[-1].reason == "bug of Caretaker"
    bench.inform()
    assert bench.sink.sessions[-1].outcome is Outcome.SUCCEEDED
    bench.shard.stop()


# -- addresses ------------------------------------------------------------------------------------


def test_each_cpe_connects_from_its_own_source_address(acs: Wire) -> None:
    acs.answers = [_by_request] * 8
    bench = EngineBench(acs.url, sources=("127.0.0.2", "127.0.0.3"))
    bench.boot(4)
    assert sorted(acs.peers) == ["127.0.0.2"] * 2 + ["127.0.0.3"] * 2
    assert bench.carried == 4
    bench.shard.stop()


@needs_ipv6
def test_ipv6_is_carried() -> None:
    with wire(GOOD, EMPTY, host="::1") as server:
        bench = EngineBench(server.url)
        bench.boot()
        assert (bench.carried, bench.sink.sessions[0].outcome) == (1, Outcome.SUCCEEDED)
        bench.shard.stop()


def test_another_address_of_the_host_is_tried_by_a_greenlet(acs: Wire) -> None:
    acs.answers = [GOOD, EMPTY] * 2
    bench = EngineBench(acs.url)
    good = bench.endpoint.addresses(bench.endpoint.address)
    family, (_, port) = good[0]
    good.insert(0, (family, ("127.0.0.77", port)))  # the server listens at 127.0.0.1 alone
    bench.boot()
    bench.inform()
    assert [record.outcome for record in bench.sink.sessions] == [Outcome.SUCCEEDED] * 2
    assert bench.counted("handed_over") == {"another address": 1}
    bench.shard.stop()


def test_the_first_of_several_addresses_has_its_share_of_the_time(
    acs: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    """As for a greenlet (``Connection``), so that one that drops packets leaves time."""
    acs.answers = [GOOD, EMPTY] * 2
    module, left = compiled_engine.required(), list[float]()

    class Watched:
        def __init__(self, most: int, timeout: float) -> None:
            self.engine = module.Engine(most, timeout)

        def __getattr__(self, name: str) -> Any:
            return getattr(self.engine, name)

        def begin(self, *given: Any) -> None:
            left.append(given[-1] - time.monotonic())
            self.engine.begin(*given)

    watched = SimpleNamespace(Engine=Watched, socket_address=module.socket_address)
    monkeypatch.setattr(compiled_engine, "required", lambda: watched)
    bench = EngineBench(acs.url)
    bench.boot()
    addresses = bench.endpoint.addresses(bench.endpoint.address)
    addresses += [(2, ("127.0.0.77", 9)), (2, ("127.0.0.78", 9))]
    bench.endpoint._at_once.clear()
    bench.inform()
    assert [limit <= part for limit, part in zip(left, (60, 20), strict=True)] == [True, True]
    bench.shard.stop()


def test_an_acs_that_refuses_connections_fails_the_session() -> None:
    with wire() as server:
        url = server.url
    bench = EngineBench(url)
    bench.boot()
    assert bench.sink.sessions[0].reason == "connection refused"
    assert bench.sink.sessions[0].inform_sent is None
    bench.shard.stop()


@pytest.mark.parametrize(
    ("answers", "reason"),
    [((HANG,), "no answer in time"), ((GOOD, HANG), "no answer in time"), ((RESET,), None)],
)
def test_answers_that_do_not_come(acs: Wire, answers: tuple[Any, ...], reason: str | None) -> None:
    bench = EngineBench(acs.url)
    silent = (bench.fall_silent if each is HANG else each for each in answers)
    acs.answers = [GOOD, EMPTY, *silent]
    bench.boot()
    bench.inform()
    assert bench.sink.sessions[-1].reason == (reason or "connection reset")
    bench.shard.stop()


def test_a_cookie_is_sent_in_the_rest_of_its_session_and_in_no_other(acs: Wire) -> None:
    acs.answers = [GOOD, EMPTY, said(m.InformResponse(), "1", COOKIE), EMPTY, GOOD, EMPTY]
    bench = EngineBench(acs.url)
    bench.boot()
    bench.inform()
    bench.inform()
    cookies = [headers.get("cookie") for _, _, headers, _ in acs.requests]
    assert cookies == [None, None, None, "session=a1", None, None]
    bench.shard.stop()


def test_cookies_of_a_known_kind_are_sent_back_by_the_engine_itself(acs: Wire) -> None:
    setting = [said(m.InformResponse(), "1", f"Set-Cookie: s={at}; Path=/") for at in range(4)]
    acs.answers = [
        GOOD, EMPTY, setting[0], EMPTY, setting[1], EMPTY, setting[2], ASKED, EMPTY,
        DIGEST, setting[3], ASKED, EMPTY,
    ]  # fmt: skip
    bench = EngineBench(acs.url)
    bench.boot()
    bench.inform()
    assert bench.shard._carried is not None
    io, heard = bench.shard._carried._io, list[int]()
    assert io is not None
    handle = io._handle

    def hear(events: list[io_engine.Event]) -> None:
        heard.extend(event[0] for event in events)
        handle(events)

    io._handle = hear
    for _ in range(3):
        bench.inform()
    one = [io_engine.ANSWER, io_engine.DONE]
    assert heard == [io_engine.DONE, *one, io_engine.ANSWER, *one]
    cookies = [headers.get("cookie") for _, _, headers, _ in acs.requests]
    assert cookies == [
        None, None, None, "s=0", None, "s=1", None, "s=2", "s=2", None, None, "s=3", "s=3",
    ]  # fmt: skip
    logins = [
        _LOGIN.fullmatch(headers.get("authorization", "")) for _, _, headers, _ in acs.requests
    ]
    assert [int(login["nc"]) for login in logins[-3:] if login is not None] == [1, 2, 3]
    bench.shard.stop()


_LOGIN = re.compile(
    'Digest username="(?P<username>[^"]*)", realm="acs", nonce="(?P<nonce>[^"]*)", uri="/acs", '
    'qop=auth, nc=(?P<nc>[0-9a-f]{8}), cnonce="(?P<cnonce>[0-9a-f]{16})", '
    'response="(?P<response>[^"]*)"'
)


@pytest.mark.parametrize(
    ("name", "uses"),
    [
        ("Digest", ["n1/1", "n1/2"]),
        ("Digest, then a cookie", ["n1/1", "n1/2"]),
        ("Digest and a request", ["n1/1", "n1/2", "n1/3"]),
        ("Digest and another InformResponse", ["n1/1", "n1/2"]),
        ("Digest, stale", ["n1/1", "n2/1", "n2/2"]),
        ("Digest, stale later", ["n1/1", "n1/2", "n2/1"]),
        ("Digest, and another nonce next", ["n1/1", "n1/2"]),
    ],
)
def test_each_answer_to_a_challenge_is_right(acs: Wire, name: str, uses: list[str]) -> None:
    """The uses of a nonce are counted, each has a cnonce of its own, and the hashes are right."""
    acs.answers = [GOOD, EMPTY, *SESSIONS[name] * 2]
    bench = EngineBench(acs.url)
    bench.boot()
    found = []
    for _ in range(2):
        acs.requests.clear()
        bench.inform()
        shown = [headers.get("authorization") for _, _, headers, _ in acs.requests]
        logins = [_LOGIN.fullmatch(header) for header in shown if header is not None]
        found += [login.groupdict() for login in logins if login is not None]
    assert [f"{login['nonce']}/{int(login['nc'], 16)}" for login in found] == uses * 2
    nonces = 2 * len({use.partition("/")[0] for use in uses})
    assert len({(login["nonce"], login["cnonce"]) for login in found}) == nonces
    username, password = credentials(bench.box, 0.0)
    secret, target = md5(f"{username}:acs:{password}"), md5("POST:/acs")
    for login in found:
        middle = f"{login['nonce']}:{login['nc']}:{login['cnonce']}:auth"
        assert login["username"] == username
        assert login["response"] == md5(f"{secret}:{middle}:{target}")
    bench.shard.stop()


def test_a_cpe_that_the_acs_has_renamed_shows_its_own_credentials(acs: Wire) -> None:
    acs.answers = [GOOD, EMPTY, DIGEST, GOOD, EMPTY]
    bench = EngineBench(acs.url)
    bench.boot()
    values = bench.box.ensure_overlay().values
    values["Device.ManagementServer.Username"] = 'an "own" name'
    bench.inform()
    shown = acs.requests[-1][2]["authorization"]
    assert shown.startswith(r'Digest username="an \"own\" name", ')
    bench.shard.stop()


def test_informresponses_that_are_known_are_bounded(
    acs: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(io_engine, "MAX_KNOWN", 3)
    bench = EngineBench(acs.url)
    acs.answers = [each for number in range(8) for each in (said(m.InformResponse(number)), EMPTY)]
    bench.boot()
    for _ in range(7):
        bench.inform()
    assert bench.shard._carried is not None
    assert bench.shard._carried._io is not None
    assert len(bench.shard._carried._io.known) <= 3
    assert {record.outcome for record in bench.sink.sessions} == {Outcome.SUCCEEDED}
    bench.shard.stop()
