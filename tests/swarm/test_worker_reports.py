"""What the master keeps of the reports of its workers."""

from __future__ import annotations

import time

import pytest
from helpers.snapshots import worker_snapshot
from helpers.summaries import results

from caretaker.swarm.worker_reports import WorkerReports


@pytest.fixture
def reports() -> WorkerReports:
    """Of a run of two workers, the second of which has ended it."""
    made = WorkerReports(1)
    made.take("one", worker_snapshot(results=results(3)))
    made.take("two", worker_snapshot(worker=1, results=results(4), final=True))
    return made


def test_the_newest_snapshot_of_a_worker_stands_for_all_before(reports: WorkerReports) -> None:
    reports.take("one", worker_snapshot(results=results(5)))
    assert reports.results().counters["sessions.succeeded"] == 9
    assert reports.count == 3


def test_reports_of_another_run_do_not_count(reports: WorkerReports) -> None:
    reports.take("one", worker_snapshot(run=7))
    assert (reports.count, reports.newest["one"].run) == (2, 1)


def test_a_worker_that_has_left_counts_with_what_it_did_alone(reports: WorkerReports) -> None:
    reports.leave("one")
    reports.leave("one")
    reports.take("one", worker_snapshot())  # a report that was still under way
    assert (reports.count, reports.left, list(reports.present)) == (3, 1, ["two"])
    assert reports.newest["one"].cpes == 0
    assert reports.results().counters["sessions.succeeded"] == 7


def test_a_worker_without_a_report_has_nothing_to_leave(reports: WorkerReports) -> None:
    reports.leave("three")
    assert (reports.count, reports.left) == (2, 0)


def test_a_worker_that_neither_left_nor_ended_is_lost(reports: WorkerReports) -> None:
    assert (reports.unfinished, reports.lost) == (["one"], 1)
    reports.leave("one")
    assert (reports.unfinished, reports.lost) == (["one"], 0)


def test_all_were_heard_since_when_the_last_of_them_was(reports: WorkerReports) -> None:
    assert reports.heard_since(0.0)
    assert not reports.heard_since(time.monotonic())
    assert reports.silence("one") >= reports.silence("two") >= 0
