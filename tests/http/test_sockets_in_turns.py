"""Sockets that are ready at once go on over several turns of the loop."""

from __future__ import annotations

import socket
from collections import Counter
from collections.abc import Iterator

import gevent
import pytest

from caretaker.http import turns
from caretaker.http.sockets import Deadlines, PlainSocket

SOCKETS = 6


class Bench:
    """Clients in greenlets, each of which reads what its peer says; and a count of turns."""

    def __init__(self) -> None:
        self.now = 0.0
        self.deadlines = Deadlines(1.0, lambda: self.now)
        self.read: list[tuple[int, bytes, int]] = []
        """Which client has read what, in which turn."""
        self.turn = 0
        self._peers: list[socket.socket] = []
        self.clients: list[gevent.Greenlet[..., None]] = []
        self._watcher = gevent.get_hub().loop.prepare(ref=False)
        self._watcher.start(self._count)
        for number in range(SOCKETS):
            own, peer = socket.socketpair()
            self._peers.append(peer)
            opened = PlainSocket(None, self.deadlines, 1.0, own.detach())
            self.clients.append(gevent.spawn(self._receive, number, opened))
        gevent.sleep(0)

    def _count(self) -> None:
        self.turn += 1

    def _receive(self, number: int, opened: PlainSocket) -> None:
        try:
            self.read.append((number, opened.receive(100, 1.0), self.turn))
        except TimeoutError:
            self.read.append((number, b"late", self.turn))
        finally:
            opened.close()

    def answer(self) -> None:
        """Have all peers say something."""
        for peer in self._peers:
            peer.send(b"said")

    def check_deadlines(self, now: float) -> None:
        """Have the timer look at that time, in the loop as always."""
        self.now = now
        gevent.get_hub().loop.run_callback(self.deadlines._check)

    def close(self) -> None:
        """Close what is open."""
        gevent.killall(self.clients)
        for peer in self._peers:
            peer.close()
        self._watcher.close()


@pytest.fixture
def bench(monkeypatch: pytest.MonkeyPatch) -> Iterator[Bench]:
    """Where no turn has time for more than one."""
    monkeypatch.setattr(turns, "SECONDS", -1.0)
    made = Bench()
    yield made
    made.close()


def test_each_reads_in_a_turn_of_its_own_where_a_turn_has_no_more_time(bench: Bench) -> None:
    bench.answer()
    gevent.joinall(bench.clients)
    assert sorted(number for number, _, _ in bench.read) == list(range(SOCKETS))
    assert {said for _, said, _ in bench.read} == {b"said"}
    assert set(Counter(turn for _, _, turn in bench.read).values()) == {1}


def test_none_is_late_that_only_waits_for_its_turn(bench: Bench) -> None:
    bench.answer()
    while not bench.read:
        gevent.sleep(0)
    bench.check_deadlines(2.0)
    gevent.joinall(bench.clients)
    assert [said for _, said, _ in bench.read] == [b"said"] * SOCKETS


def test_who_waits_for_an_answer_is_late(bench: Bench) -> None:
    bench.check_deadlines(2.0)
    gevent.joinall(bench.clients)
    assert [said for _, said, _ in bench.read] == [b"late"] * SOCKETS


def test_who_is_killed_before_its_turn_does_not_go_on(bench: Bench) -> None:
    bench.answer()
    while not bench.read:
        gevent.sleep(0)
    gevent.killall(bench.clients)
    end = bench.turn + 2 * SOCKETS
    while bench.turn < end:
        gevent.sleep(0)
    assert [said for _, said, _ in bench.read] == [b"said"]
