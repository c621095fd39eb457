"""A window of the run: what was counted of late, worker by worker."""

from __future__ import annotations

import pytest
from helpers.snapshots import worker_snapshot

from caretaker.stats.results import Results
from caretaker.stats.window import Window
from caretaker.stats.worker_snapshot import WorkerSnapshot


def at(seconds: float, sessions: int, *times: float) -> WorkerSnapshot:
    """A worker that has had so many sessions by that time of the run."""
    results = Results()
    results.count("sessions", sessions)
    for time in times:
        results.time("took", time)
    return worker_snapshot(at=seconds, results=results)


def test_each_worker_counts_over_its_own_time_between_reports() -> None:
    before = {"one": at(10, 100), "two": at(12, 40)}
    window = Window(before, {"one": at(16, 160), "two": at(15, 70)})
    assert window.rate("sessions") == 10 + 10
    assert window.results.counters["sessions"] == 90
    assert window.seconds == 6


def test_a_worker_without_a_new_report_adds_nothing() -> None:
    silent = at(10, 100)
    window = Window({"one": silent, "two": at(10, 100)}, {"one": silent, "two": at(13, 130)})
    assert window.rate("sessions") == 10


def test_without_any_new_report_there_is_no_rate() -> None:
    reports = {"one": at(10, 100)}
    window = Window(reports, reports)
    assert (window.rate("sessions"), window.seconds) == (None, 0)
    assert Window({}, {}).rate("sessions") is None


def test_less_than_a_second_has_no_rate() -> None:
    assert Window({}, {"one": at(0.9, 100)}).rate("sessions") is None
    assert Window({}, {"one": at(0.9, 100), "two": at(2, 100)}).rate("sessions") is not None


def test_a_worker_that_joins_counts_from_the_older_reports_on() -> None:
    window = Window({"one": at(10, 100)}, {"one": at(13, 100), "new": at(13, 30)})
    assert window.rate("sessions") == 10


def test_times_are_those_of_the_window_with_its_own_longest() -> None:
    window = Window({"one": at(10, 1, 9.0, 0.001)}, {"one": at(13, 2, 9.0, 0.001, 0.5)})
    times = window.results.histogram("took")
    assert times.count == 1
    assert times.longest == pytest.approx(0.5, rel=0.02)
    assert window.results.histogram("never").percentile(99) is None
