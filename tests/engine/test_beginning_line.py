"""Sessions begin in order, in a later turn of the loop, and in many turns if they are many."""

from __future__ import annotations

import gevent
import pytest
from helpers.cpes import cpe

from caretaker.engine import beginning_line
from caretaker.engine.active_session import ActiveSession
from caretaker.engine.beginning_line import BeginningLine
from caretaker.testing import Clock


class Bench:
    """A line, the sessions that have begun, and how many had after each turn."""

    def __init__(self) -> None:
        self.begun: list[ActiveSession] = []
        self.turns: list[int] = []
        self.line = BeginningLine(Clock(100.0), self.begun.append, self._turn)

    def _turn(self) -> None:
        self.turns.append(len(self.begun))

    def add(self, sessions: int) -> list[ActiveSession]:
        added = [ActiveSession(cpe(), 1.0, 2.0) for _ in range(sessions)]
        for each in added:
            self.line.add(each)
        return added

    def empty(self) -> None:
        while self.line:
            gevent.sleep(0)


def test_they_begin_in_order_but_not_at_once() -> None:
    bench = Bench()
    added = bench.add(3)
    assert (bench.begun, len(bench.line)) == ([], 3)
    bench.empty()
    assert (bench.begun, bench.turns) == (added, [3])
    added += bench.add(1)
    bench.empty()
    assert (bench.begun, bench.turns) == (added, [3, 4])


def test_a_turn_begins_as_many_as_it_has_time_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(beginning_line, "BEGIN_SECONDS", 0.0)
    bench = Bench()
    added = bench.add(4)
    bench.empty()
    assert (bench.begun, bench.turns) == (added, [1, 2, 3, 4])


def test_those_that_are_left_do_not_begin_once_it_has_stopped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(beginning_line, "BEGIN_SECONDS", 0.0)
    bench = Bench()
    bench.add(3)
    while not bench.begun:
        gevent.sleep(0)
    bench.line.stop()
    gevent.sleep(0.01)
    assert (len(bench.begun), len(bench.line)) == (1, 2)
