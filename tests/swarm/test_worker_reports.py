"""What the master keeps of the reports of its workers."""

from __future__ import annotations

import pytest
from helpers.snapshots import worker_snapshot
from helpers.summaries import results

from caretaker.swarm.index_ledger import LostLease
from caretaker.swarm.take_overs import TakeOvers
from caretaker.swarm.worker_reports import WorkerReports
from caretaker.testing import Clock


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def reports(clock: Clock) -> WorkerReports:
    """Of a run of two workers, the second of which has ended it."""
    made = WorkerReports(1, clock)
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
    reports.look({"one": 10})
    assert (reports.joined, reports.left, list(reports.present)) == (2, 1, ["one"])
    assert (reports.newest["two"].cpes, reports.newest["one"].cpes) == (0, 10)
    assert reports.results().counters["sessions.succeeded"] == 7
    reports.close()
    assert [lost["worker"] for lost in reports.lost(10, TakeOvers())] == ["one"]


def test_those_that_end_with_the_run_have_neither_left_nor_are_they_lost(
    reports: WorkerReports,
) -> None:
    reports.look({"one": 10, "two": 10})
    reports.end("one")
    reports.close()
    assert (reports.joined, reports.left, reports.lost(20, TakeOvers())) == (2, 0, [])


def test_a_worker_without_a_run_has_said_its_last_word_too(reports: WorkerReports) -> None:
    reports.look({"one": 10, "two": 10, "three": 0})
    reports.end("three")
    assert reports.ended == {"two", "three"}


def test_who_is_there_is_part_of_what_is_here(reports: WorkerReports) -> None:
    for there in ({"one": 10, "two": 10}, {"one": 10}, {"one": 10}):
        reports.look(there)
    assert reports.count == 3


def known(worker: str, cpes: int, reported_at: float | None, *, taken_over: bool) -> object:
    return {
        "worker": worker, "cpes": cpes, "pending_connection_requests": 0,
        "reported_at": reported_at, "unknown_s": None if reported_at is None else 0.0,
        "taken_over": taken_over, "cpes_back": 0, "first_back_s": None, "last_back_s": None,
    }  # fmt: skip


class TestLost:
    """Workers that are gone without a last word."""

    def test_one_that_is_forgotten_is_lost(self, reports: WorkerReports) -> None:
        reports.look({"one": 10, "two": 10})
        reports.look({"two": 10})
        assert reports.lost(20, TakeOvers()) == [known("one", 10, 1.0, taken_over=False)]
        assert list(reports.present) == ["two"]

    def test_one_that_was_frozen_and_comes_back_is_not(self, reports: WorkerReports) -> None:
        reports.look({"one": 10, "two": 10})
        reports.look({"two": 10})
        reports.look({"one": 10, "two": 10})
        assert reports.lost(20, TakeOvers()) == []
        assert list(reports.present) == ["one", "two"]

    def test_one_that_leaves_after_it_was_forgotten_is_not(self, reports: WorkerReports) -> None:
        reports.look({"two": 10})
        reports.take("one", worker_snapshot(final=True))
        assert (reports.left, reports.lost(10, TakeOvers())) == (1, [])

    def test_one_that_says_nothing_at_the_end_is(self, reports: WorkerReports) -> None:
        reports.look({"one": 10, "two": 10})
        assert reports.lost(20, TakeOvers()) == []
        reports.close()
        assert [lost["worker"] for lost in reports.lost(20, TakeOvers())] == ["one"]
        assert reports.newest["one"].cpes == 0

    def test_one_that_never_reported_is_known_with_what_it_held(
        self, reports: WorkerReports
    ) -> None:
        reports.look({"one": 10, "two": 10, "three": 7})
        reports.look({"one": 10, "two": 10})
        assert reports.joined == 3
        assert reports.lost(27, TakeOvers()) == [known("three", 7, None, taken_over=False)]

    def test_its_cpes_are_taken_over_when_as_many_run_elsewhere(
        self, reports: WorkerReports
    ) -> None:
        reports.look({"one": 10, "two": 10})
        reports.look({"two": 20})
        reports.take("two", worker_snapshot(cpes=20, final=True))
        assert reports.lost(20, TakeOvers()) == [known("one", 10, 1.0, taken_over=True)]
        assert not reports.lost(21, TakeOvers())[0]["taken_over"]

    def test_cpes_that_lack_are_of_those_that_were_lost_last(self, reports: WorkerReports) -> None:
        reports.take("three", worker_snapshot(at=9.0))
        reports.take("four", worker_snapshot(at=5.0))
        reports.look({"one": 10, "two": 10, "three": 8, "four": 9})
        reports.look({"two": 10})
        lost = [(lost["worker"], lost["taken_over"]) for lost in reports.lost(10 + 8, TakeOvers())]
        assert lost == [("one", True), ("four", True), ("three", False)]

    def test_what_it_did_since_its_last_report_is_unknown(
        self, reports: WorkerReports, clock: Clock
    ) -> None:
        accepted = results(0, connection_requests__accepted=7, connection_requests__received=7)
        reports.take("one", worker_snapshot(results=accepted))
        clock.advance(2.1)
        reports.look({"two": 10})
        clock.advance(30.0)
        reports.look({"two": 10, "three": 0})
        (lost,) = reports.lost(20, TakeOvers())
        assert (lost["unknown_s"], lost["pending_connection_requests"]) == (2.1, 7)

    def test_others_have_its_cpes_back(self, reports: WorkerReports) -> None:
        take_overs = TakeOvers()
        take_overs.lose(LostLease("one", [(0, 10)], 100.0))
        take_overs.grant([(0, 9)], 106.2)
        reports.look({"two": 10})
        (lost,) = reports.lost(20, take_overs)
        assert (lost["cpes_back"], lost["first_back_s"], lost["last_back_s"]) == (9, 6.2, 6.2)

    def test_one_without_cpes_has_none_to_take_over(self, reports: WorkerReports) -> None:
        reports.look({"one": 10, "two": 10, "three": 0})
        reports.look({"one": 10, "two": 10})
        assert reports.lost(1000, TakeOvers()) == [known("three", 0, None, taken_over=True)]


def test_all_were_heard_since_when_the_last_of_them_was(
    reports: WorkerReports, clock: Clock
) -> None:
    assert reports.heard_since(0.0)
    assert not reports.heard_since(clock())
    assert reports.silence("one") >= reports.silence("two") >= 0


def test_a_window_has_nothing_of_a_worker_that_is_silent_for_longer() -> None:
    made = WorkerReports(1)
    for at in range(3, 31, 3):
        made.take("one", worker_snapshot(at=float(at)))
        if at <= 9:
            made.take("silent", worker_snapshot(at=float(at)))
    before = made.before_window
    assert (before["one"].at, before["silent"].at) == (18, 9)
    assert made.newest["silent"].at == 9
    assert len(made._past["one"]) <= 6


def test_a_window_of_a_young_run_begins_with_it() -> None:
    made = WorkerReports(1)
    made.take("one", worker_snapshot(at=3.0))
    made.take("one", worker_snapshot(at=6.0))
    assert made.before_window == {}
