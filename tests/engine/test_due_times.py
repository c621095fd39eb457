"""CPEs come up when they are due, in order, by a calendar that stays small."""

from __future__ import annotations

from math import inf
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.engine.due_times import NOBODY, DueTimes

TIMES = st.floats(0, 40, allow_nan=False)
CPES = st.integers(0, 5) | st.integers(1020, 1030)


class Bench:
    """CPEs with due times, each in no session."""

    def __init__(self) -> None:
        self.due: dict[int, float] = {}
        self.due_times = DueTimes(lambda of: [self.due.get(index, inf) for index in of])

    def plan(self, index: int, due: float) -> None:
        self.due[index] = due
        self.due_times.add(index, due)

    def begun(self, now: float) -> list[int]:
        """The CPEs whose sessions begin by now, as the scheduler begins them."""
        begun = []
        while (index := self.due_times.pop(now)) != NOBODY:
            due = self.due.get(index, inf)
            if due <= now:
                begun.append(index)
                del self.due[index]
            else:
                self.due_times.add(index, due)
        return begun

    def is_due(self, now: float) -> list[int]:
        """The same by a sorted list of all due times."""
        return [index for due, index in sorted((due, i) for i, due in self.due.items())
                if due <= now]  # fmt: skip


def test_the_time_within_a_second_counts() -> None:
    bench = Bench()
    bench.plan(1, 7.25)
    bench.plan(0, 7.75)
    assert bench.due_times.next <= 7.25
    assert bench.begun(7.2) == []
    assert bench.due_times.next == 7.25
    assert bench.begun(7.25) == [1]
    assert bench.begun(7.7) == []
    assert bench.begun(7.75) == [0]
    assert (bench.due_times.next, len(bench.due_times)) == (inf, 0)


def test_what_is_due_at_no_time_is_not_kept() -> None:
    bench = Bench()
    bench.plan(0, inf)
    assert (bench.due_times.next, len(bench.due_times)) == (inf, 0)


@pytest.mark.parametrize("wait", [2.0**32, 2.0**33, 1e300])
def test_an_acs_can_have_a_cpe_wait_for_centuries(wait: float) -> None:
    bench = Bench()
    bench.plan(0, wait)
    bench.plan(1, 5.0)
    assert (bench.begun(10.0), len(bench.due_times)) == ([1], 1)
    assert bench.begun(2.0**32 - 1) == []
    assert bench.begun(wait) == [0]


@given(st.lists(st.tuples(CPES, TIMES) | TIMES, max_size=60))
def test_exactly_those_begin_that_are_due(steps: list[tuple[int, float] | float]) -> None:
    bench, now = Bench(), 0.0
    for step in steps:
        if isinstance(step, tuple):  # later or earlier than before
            index, wait = step
            bench.plan(index, now + wait)
            assert bench.due_times.next <= now + wait
        else:
            now += step / 4
            due = bench.is_due(now)
            assert sorted(bench.begun(now)) == sorted(due)
            assert bench.due_times.next > now


@given(st.lists(st.tuples(CPES, TIMES) | TIMES, max_size=60))
def test_they_begin_in_the_order_of_their_due_times(
    steps: list[tuple[int, float] | float],
) -> None:
    bench, now = Bench(), 0.0
    for step in steps:
        if isinstance(step, tuple):
            index, wait = step
            bench.plan(index, min(now + wait, bench.due.get(index, inf)))  # never later
        else:
            now += step / 4
            due = bench.is_due(now)
            assert bench.begun(now) == due


@pytest.mark.parametrize("latest", [20, 5_000])
def test_entries_that_do_not_count_are_dropped(latest: int) -> None:
    bench, rng, now = Bench(), Random(1), 0.0
    for index in range(300):
        bench.plan(index, now + rng.uniform(0, latest))
    for _ in range(20_000):
        now += 0.01
        for index in bench.begun(now):
            bench.plan(index, now + latest)
        index = rng.randrange(300)
        bench.plan(index, now + rng.uniform(0, latest))
    kept = bench.due_times
    assert len(kept) <= 2 * 300 + 16 * len(kept._seconds) <= 2 * 300 + 16 * 300
    assert len(kept._order) <= 2 * len(kept._seconds) + 17


def test_very_many_that_are_due_at_once_are_looked_up_in_several_steps() -> None:
    bench = Bench()
    for index in range(2500):
        bench.plan(index, 7.5)
    assert bench.begun(7.0) == []
    assert bench.due_times.next <= 7.0
    assert (bench.begun(7.0), bench.begun(7.0), bench.due_times.next) == ([], [], 7.5)
    assert bench.begun(7.5) == list(range(2500))
    assert (bench.due_times.next, len(bench.due_times)) == (inf, 0)
    for index in range(2500):
        bench.plan(index, 9.0 + index / 2500)
    assert bench.begun(20.0) == list(range(2500))


@given(st.lists(st.tuples(CPES, TIMES) | TIMES | st.just("back"), max_size=60))
def test_those_that_are_taken_back_come_up_again(
    steps: list[tuple[int, float] | float | str],
) -> None:
    bench, now, waiting = Bench(), 0.0, dict[int, float]()
    for step in steps:
        if isinstance(step, tuple):
            index, wait = step
            if index not in waiting:
                bench.plan(index, now + wait)
        elif step == "back":
            bench.due |= waiting
            bench.due_times.take_back(list(waiting))
            waiting.clear()
        else:
            now += float(step) / 4
            due = dict(bench.due)
            expected = sorted(bench.is_due(now))
            begun = bench.begun(now)
            assert sorted(begun) == expected
            waiting |= {index: due[index] for index in begun}
    assert len(bench.due_times._taken_back) <= len(steps)


def test_very_many_are_taken_back_in_one_step_and_looked_up_in_several() -> None:
    bench = Bench()
    bench.plan(0, 7.5)
    assert bench.begun(7.5) == [0]
    bench.due = dict.fromkeys(range(2500), 7.5)
    for start in range(0, 2500, 500):
        bench.due_times.take_back(range(start, start + 500))
    assert (len(bench.due_times), bench.due_times.next) == (2500, 7.0)
    assert bench.due_times.pop(7.5) == 0
    assert sum(map(len, bench.due_times._taken_back)) >= 1500
    assert [0, *bench.begun(7.5)] == list(range(2500))


def test_all_can_be_forgotten() -> None:
    bench = Bench()
    for index in range(3):
        bench.plan(index, 5.0 + index)
    assert bench.begun(5.0) == [0]
    bench.due_times.clear()
    assert (bench.begun(100.0), len(bench.due_times)) == ([], 0)
    bench.plan(2, 101.5)
    assert bench.begun(102.0) == [2]
