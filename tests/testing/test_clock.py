"""The clock of tests."""

from __future__ import annotations

import gevent

from caretaker.testing import Clock


def test_time_passes_only_when_a_test_says_so() -> None:
    clock = Clock(5.0)
    assert (clock(), clock()) == (5.0, 5.0)
    clock.advance(2.5)
    assert (clock(), clock.now) == (7.5, 7.5)


def test_who_sleeps_moves_it_and_lets_others_run() -> None:
    clock, times = Clock(0.0), list[float]()
    other = gevent.spawn(lambda: times.append(clock()))
    clock.sleep(3600.0)
    assert (times, clock.slept, other.ready()) == ([3600.0], [3600.0], True)
