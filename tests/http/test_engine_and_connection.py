"""Whatever a server says, in whatever pieces: the I/O engine ends as a greenlet's connection."""

from __future__ import annotations

from contextlib import closing
from typing import Any

import gevent
import pytest
from helpers.engine_events import EMPTY, INFORM, EngineBench
from helpers.wire import answer
from hypothesis import example, given, settings
from hypothesis import strategies as st

from caretaker.errors import ConnectionLost, TransportError
from caretaker.http.connection import Connection, Handover
from caretaker.http.endpoint import Address, Endpoint
from caretaker.http.io_engine import ANSWER, DETACHED, FAILED, RECEIVING
from caretaker.http.response_parser import Response, plain_response

pytestmark = pytest.mark.sockets

Outcome = tuple[int, list[tuple[str, str]], bytes] | str


def said(bench: EngineBench, pieces: list[bytes]) -> None:
    """A server that answers with these pieces, and closes."""
    peer = bench.accept()
    peer.hear(INFORM).say(*pieces).close()


def outcome_of(response: Response) -> Outcome:
    return response.status, list(response.headers), response.body


def of_a_connection(bench: EngineBench, pieces: list[bytes]) -> Outcome:
    """What a greenlet's connection makes of the pieces."""
    serving = gevent.spawn(said, bench, pieces)
    endpoint = Endpoint(Address.of(f"http://127.0.0.1:{bench.target.address[1]}/"))
    connection = Connection(endpoint, endpoint.address)
    outcome = answered(connection)
    serving.join()
    return outcome


def answered(connection: Connection) -> Outcome:
    try:
        return outcome_of(connection.request(INFORM, b""))
    except TransportError as error:
        return f"{type(error).__name__}: {error.reason}"
    finally:
        connection.close()


def of_an_engine(bench: EngineBench, pieces: list[bytes]) -> Outcome:
    """What the engine makes of them, and a greenlet that it hands its connection to."""
    serving = gevent.spawn(said, bench, pieces)
    bench.engine.begin(1, bench.target, INFORM, EMPTY, 1e9)
    outcome = told(bench.next())
    if bench.engine.active:
        bench.engine.drop(1, reset=False)
    serving.join()
    return outcome


def told(event: Any) -> Outcome:
    if event[0] == ANSWER:
        response = plain_response(event[8] + b"\r\n\r\n" + event[9])
        assert response is not None
        assert response.status == event[7]
        return outcome_of(response)
    if event[0] == FAILED:
        stage, error, received = event[7:10]
        assert (stage, error) == (RECEIVING, 0)
        where = "in the middle of an answer" if received else "without an answer"
        return f"{ConnectionLost.__name__}: connection closed {where}"
    kind, _, _, sent_at, _, _, _, _, descriptor, rest, received, _ = event
    assert kind == DETACHED
    handover = Handover(descriptor, rest=rest, received=received, sent_at=sent_at)
    endpoint = Endpoint(Address.of("http://127.0.0.1/"))
    return answered(Connection(endpoint, endpoint.address, handover=handover))


_LINES = ["HTTP/1.1 200 OK", "HTTP/1.1 204 No Content", "HTTP/1.1 401", "HTTP/1.0 200 OK", "HTTP"]
_HEADERS = [
    "Content-Length: 3", "content-length:3 ", "Content-Length: 0", "Content-Length: 99",
    "Transfer-Encoding: chunked", "Connection: close", "Connection: keep-alive", "X: y", "X", " z",
    "Upgrade: h2c", "Set-Cookie: a=b",
]  # fmt: skip
_BODIES = [b"", b"abc", b"abcd", b"3\r\nabc\r\n0\r\n\r\n", b"\x00" * 20]


@st.composite
def pieces_of_answers(draw: st.DrawFn) -> list[bytes]:
    """An answer, often plain, in pieces."""
    lines = [draw(st.sampled_from(_LINES))]
    lines += draw(st.lists(st.sampled_from(_HEADERS), max_size=3))
    interim = draw(st.sampled_from([b"", b"", b"", b"HTTP/1.1 100 Continue\r\n\r\n"]))
    head = "\r\n".join([*lines, "", ""]).encode()
    data = interim + head + draw(st.sampled_from(_BODIES))
    cuts = sorted(draw(st.sets(st.integers(1, len(data)), max_size=4)))
    return [data[a:b] for a, b in zip([0, *cuts], [*cuts, len(data)], strict=True)]


@given(pieces_of_answers())
@settings(max_examples=60)
@example([answer(body=b"abc")])
@example([b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n", b"\r\nab"])
@example([b"HTTP/1.1 200 OK\r\nTransfer-Enc", b"oding: chunked\r\n\r\n1\r\na", b"\r\n0\r\n\r\n"])
@example([b"HTTP/1.1 200 OK\r\n\r\n", b"until the end"])
@example([b"HTTP/1.1 100 Continue\r\n\r\n", answer(body=b"abc")])
@example([b"", b""])
@example([b"junk"])
def test_an_engine_ends_as_a_connection(pieces: list[bytes]) -> None:
    with closing(EngineBench()) as bench:
        assert of_an_engine(bench, pieces) == of_a_connection(bench, pieces)
