"""What a server does in one turn of the loop."""

from __future__ import annotations

from collections import Counter
from functools import partial

import gevent
import pytest

from caretaker.http import turns
from caretaker.http.turns import Turns


def test_steps_beyond_those_of_a_turn_come_later_and_in_their_order(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(turns, "STEPS", 3)
    loop = gevent.get_hub().loop
    it, done, number = Turns(loop), [], [0]
    watcher = loop.prepare(ref=False)  # at the end of a turn, after all steps
    watcher.start(lambda: number.append(number[-1] + 1))
    taken = [it.take() for _ in range(4)]
    assert taken == [True, True, True, False]
    for act in range(8):
        it.wait(partial(lambda act: done.append((act, number[-1])), act))
    assert not it.take()  # others wait
    while len(done) < 8:
        gevent.sleep(0)
    watcher.stop()
    it.stop()
    assert [act for act, _ in done] == list(range(8))
    assert max(Counter(turn for _, turn in done).values()) <= 3


def test_what_a_step_brings_along_counts(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "STEPS", 5)
    it = Turns(gevent.get_hub().loop)
    assert it.take()
    for _ in range(10):
        it.spend()
    assert not it.take()
    it.stop()
