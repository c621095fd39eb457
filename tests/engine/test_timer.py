"""One timer for many due times: it rings at the earliest."""

from __future__ import annotations

from gevent.event import Event

from caretaker.engine.timer import Timer
from caretaker.testing import Clock


class Ringing:
    """A timer, and whether it has rung; its clock stands still at 100."""

    def __init__(self) -> None:
        self.rung = Event()
        self.times = 0
        self.timer = Timer(Clock(100.0), self._ring)

    def _ring(self) -> None:
        self.times += 1
        self.rung.set()


def test_it_rings_once_at_the_time_it_is_set_to() -> None:
    ringing = Ringing()
    ringing.timer.set(100.001)
    assert ringing.rung.wait(60)
    assert ringing.times == 1


def test_a_time_that_has_passed_rings_at_the_next_turn_of_the_loop() -> None:
    ringing = Ringing()
    ringing.timer.set(7.0)
    assert ringing.times == 0
    assert ringing.rung.wait(60)


def test_an_earlier_time_takes_the_place_of_a_later_one() -> None:
    ringing = Ringing()
    ringing.timer.set(100_000.0)
    ringing.timer.set(100.001)
    assert ringing.rung.wait(60)


def test_a_later_time_changes_nothing() -> None:
    ringing = Ringing()
    ringing.timer.set(100.001)
    ringing.timer.set(100_000.0)
    assert ringing.rung.wait(60)


def test_once_it_has_rung_it_can_be_set_again() -> None:
    ringing = Ringing()
    for _ in range(2):
        ringing.rung.clear()
        ringing.timer.set(100.0)
        assert ringing.rung.wait(60)
    assert ringing.times == 2


def test_a_timer_that_was_stopped_does_not_ring() -> None:
    ringing, other = Ringing(), Ringing()
    ringing.timer.set(100.0)
    ringing.timer.stop()
    other.timer.set(100.001)  # due later: when it has rung, the first would have
    assert other.rung.wait(60)
    assert ringing.times == 0
