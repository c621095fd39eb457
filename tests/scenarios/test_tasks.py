"""Tasks under way: bounded, each counted once, and never in the way of those after them."""

from __future__ import annotations

from functools import partial

import gevent
import pytest
from gevent.event import Event
from helpers.cpes import context, cpe, profile

from caretaker.device.cpe import CPE
from caretaker.device.reachability import Reach, Reachability, ReachMix
from caretaker.profiles.reach_parameters import with_reach_parameters
from caretaker.scenarios.tasks import Tasks
from caretaker.stats.results import Results
from caretaker.stats.task_outcomes import TaskOutcome, TaskResult
from caretaker.testing import Clock
from caretaker.way import Way

T = TaskOutcome


class Sink:
    def __init__(self) -> None:
        self.taken: list[tuple[str, TaskResult, float]] = []
        self.ways: list[Way] = []

    def task(self, name: str, result: TaskResult, seconds: float, way: Way) -> None:
        self.taken.append((name, result, seconds))
        self.ways.append(way)

    @property
    def outcomes(self) -> list[TaskOutcome]:
        return [result.outcome for _, result, _ in self.taken]


def done(_: CPE) -> TaskResult:
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
    tasks.start("ask", cpe(), done, 90.0, tally.append)
    assert sink.taken == []
    turns()
    assert sink.taken == [("ask", (T.DONE, None, ""), 10.0)]
    assert tally == [T.DONE]
    assert booked(tasks) == (0, 0)


@pytest.mark.parametrize(
    ("outcome", "counted"),
    [(T.UNEXPECTED_STATUS, T.DEVICE_DOWN), (T.API_ERROR, T.DEVICE_DOWN), (T.DONE, T.DONE)],
)
def test_none_fails_that_was_under_way_when_all_cpes_stopped(
    outcome: TaskOutcome, counted: TaskOutcome
) -> None:
    sink, clock, answered = Sink(), Clock(), Event()

    def act(_: CPE) -> TaskResult:
        answered.wait()
        return TaskResult(outcome)

    tasks = Tasks(sink, clock=clock)
    tasks.start("ask", cpe(), act, 90.0)
    turns()
    tasks.suspend()
    clock.advance(1.0)
    tasks.start("ask", cpe(), act, 91.0)
    answered.set()
    turns()
    assert sink.outcomes == [counted, outcome]


def test_those_under_way_are_booked_and_cut_at_the_end() -> None:
    sink, gate, over = Sink(), Event(), Event()
    tasks = Tasks(sink)

    def slow(box: CPE) -> TaskResult:
        gate.wait()
        return done(box)

    for act in (slow, done, slow):
        tasks.start("ask", cpe(), act, 0.0)
    turns()
    assert booked(tasks) == (2, 2)
    over.set()
    tasks.stop(1000.0, over)
    assert booked(tasks) == (2, 2)
    assert sink.outcomes == [T.DONE]


def test_the_end_waits_for_those_that_end_in_time() -> None:
    sink = Sink()
    tasks = Tasks(sink)
    tasks.start("ask", cpe(), done, 0.0)
    tasks.stop(1000.0, Event())
    assert sink.outcomes == [T.DONE]
    assert booked(tasks) == (0, 0)


def test_one_more_than_fits_is_not_posted() -> None:
    sink, gate = Sink(), Event()
    tasks, tally = Tasks(sink, most=2), list[TaskOutcome]()

    def slow(box: CPE) -> TaskResult:
        gate.wait()
        return done(box)

    for _ in range(3):
        tasks.start("ask", cpe(), slow, 0.0, tally.append)
    assert (sink.outcomes, tally) == ([T.NOT_POSTED], [T.NOT_POSTED])
    assert booked(tasks) == (2, 2)
    gate.set()
    tasks.stop(1000.0, Event())
    assert sink.outcomes == [T.NOT_POSTED, T.DONE, T.DONE]


@pytest.mark.parametrize(
    ("outcome", "counted"),
    [
        (T.UNEXPECTED_STATUS, T.DEVICE_DOWN),
        (T.OFFLINE, T.DEVICE_DOWN),
        (T.FAULTED, T.DEVICE_DOWN),
        (T.API_ERROR, T.API_ERROR),
        (T.CREDENTIALS_REFUSED, T.CREDENTIALS_REFUSED),
        (T.DONE, T.DONE),
    ],
)
@pytest.mark.parametrize("is_back", [False, True])
def test_a_device_that_goes_down_meanwhile_fails_nothing(
    outcome: TaskOutcome, counted: TaskOutcome, is_back: bool
) -> None:
    sink, box = Sink(), cpe()
    tasks = Tasks(sink, clock=Clock(100.0))

    def power_fails(box: CPE) -> TaskResult:
        box.power_off(101.0)
        if is_back:
            box.power_on(102.0)
        return TaskResult(outcome)

    tasks.start("ask", box, power_fails, 90.0)
    tasks.start("ask", cpe(), lambda _: TaskResult(outcome), 90.0)
    turns()
    assert sink.outcomes == [counted, outcome]


@pytest.mark.parametrize("number", [5, 5000])
def test_what_is_quoted_does_not_become_a_reason_each(number: int) -> None:
    sink = Sink()
    tasks, box = Tasks(sink, most=number), cpe()

    def refused(nth: int, _: CPE) -> TaskResult:
        return TaskResult(T.API_ERROR, "HTTP 400", f"id {nth}")

    for nth in range(number):
        tasks.start("ask", box, partial(refused, nth), 0.0)
    tasks.stop(1000.0, Event())
    reasons = {result.reason for _, result, _ in sink.taken}
    assert len(sink.taken) == number
    assert len(reasons) == min(number, 51)
    assert ("HTTP 400" in reasons) == (number > 50)


@pytest.mark.parametrize(
    ("kind", "outcome", "counted"),
    [
        (Reach.DARK, T.OFFLINE, T.UNREACHABLE),
        (Reach.DARK, T.FAULTED, T.FAULTED),
        (Reach.LIES, T.UNEXPECTED_STATUS, T.UNREACHABLE),
        (Reach.DARK, T.API_ERROR, T.API_ERROR),
        (Reach.STUN, T.OFFLINE, T.OFFLINE),
    ],
)
def test_a_cpe_that_no_acs_reaches_fails_no_task(
    kind: Reach, outcome: TaskOutcome, counted: TaskOutcome
) -> None:
    sink = Sink()
    tasks = Tasks(sink, clock=Clock())
    box = cpe(reach=Reachability(ReachMix(((kind, 1.0),))))
    tasks.start("ask", box, lambda _: TaskResult(outcome, "a reason"), 90.0)
    turns()
    assert sink.outcomes == [counted]
    assert sink.ways == [Way.HTTP]


def test_a_task_counts_for_the_way_that_its_cpe_reports() -> None:
    sink = Sink()
    tasks = Tasks(sink, clock=Clock())
    box = CPE(0, with_reach_parameters(profile()), context())
    box.power_on(0.0)
    box.set_values([("Device.ManagementServer.ConnReqJabberID", "cpe@lab/cwmp")], 0.0)
    tasks.start("ask", box, done, 90.0)
    turns()
    assert sink.ways == [Way.XMPP]
