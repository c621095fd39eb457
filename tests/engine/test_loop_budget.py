"""How much one turn of the loop takes on."""

from __future__ import annotations

from math import inf

import gevent
import pytest

from caretaker.engine.loop_budget import LoopBudget


def test_long_answers_are_made_one_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caretaker.engine.loop_budget.TURN_SECONDS", 0.0)
    budget, turns = LoopBudget(), [0]
    counting = gevent.get_hub().loop.prepare(ref=False)
    counting.start(lambda: turns.append(turns[-1] + 1))
    made_in: list[int] = []

    def answer() -> None:
        budget.wait()
        made_in.append(turns[-1])

    gevent.joinall([gevent.spawn(answer) for _ in range(5)])
    counting.stop()
    budget.stop()
    assert len(set(made_in)) == 5


def test_as_many_short_answers_as_fit_are_made_in_a_turn(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caretaker.engine.loop_budget.TURN_SECONDS", 0.0)
    budget, turns = LoopBudget(), [0]
    made_in: list[int] = []

    def answer() -> None:
        budget.wait()
        made_in.append(turns[-1])

    waiting = [gevent.spawn(answer) for _ in range(5)]
    gevent.sleep(0)
    monkeypatch.setattr("caretaker.engine.loop_budget.TURN_SECONDS", inf)
    counting = gevent.get_hub().loop.prepare(ref=False)
    counting.start(lambda: turns.append(turns[-1] + 1))
    gevent.joinall(waiting, timeout=60)
    counting.stop()
    budget.stop()
    assert len(made_in) == 5
    assert len(set(made_in)) == 1


def test_who_waits_when_a_budget_stops_goes_on(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caretaker.engine.loop_budget.TURN_SECONDS", 0.0)
    budget = LoopBudget()
    waiting = [gevent.spawn(budget.wait) for _ in range(3)]
    gevent.sleep(0)
    budget.stop()
    gevent.joinall([*waiting, gevent.spawn(budget.wait)], timeout=60)
    assert all(greenlet.dead for greenlet in waiting)


def test_one_who_is_killed_while_it_waits_holds_up_no_one(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caretaker.engine.loop_budget.TURN_SECONDS", 0.0)
    budget = LoopBudget()
    waiting = [gevent.spawn(budget.wait) for _ in range(3)]
    gevent.sleep(0)
    waiting[0].kill()
    gevent.joinall(waiting, timeout=60)
    budget.stop()
    assert all(greenlet.dead for greenlet in waiting)
