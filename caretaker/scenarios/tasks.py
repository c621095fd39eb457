"""The tasks of an operator that are under way on a worker: a bounded number, each counted once."""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from math import inf
from typing import Any, Protocol

import gevent
from gevent.event import Event
from gevent.pool import Group

from caretaker.connection_request.reported_ways import ReportedWays
from caretaker.device.cpe import CPE
from caretaker.device.reach_values import reach_of
from caretaker.device.reachability import UNREACHABLE
from caretaker.reasons import BoundedReasons
from caretaker.stats.results import Results
from caretaker.stats.task_outcomes import (
    FAILED,
    OF_A_DOWN_DEVICE,
    OF_AN_UNREACHABLE_DEVICE,
    TaskOutcome,
    TaskResult,
)
from caretaker.way import Way

MAX_TASKS = 2000
"""
Tasks that are under way on a worker at the same time.

An ACS may take minutes for each, and each costs a greenlet and a connection.
"""


class Operator(Protocol):
    """Has Connection Requests sent to CPEs, by an ACS or in its place."""

    name: str
    """Of its tasks, for statistics."""

    def reaches(self, cpe: CPE) -> bool:
        """Whether a Connection Request to a CPE can succeed already."""

    def send(self, cpe: CPE) -> TaskResult:
        """Send one, and wait for what becomes of it."""

    def download(self, cpe: CPE, task: Mapping[str, Any]) -> TaskResult | None:
        """As ``send``, of a download task; None if there is no ACS to ask for one."""


class TaskSink(Protocol):
    """Takes the results of tasks."""

    def task(self, name: str, result: TaskResult, seconds: float, way: Way) -> None:
        """
        Take a task that has ended.

        Args:
            name: of the task.
            result: how it ended.
            seconds: from when it was planned until then.
            way: by which its CPE reported that it can be reached.
        """


def ways_of(cpe: CPE, now: float) -> ReportedWays:
    """How a CPE reports that it can be reached, as an ACS that reads its parameters knows it."""
    url = cpe.management_value("ConnectionRequestURL", now)
    return ReportedWays.of(url, lambda last: cpe.management_value(last, now))


class Tasks:
    """
    Runs tasks, each in a greenlet of its own, so that none holds up those planned after it.

    Args:
        sink: takes their results.
        most: tasks at the same time; one more is not posted, which is the generator's limit.
        clock: seconds, going forward.
    """

    def __init__(
        self,
        sink: TaskSink,
        *,
        most: int = MAX_TASKS,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._sink = sink
        self._most = most
        self._clock = clock
        self._reasons = BoundedReasons()
        self._running = Group()
        self._cut = 0
        self._suspended = -inf

    def start(
        self,
        name: str,
        cpe: CPE,
        act: Callable[[CPE], TaskResult],
        planned: float,
        ended: Callable[[TaskOutcome], None] = lambda _: None,
    ) -> None:
        """
        Begin a task, and return at once.

        Args:
            name: of the task, for statistics.
            cpe: whose task it is.
            act: does the task.
            planned: when it was due.
            ended: takes the outcome, but of a task that the run's end cuts.
        """
        began = self._clock()
        way = ways_of(cpe, began).way

        def run() -> None:
            result = act(cpe)
            is_of_fence = result.outcome in FAILED and self._suspended >= began
            is_of_cpe = result.outcome in OF_A_DOWN_DEVICE and _was_down_since(began, cpe)
            if is_of_fence or is_of_cpe:
                result = TaskResult(TaskOutcome.DEVICE_DOWN)
            elif result.outcome in OF_AN_UNREACHABLE_DEVICE and reach_of(cpe) in UNREACHABLE:
                result = TaskResult(TaskOutcome.UNREACHABLE)
            settle(result)

        def settle(result: TaskResult) -> None:
            if result.reason is not None:
                reason = self._reasons.of(result.reason, result.quoted)
                result = result._replace(reason=reason)
            self._sink.task(name, result, self._clock() - planned, way)
            ended(result.outcome)

        if len(self._running) < self._most:
            self._running.add(gevent.spawn(run))
        else:
            settle(TaskResult(TaskOutcome.NOT_POSTED))

    def suspend(self) -> None:
        """All CPEs of the worker stop: no task that is under way fails by the ACS."""
        self._suspended = self._clock()

    def stop(self, seconds: float, stop_waiting: Event) -> None:
        """Wait so long for tasks under way, or until ``stop_waiting`` is set; cut the others."""
        ended: list[Any] = [gevent.spawn(self._running.join), stop_waiting]
        gevent.wait(ended, seconds, 1)
        ended[0].kill()
        self._cut += len(self._running)
        self._running.kill()

    def book(self, results: Results) -> None:
        """Add the tasks that have not ended; while the run goes on, those under way."""
        unfinished = self._cut + len(self._running)
        results.count("tasks.posted", unfinished)
        results.count(f"tasks.{TaskOutcome.CUT}", unfinished)


def _was_down_since(began: float, cpe: CPE) -> bool:
    """Whether the CPE had no power, or rebooted, at some time since then."""
    return not cpe.powered or cpe.down_until > began
