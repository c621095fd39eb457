"""How connections of the I/O engine fail and end, and what they leave behind."""

from __future__ import annotations

import errno
import gc
import os
import resource
import socket
import sys
from collections.abc import Iterator
from contextlib import suppress
from itertools import pairwise
from math import inf
from pathlib import Path
from time import monotonic
from typing import Any

import pytest
from helpers import compiled_engine
from helpers.engine_events import EMPTY, GOOD, INFORM, KNOWN, LARGE, NOTHING, EngineBench, Peer
from helpers.wire import answer

from caretaker.http import io_engine
from caretaker.http.io_engine import (
    ANSWER,
    ANSWERED,
    CONNECTING,
    DONE,
    FAILED,
    MOST_EVENTS,
    RECEIVING,
    SENDING,
)
from caretaker.http.sockets import Target

pytestmark = pytest.mark.sockets

_LATE = 1e12
"""After all deadlines but that of a connection that has none."""


@pytest.fixture
def bench() -> Iterator[EngineBench]:
    opened = EngineBench()
    yield opened
    opened.close()


# -- failures --------------------------------------------------------------------------------------


def failure(event: Any) -> tuple[int, int, int]:
    """Stage, errno and bytes received of a failure."""
    assert event[0] == FAILED
    stage, error, received = event[7:10]
    return stage, error, received


def refused(bench: EngineBench, token: int, target: Target) -> tuple[int, int, int]:
    bench.engine.begin(token, target, INFORM, None, monotonic() + 60)
    return failure(bench.next())


def test_a_port_where_nobody_listens(bench: EngineBench) -> None:
    with socket.socket() as closed:
        closed.bind(("127.0.0.1", 0))
        target = Target(socket.AF_INET, closed.getsockname())
        assert refused(bench, 1, target) == (CONNECTING, errno.ECONNREFUSED, 0)


def test_a_source_address_of_another_machine(bench: EngineBench) -> None:
    target = Target(bench.target.family, bench.target.address, "192.0.2.1")
    assert refused(bench, 1, target) == (CONNECTING, errno.EADDRNOTAVAIL, 0)
    assert bench.engine.active == 0


def test_a_source_address_of_the_other_version(bench: EngineBench) -> None:
    target = Target(bench.target.family, bench.target.address, "::1")
    assert refused(bench, 1, target)[0] == CONNECTING


def test_there_are_no_descriptors_left(bench: EngineBench) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (0, hard))
    try:
        bench.engine.begin(1, bench.target, INFORM, None, inf)
        with pytest.raises(OSError, match="Too many open files"):
            compiled_engine.required().Engine(1, 1.0)
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert failure(bench.next()) == (CONNECTING, errno.EMFILE, 0)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 2", GOOD[:-1]])
def test_the_server_closes(bench: EngineBench, said: bytes) -> None:
    bench.begin(1, INFORM).hear(INFORM).say(said).close()
    assert failure(bench.next()) == (RECEIVING, 0, len(said))


def test_the_server_closes_after_a_known_body(bench: EngineBench) -> None:
    bench.informed().close()
    event = bench.next()
    assert (event[4], failure(event)) == (KNOWN, (RECEIVING, 0, 0))


def test_the_server_closes_behind_its_answer(bench: EngineBench) -> None:
    bench.begin(1, INFORM).hear(INFORM).say(GOOD).close()
    assert bench.next()[0] == ANSWER
    bench.engine.post(1, EMPTY, None, ends=True)
    stage, error, received = failure(bench.next())
    assert stage in (SENDING, RECEIVING)
    assert error in (0, errno.EPIPE, errno.ECONNRESET)
    assert received == 0


def test_the_server_closes_in_one_go_with_a_known_answer(bench: EngineBench) -> None:
    bench.engine.know(KNOWN)
    peer = bench.begin(1, INFORM, EMPTY).hear(INFORM)
    peer.socket.sendall(GOOD)
    peer.close()
    event = bench.next()
    assert (event[0], event[4], event[9]) == (FAILED, KNOWN, 0)


def test_the_server_resets(bench: EngineBench) -> None:
    peer = bench.begin(1, INFORM).hear(INFORM)
    peer.socket.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
    peer.close()
    assert failure(bench.next()) == (RECEIVING, errno.ECONNRESET, 0)


@pytest.mark.parametrize("said", [b"", b"HTTP/1.1 2"])
def test_a_request_has_a_timeout(bench: EngineBench, said: bytes) -> None:
    bench.begin(1, INFORM).hear(INFORM).say(said)
    bench.clock.is_late = True
    assert failure(bench.next()) == (RECEIVING, errno.ETIMEDOUT, len(said))


def test_a_connection_has_a_deadline(bench: EngineBench) -> None:
    with socket.socket() as full, socket.socket() as first:  # its queue takes one
        full.bind(("127.0.0.1", 0))
        full.listen(0)
        first.connect(full.getsockname())
        target = Target(socket.AF_INET, full.getsockname())
        bench.engine.begin(1, target, INFORM, None, monotonic() - 1)
        assert failure(bench.next()) == (CONNECTING, errno.ETIMEDOUT, 0)


def test_an_answer_that_is_thought_about_has_no_deadline() -> None:
    engine = compiled_engine.required().Engine(1, 60.0)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen()
        address = compiled_engine.required().socket_address(*listener.getsockname(), 0)
        engine.begin(1, address, b"", INFORM, None, inf)
        engine.flush()
        opened, _ = listener.accept()
        opened.sendall(GOOD)
        [event] = turn(engine)
        engine.expire(_LATE)
        assert engine.turn(9) == []
        engine.post(1, EMPTY, None, True)
        engine.expire(_LATE)
        [late] = turn(engine)
        opened.close()
    assert (event[0], failure(late)[1]) == (ANSWER, errno.ETIMEDOUT)


def turn(engine: Any) -> list[Any]:
    """The events of the next turn that has any."""
    while not (events := engine.turn(MOST_EVENTS)):
        pass
    return list(events)


def test_nothing_is_sent_after_the_end_of_a_lease(bench: EngineBench) -> None:
    bench.engine.set_until(0)
    bench.engine.begin(1, bench.target, INFORM, None, monotonic() + 60)
    assert failure(bench.next()) == (CONNECTING, errno.ECANCELED, 0)
    assert bench.accept().end() == b""
    bench.engine.set_until(inf)
    bench.engine.know(KNOWN)
    peer = bench.begin(2, INFORM, EMPTY).hear(INFORM)
    bench.engine.set_until(0)
    peer.say(GOOD)
    event = bench.next()
    assert (event[4], failure(event)) == (KNOWN, (SENDING, errno.ECANCELED, 0))


# -- ends from outside -----------------------------------------------------------------------------


def begun(bench: EngineBench, stage: int) -> Peer:
    """A connection in a stage."""
    if stage == SENDING:
        return bench.begin(1, b"x" * LARGE)
    peer = bench.begin(1, INFORM).hear(INFORM)
    if stage == ANSWERED:
        peer.say(GOOD)
        assert bench.next()[0] == ANSWER
    return peer


@pytest.mark.parametrize("stage", [SENDING, RECEIVING, ANSWERED])
def test_a_connection_is_dropped_with_a_reset(bench: EngineBench, stage: int) -> None:
    peer = begun(bench, stage)
    bench.engine.drop(1, reset=True)
    ends = iter(peer.end, "ConnectionResetError")
    assert all(len(end) for end in ends)  # what had left before
    assert bench.engine.active == 0
    with pytest.raises(KeyError):
        bench.engine.drop(1, reset=True)


def test_a_connection_is_dropped_in_peace(bench: EngineBench) -> None:
    peer = begun(bench, RECEIVING)
    bench.engine.drop(1, reset=False)
    assert peer.end() == b""


def test_a_failure_that_was_not_told_is_dropped(bench: EngineBench) -> None:
    nowhere = Target(bench.target.family, bench.target.address, "192.0.2.1")
    bench.engine.begin(1, nowhere, INFORM, None, inf)
    assert bench.engine.detach(1) is None
    bench.engine.drop(1, reset=True)
    bench.engine.begin(2, nowhere, INFORM, None, inf)
    assert bench.next()[:2] == (FAILED, 2)
    assert bench.events.empty()


def test_a_token_can_be_used_again_after_its_end(bench: EngineBench) -> None:
    for _ in range(3):
        bench.informed().say(NOTHING)
        assert bench.next()[:2] == (DONE, 1)


def test_an_event_of_a_closed_connection_is_for_nobody(bench: EngineBench) -> None:
    peer = begun(bench, RECEIVING)
    kept = os.dup(descriptor_of(peer))  # as a fork would: epoll goes on watching it
    bench.engine.drop(1, reset=False)
    second = bench.begin(2, INFORM).hear(INFORM)
    peer.say(GOOD)
    second.say(answer(body=b"second"))
    event = bench.next()
    os.close(kept)
    assert (event[1], event[9], bench.engine.active) == (2, b"second", 1)


def descriptor_of(peer: Peer) -> int:
    """The client's descriptor of a connection."""
    wanted = peer.socket.getpeername()
    for path in Path("/proc/self/fd").iterdir():
        with suppress(OSError):
            if not str(path.readlink()).startswith("socket:"):
                continue
            with socket.socket(fileno=os.dup(int(path.name))) as copy:
                if copy.getsockname() == wanted:
                    return int(path.name)
    raise AssertionError("no such connection")


# -- misuse, bounds and leaks ----------------------------------------------------------------------


def test_misuse_is_an_error(bench: EngineBench) -> None:
    engine: Any = bench.engine
    begun(bench, RECEIVING)
    with pytest.raises(ValueError, match="1 has a connection already"):
        engine.begin(1, bench.target, INFORM, None, inf)
    with pytest.raises(ValueError, match="1 awaits an answer"):
        engine.post(1, EMPTY, None, ends=True)
    with pytest.raises(KeyError):
        engine.post(2, EMPTY, None, ends=True)
    with pytest.raises(KeyError):
        engine.detach(2)
    with pytest.raises(TypeError):
        engine.begin(2, bench.target, "text", None, inf)
    with pytest.raises(TypeError):
        engine.begin(2, bench.target, INFORM, 5, inf)
    with pytest.raises(TypeError):
        engine.begin(2, bench.target, INFORM, None, "soon")
    with pytest.raises(ValueError, match="nowhere is no address"):
        engine.begin(2, Target(2, ("nowhere", 80)), INFORM, None, inf)
    assert engine.active == 1


@pytest.mark.parametrize("arguments", [(), (1,), (1, b"", b"", b"", None, 0.0, 0)])
def test_wrong_arguments_are_an_error(arguments: tuple[Any, ...]) -> None:
    module = compiled_engine.required()
    engine = module.Engine(most=1, timeout=1.0)
    for call in (engine.begin, engine.post, engine.drop):
        with pytest.raises(TypeError):
            call(*arguments)
    for wrong in ((0, 1.0), ("x", 1.0), (1,)):
        with pytest.raises((TypeError, ValueError)):
            module.Engine(*wrong)
    with pytest.raises(ValueError, match="no address"):
        engine.begin(1, b"1234", b"", INFORM, None, inf)


def test_connections_are_bounded() -> None:
    bench = EngineBench(most=100)
    for token in range(100):
        bench.engine.begin(token, bench.target, INFORM, None, inf)
    with pytest.raises(ValueError, match="more than 100 connections at once"):
        bench.engine.begin(100, bench.target, INFORM, None, inf)
    bench.engine.drop(50, reset=True)
    bench.engine.begin(100, bench.target, INFORM, None, inf)
    assert bench.engine.active == 100
    bench.close()


def test_a_turn_is_bounded() -> None:
    module = compiled_engine.required()
    engine = module.Engine(100, 1.0)
    nowhere = module.socket_address("192.0.2.1", 0, 0)
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(100)
        address = module.socket_address(*listener.getsockname(), 0)
        for token in range(100):
            engine.begin(token, address, nowhere if token % 2 else b"", INFORM, None, inf)
        engine.flush()
        opened = [listener.accept()[0] for _ in range(50)]
        for each in opened:
            each.sendall(GOOD)
        told: list[int] = []
        while len(told) < 100:
            events = engine.turn(7)
            assert len(events) <= 7
            told += [event[1] for event in events]
        for each in opened:
            each.close()
    assert sorted(told) == list(range(100))


def test_what_was_prepared_begins_with_the_next_flush() -> None:
    bench = EngineBench(most=100)
    for token in range(3):
        bench.engine.prepare(token, bench.target, INFORM, None, inf)
    bench.engine.drop(1, reset=False)
    bench.engine.prepare(3, bench.target, INFORM, None, inf)  # in the place of 1
    assert (bench.engine.active, bench.engine.progress(0)) == (3, (0.0, None, 0.0, None))
    bench.engine.flush()
    peers = [bench.listener.accept()[0] for _ in range(3)]
    assert [peer.recv(len(INFORM)) for peer in peers] == [INFORM] * 3
    bench.engine.flush()
    detached = bench.engine.detach(3)
    assert detached is not None
    os.close(detached[8])
    for peer in peers:
        peer.close()
    bench.engine.prepare(4, bench.target, INFORM, None, inf)
    bench.close()


def test_a_closed_engine_says_so() -> None:
    module = compiled_engine.required()
    engine = module.Engine(1, 1.0)
    address = module.socket_address("127.0.0.1", 9, 0)
    engine.close()
    engine.close()
    assert (engine.active, engine.descriptor) == (0, -1)
    with pytest.raises(ValueError, match="closed"):
        engine.begin(1, address, b"", b"", None, inf)
    with pytest.raises(ValueError, match="closed"):
        engine.turn(1)


def descriptors() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))


def test_nothing_leaks(bench: EngineBench) -> None:
    request, following = bytes(bytearray(INFORM)), bytes(bytearray(EMPTY))

    def sessions() -> None:
        for token in range(1000, 1020):
            bench.engine.know(KNOWN)
            peer = bench.begin(token, request, following).hear(INFORM).say(GOOD[:20], GOOD[20:])
            peer.hear(EMPTY).say(NOTHING)
            assert bench.next()[0] == DONE
            peer.close()
            peer = bench.begin(token, request).hear(INFORM).say(b"x")
            os.close(bench.next()[8])
            peer.close()
            bench.begin(token, request).hear(INFORM).say(GOOD[:20]).close()
            assert bench.next()[0] == FAILED
            peer = bench.begin(token, request).hear(INFORM).say(GOOD[:20])
            bench.engine.drop(token, reset=True)
            peer.close()
        bench.peers.clear()

    def held() -> tuple[tuple[int, ...], int]:
        sessions()
        gc.collect()
        names = descriptors(), sys.getrefcount(request), sys.getrefcount(following)
        return names, sys.getallocatedblocks()

    # What tests before have left may end meanwhile, but once; a leak grows each time.
    found = [held() for _ in range(6)]
    assert any(
        after[0] == before[0] and after[1] - before[1] < 60 for before, after in pairwise(found)
    )


def test_closing_gives_everything_back() -> None:
    token, request = 123456, bytes(bytearray(INFORM))

    def held() -> tuple[int, ...]:
        bench = EngineBench()
        peers = [bench.begin(token + number, request).hear(INFORM) for number in range(5)]
        peers[0].say(GOOD)
        assert bench.next()[0] == ANSWER
        peers[1].say(GOOD[:9])
        nowhere = Target(bench.target.family, bench.target.address, "192.0.2.1")
        bench.engine.begin(1, nowhere, request, request, inf)
        bench.close()
        for peer in peers:
            peer.close()
        del bench, peers, peer
        gc.collect()
        return descriptors(), sys.getrefcount(token), sys.getrefcount(request)

    counts = sys.getrefcount(token), sys.getrefcount(request)
    found = [held() for _ in range(6)]
    assert any(after == before for before, after in pairwise(found))
    assert found[-1][1:] == counts


def test_without_the_extension_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, compiled_engine.NAME, None)
    assert io_engine.engine_module() is None


def test_an_engine_has_no_timer_while_it_has_no_connections(bench: EngineBench) -> None:
    engine: Any = bench.engine
    bench.informed().say(NOTHING)
    assert bench.next()[0] == DONE
    engine._check()
    assert engine._timer is None
