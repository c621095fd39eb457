"""Tasks under way: bounded, each counted once, and never in the way of those after them."""

from __future__ import annotations

import gevent
import pytest
from gevent.event import Event

from caretaker.scenarios.tasks import Tasks
from caretaker.stats.results import Results
from caretaker.stats.task_outcomes import TaskOutcome, TaskResult
from caretaker.testing import Clock

T = TaskOutcome


class Sink:
    def __init__(self) -> None:
        self.taken: list[tuple[str, TaskResult, float]] = []

    def task(self, name: str, result: TaskResult, seconds: float) -> None:
        self.taken.append((name, result, seconds))

    @property
    def outcomes(self) -> list[TaskOutcome]:
        return [result.outcome for _, result, _ in self.taken]


def done() -> TaskResult:
    return TaskResult(T.DONE)


def turns() -> None:
    """Let greenlets that can run do so."""
    for _ in range(5):
        gevent.sleep(0)


def booked(tasks: Tasks) -> tuple[int, int]:
    results = Results()
    tasks.book(results)
    return results.counters["tasks.posted"], results.counters["tasks.cut"]


def test_a_task_is_counted_when_it_ends_with_the_time_since_it_was_planned() -> None:
    sink, clock = Sink(), Clock(100.0)
    tasks, tally = Tasks(sink, clock=clock), list[TaskOutcome]()
    tasks.start("ask", done, 90.0, tally.append)
    assert sink.taken == []
    turns()
    assert sink.taken == [("ask", (T.DONE, None, ""), 10.0)]
    assert tally == [T.DONE]
    assert booked(tasks) == (0, 0)


def test_those_under_way_are_booked_and_cut_at_the_end() -> None:
    sink, gate, over = Sink(), Event(), Event()
    tasks = Tasks(sink)

    def slow() -> TaskResult:
        gate.wait()
        return done()

    for act in (slow, done, slow):
        tasks.start("ask", act, 0.0)
    turns()
    assert booked(tasks) == (2, 2)
    over.set()
    tasks.stop(1000.0, over)
    assert booked(tasks) == (2, 2)
    assert sink.outcomes == [T.DONE]


def test_the_end_waits_for_those_that_end_in_time() -> None:
    sink = Sink()
    tasks = Tasks(sink)
    tasks.start("ask", done, 0.0)
    tasks.stop(1000.0, Event())
    assert sink.outcomes == [T.DONE]
    assert booked(tasks) == (0, 0)


def test_one_more_than_fits_is_not_posted() -> None:
    sink, gate = Sink(), Event()
    tasks, tally = Tasks(sink, most=2), list[TaskOutcome]()

    def slow() -> TaskResult:
        gate.wait()
        return done()

    for _ in range(3):
        tasks.start("ask", slow, 0.0, tally.append)
    assert (sink.outcomes, tally) == ([T.NOT_POSTED], [T.NOT_POSTED])
    assert booked(tasks) == (2, 2)
    gate.set()
    tasks.stop(1000.0, Event())
    assert sink.outcomes == [T.NOT_POSTED, T.DONE, T.DONE]


@pytest.mark.parametrize("number", [5, 5000])
def test_what_is_quoted_does_not_become_a_reason_each(number: int) -> None:
    sink = Sink()
    tasks = Tasks(sink, most=number)
    for nth in range(number):
        tasks.start("ask", lambda nth=nth: TaskResult(T.API_ERROR, "HTTP 400", f"id {nth}"), 0.0)  # type: ignore[misc]
    tasks.stop(1000.0, Event())
    reasons = {result.reason for _, result, _ in sink.taken}
    assert len(sink.taken) == number
    assert len(reasons) == min(number, 51)
    assert ("HTTP 400" in reasons) == (number > 50)
