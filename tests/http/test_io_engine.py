"""The I/O engine on real sockets, with a server that does what servers do."""

from __future__ import annotations

import os
import socket
from collections.abc import Iterator
from math import inf
from time import monotonic
from typing import Any

import gevent
import gevent.socket
import pytest
from helpers import compiled_engine
from helpers.engine_events import EMPTY, GOOD, INFORM, KNOWN, LARGE, NOTHING, PATIENCE, EngineBench
from helpers.wire import answer, needs_ipv6

from caretaker.errors import ConnectError
from caretaker.http import io_engine
from caretaker.http.connection import Connection, Handover
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.io_engine import (
    ANSWER,
    ANSWERED,
    CONNECTING,
    DETACHED,
    DONE,
    RECEIVING,
    SENDING,
)
from caretaker.http.sockets import Target

pytestmark = pytest.mark.sockets

CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nhi\r\n0\r\n\r\n"


@pytest.fixture
def bench() -> Iterator[EngineBench]:
    opened = EngineBench()
    yield opened
    opened.close()


# -- exchanges -------------------------------------------------------------------------------------


def test_the_numbers_of_events_and_stages_are_those_of_the_extension() -> None:
    module = compiled_engine.required()
    names = ["DONE", "ANSWER", "DETACHED", "FAILED"]
    names += ["CONNECTING", "SENDING", "RECEIVING", "ANSWERED"]
    assert [getattr(io_engine, name) for name in names] == [getattr(module, name) for name in names]


@pytest.mark.parametrize("last", [NOTHING, answer(), answer("204 No Content")])
def test_after_a_known_body_the_next_request_follows_by_itself(
    bench: EngineBench, last: bytes
) -> None:
    before = monotonic()
    peer = bench.informed().say(last)
    kind, token, started, sent_at, known, known_at, at = bench.next()
    assert (kind, token, known) == (DONE, 1, KNOWN)
    assert before <= started <= sent_at <= known_at <= at <= monotonic()
    assert peer.end() == b""
    assert bench.engine.active == 0


def test_the_last_answer_may_close(bench: EngineBench) -> None:
    bench.informed().say(answer("204 No Content", b"", "Connection: close"))
    assert bench.next()[0] == DONE


def test_an_answer_that_is_not_known_is_told(bench: EngineBench) -> None:
    peer = bench.begin(1, INFORM, EMPTY).hear(INFORM).say(GOOD)
    event = bench.next()
    assert (event[0], event[4], *event[7:]) == (
        ANSWER,
        None,
        200,
        GOOD.partition(b"\r\n\r\n")[0],
        KNOWN,
        None,
    )
    bench.engine.post(1, EMPTY, None, ends=True)
    peer.hear(EMPTY).say(NOTHING)
    assert bench.next()[0] == DONE


def test_heads_that_repeat_are_the_same_object(bench: EngineBench) -> None:
    peer = bench.begin(1, INFORM).hear(INFORM).say(GOOD)
    first = bench.next()
    bench.engine.post(1, EMPTY, None, ends=False)
    peer.hear(EMPTY).say(GOOD)
    assert bench.next()[8] is first[8]


@pytest.mark.parametrize(
    ("head", "status"),
    [
        (("200 OK", KNOWN, "Set-Cookie: a=b"), 200),
        (("200 OK", KNOWN, "Content-Encoding: gzip"), 200),
        (("401 Unauthorized", KNOWN, 'WWW-Authenticate: Digest realm="x"'), 401),
        (("503 Busy", KNOWN), 503),
        (("200 OK", b""), 200),
        (("204 No Content", b""), 204),
    ],
)
def test_what_somebody_must_look_at_is_told(
    bench: EngineBench, head: tuple[Any, ...], status: int
) -> None:
    bench.engine.know(KNOWN)
    bench.begin(1, INFORM, EMPTY).hear(INFORM).say(answer(*head))
    event = bench.next()
    assert (event[0], event[4], event[7], event[9]) == (ANSWER, None, status, head[1])


def test_a_request_of_the_server_is_answered_on_the_same_connection(bench: EngineBench) -> None:
    peer = bench.informed().say(answer(body=b"GetParameterValues"))
    event = bench.next()
    assert (event[0], event[4], event[9]) == (ANSWER, KNOWN, b"GetParameterValues")
    assert event[2] <= event[3] <= event[5] <= event[6]
    bench.engine.post(1, INFORM, None, ends=True)
    peer.hear(INFORM).say(NOTHING)
    kind, _, _, _, known, known_at, _ = bench.next()
    assert (kind, known, known_at) == (DONE, None, 0)


def test_after_a_challenge_the_request_that_follows_is_given_anew(bench: EngineBench) -> None:
    bench.engine.know(KNOWN)
    peer = bench.begin(1, INFORM, EMPTY).hear(INFORM).say(answer("401 No"))
    assert bench.next()[7] == 401
    bench.engine.post(1, INFORM + b"!", EMPTY + b"!", ends=False)
    peer.hear(INFORM + b"!").say(GOOD).hear(EMPTY + b"!").say(NOTHING)
    assert bench.next()[0] == DONE


@pytest.mark.parametrize("cut", [1, 8, 9, 12, 15, 16, 17, 18, 30, len(GOOD) - 1])
def test_answers_come_in_pieces(bench: EngineBench, cut: int) -> None:
    bench.engine.know(KNOWN)
    peer = bench.begin(1, INFORM, EMPTY).hear(INFORM)
    peer.say(GOOD[:cut], GOOD[cut:]).hear(EMPTY).say(NOTHING[:cut], NOTHING[cut:])
    assert bench.next()[0] == DONE


def test_an_answer_comes_byte_by_byte(bench: EngineBench) -> None:
    body = b"x" * 300
    bench.begin(1, INFORM).hear(INFORM).say(*[bytes([each]) for each in answer(body=body)])
    assert bench.next()[9] == body


def test_the_largest_body_is_read(bench: EngineBench) -> None:
    body = os.urandom(65536)
    bench.begin(1, INFORM).hear(INFORM).say(answer(body=body))
    assert bench.next()[9] == body


def test_bodies_are_known_as_long_as_there_is_room() -> None:
    engine = compiled_engine.required().Engine(1, 1.0)
    assert engine.know(b"x" * 4096)
    assert not engine.know(b"x" * 4097)
    assert not engine.know(b"")


def test_a_body_is_forgotten_after_64_others(bench: EngineBench) -> None:
    for number in range(65):
        bench.engine.know(b"%d" % number)
    for token, is_known in ((0, False), (64, True)):
        peer = bench.begin(token, INFORM, EMPTY).hear(INFORM).say(answer(body=b"%d" % token))
        if is_known:
            peer.hear(EMPTY).say(NOTHING)
        assert bench.next()[0] == (DONE if is_known else ANSWER)


# -- what is handed over ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "said",
    [
        pytest.param(CHUNKED, id="chunked"),
        pytest.param(b"HTTP/1.1 100 Continue\r\n\r\n", id="interim"),
        pytest.param(b"HTTP/1.0 200 OK\r\n\r\n", id="an old version"),
        pytest.param(b"SSH-2.0", id="another protocol"),
        pytest.param(GOOD + b"more", id="two answers"),
        pytest.param(answer("200 OK", b"", "Upgrade: h2c"), id="upgrade"),
        pytest.param(answer("200 OK", KNOWN, "Connection: close"), id="close in the middle"),
        pytest.param(answer("401 No", b"", "Connection: close"), id="close with a challenge"),
        pytest.param(answer("200 OK", b"", "X: " + "y" * 2048), id="a large head"),
        pytest.param(b"HTTP/1.1 200 OK\r\nX: " + b"y" * 2048, id="a large head without an end"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 65537\r\n\r\n", id="a large body"),
        pytest.param(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n X: y", id="a folded header"),
    ],
)
def test_what_is_not_plain_is_handed_over_with_its_bytes(bench: EngineBench, said: bytes) -> None:
    bench.engine.know(KNOWN)
    peer = bench.begin(1, INFORM, EMPTY).hear(INFORM).say(said)
    kind, _, _, sent_at, known, _, _, stage, descriptor, rest, received, _ = bench.next()
    assert (kind, known, stage, rest) == (DETACHED, None, RECEIVING, b"")
    assert received == said
    assert sent_at > 0
    assert bench.engine.active == 0
    os.close(descriptor)
    assert peer.end() == b""


def taken_over(bench: EngineBench, event: Any) -> Connection:
    """A greenlet's connection that goes on where the engine has ended."""
    kind, _, _, sent_at, known, _, _, stage, descriptor, rest, received, _ = event
    assert kind == DETACHED
    endpoint = Endpoint(Address.of("http://127.0.0.1/"))
    return Connection(
        endpoint,
        endpoint.address,
        handover=Handover(
            descriptor,
            connecting=stage == CONNECTING,
            answers=int(known is not None) + (stage == ANSWERED),
            rest=rest if stage != ANSWERED else None,
            received=received,
            sent_at=(sent_at or None) if stage == RECEIVING else None,
        ),
    )


@pytest.mark.parametrize(
    ("begun", "rest"),
    [(CHUNKED[:20], CHUNKED[20:]), (CHUNKED[:-1], CHUNKED[-1:]), (CHUNKED, b"")],
)
def test_a_greenlet_goes_on_with_the_answer(bench: EngineBench, begun: bytes, rest: bytes) -> None:
    peer = bench.begin(1, INFORM).hear(INFORM).say(begun)
    event: Any = bench.engine.detach(1) if begun == CHUNKED[:20] else bench.next()
    with_greenlet = taken_over(bench, event)
    saying = gevent.spawn(peer.say, rest)
    response = with_greenlet.request(b"is not sent", b"again")
    assert (response.status, response.body, with_greenlet.sent_at) == (200, b"hi", event[3])
    saying.join()
    with_greenlet.close()
    assert peer.end() == b""


def test_a_greenlet_goes_on_after_an_answer(bench: EngineBench) -> None:
    peer = bench.begin(1, INFORM).hear(INFORM).say(GOOD)
    assert bench.next()[0] == ANSWER
    event = bench.engine.detach(1)
    assert event is not None
    assert event[7] == ANSWERED
    connection = taken_over(bench, event)
    saying = gevent.spawn(lambda: peer.hear(EMPTY).say(NOTHING))
    assert connection.request(EMPTY, b"").status == 204
    assert connection.answers == 2
    saying.join()
    connection.close()


def test_a_greenlet_goes_on_sending(bench: EngineBench) -> None:
    request = b"x" * LARGE
    peer = bench.begin(1, request)
    event = bench.engine.detach(1)
    assert event is not None
    assert event[7] == SENDING
    assert request.endswith(event[9])
    connection = taken_over(bench, event)
    saying = gevent.spawn(lambda: peer.hear(request).say(GOOD))
    assert connection.request(request, b"").body == KNOWN
    saying.join()
    connection.close()


# -- sending ---------------------------------------------------------------------------------------


def test_a_large_request_leaves_in_pieces(bench: EngineBench) -> None:
    request = os.urandom(LARGE)
    bench.begin(1, request).hear(request).say(GOOD)
    event = bench.next()
    assert (event[0], event[9]) == (ANSWER, KNOWN)


def test_a_large_request_follows_in_pieces(bench: EngineBench) -> None:
    following = os.urandom(LARGE)
    bench.engine.know(KNOWN)
    bench.begin(1, INFORM, following).hear(INFORM).say(GOOD).hear(following).say(NOTHING)
    assert bench.next()[0] == DONE


def test_a_server_may_answer_before_it_has_the_whole_request(bench: EngineBench) -> None:
    request = os.urandom(LARGE)
    bench.begin(1, request).say(GOOD).hear(request)
    assert bench.next()[9] == KNOWN


@needs_ipv6
def test_ipv6() -> None:
    bench = EngineBench("::1")
    bench.informed().say(NOTHING)
    assert bench.next()[0] == DONE
    bench.close()


def test_a_source_address(bench: EngineBench) -> None:
    family, address = bench.target.family, bench.target.address
    peer = bench.begin(1, INFORM, target=Target(family, address, "127.0.0.9")).hear(INFORM)
    assert peer.socket.getpeername()[0] == "127.0.0.9"


def test_a_greenlet_goes_on_connecting(bench: EngineBench) -> None:
    with socket.socket() as full, socket.socket() as first, socket.socket() as second:
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        for waiting in (first, second):
            waiting.setblocking(False)
            waiting.connect_ex(full.getsockname())
        target = Target(socket.AF_INET, full.getsockname())
        bench.engine.begin(1, target, INFORM, None, inf)
        event: Any = bench.engine.detach(1)
        assert (event[7], event[9]) == (CONNECTING, INFORM)
        full.close()
        connecting = gevent.spawn(taken_over, bench, event)
        with pytest.raises(ConnectError, match="connection refused"):
            connecting.get(timeout=PATIENCE)


def test_it_is_told_how_far_a_connection_is(bench: EngineBench) -> None:
    peer = bench.informed()
    progress = bench.engine.progress(1)
    assert progress is not None
    sent_at, known, known_at, head = progress
    assert 0 < sent_at <= known_at <= monotonic()
    assert (known, head) == (KNOWN, None)
    peer.say(NOTHING)
    assert (*bench.next()[3:6], None) == progress
    assert bench.engine.progress(1) is None
