"""The tables of the report: each a pure function of the summary."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.summaries import FAILED, everything, results, summary, summary_of, told

from caretaker.reporting.number_text import NO_DATA
from caretaker.reporting.tables import LEVELS, TABLES, ReportTable, times
from caretaker.stats.results import Results

FAILURES, SESSIONS, RPCS, INFORMS, BOOKS, GENERATOR, WORKERS = TABLES


def rows(table: ReportTable) -> dict[str, tuple[str, ...]]:
    """The cells behind the first of each row, by that."""
    return {row.cells[0]: row.cells[1:] for row in table.rows}


@pytest.mark.parametrize("made", [summary_of(Results()), summary(), everything(), told()])
def test_every_row_has_a_cell_for_every_column(made: Any) -> None:
    for table in (make(made) for make in (LEVELS, *TABLES)):
        assert table.title
        assert all(len(row.cells) == len(table.head) for row in table.rows)


def test_percentiles_of_nothing_are_no_data() -> None:
    assert times({"p50": None, "max": None}, "p50", "max") == (NO_DATA, NO_DATA)
    assert times({"p50": 1.5, "max": 2000.0}, "p50", "max") == ("1.5 ms", "2 s")


def test_levels_say_what_was_measured_and_which_one_ended_the_run() -> None:
    table = LEVELS(told())
    assert [row.state for row in table.rows] == ["held", "broken", "not shown"]
    assert rows(table)["tasks.failed < 1"] == ("1", "broken since 7 s")
    assert rows(table)["transfers.failed_ratio < 1"] == (NO_DATA, "not shown")


def test_failures_stand_with_their_fault_the_most_frequent_first() -> None:
    made = everything()
    made["sessions"]["failures"] = [
        {"reason": "rare", "blame": "ours", "number": 1, "example": None},
        {"reason": "often", "blame": "acs", "number": 1234,
         "example": {"cpe": "A-1", "at": 2.5, "events": ["1 BOOT", "2 PERIODIC"]}},
    ]  # fmt: skip
    first, second = FAILURES(made).rows[:2]
    assert first.cells == (
        "Session", "often", "", "the ACS's", "A-1 at 2.5 s: 1 BOOT, 2 PERIODIC", "1,234",
    )  # fmt: skip
    assert second.cells[1:5] == ("rare", "", "ours: please report the bug", "")


def test_what_helps_stands_beside_a_reason_and_settings_are_not_the_acss_fault() -> None:
    made = results()
    made.session(FAILED._replace(reason="credentials refused (HTTP 401)"))
    made.count("tasks.reasons.Task faulted")
    first, second = FAILURES(summary_of(made)).rows
    assert "--acs-password" in first.cells[2]
    assert first.cells[3] == "the ACS's, or of this run's settings"
    assert second.cells[:3] == ("Task", "Task faulted", "see the fault in the ACS")


def test_rpcs_that_failed_stand_out() -> None:
    (row,) = RPCS(summary(failed=2)).rows
    assert (row.cells[:3], row.state) == (("Inform", "102", "2"), "broken")


def test_the_share_of_an_event_is_of_all_informs() -> None:
    assert rows(INFORMS(summary()))["6 CONNECTION REQUEST"] == ("100", "100 %")


def test_books_show_the_sum_that_they_must_be() -> None:
    made = everything()
    assert rows(BOOKS(made))["Events"][1] == "not balanced"
    made = summary()
    assert rows(BOOKS(made))["Events"] == (
        "100 raised = 100 delivered + 0 pending + 0 discarded", "balanced",
    )  # fmt: skip
    assert {row.state for row in BOOKS(made).rows} == {"held"}


def test_unfinished_sessions_stand_with_what_they_waited_for_and_whom_that_is_on() -> None:
    made = results()
    made.time("sessions.unfinished_waits.acs.InformResponse", 3.0)
    (row,) = FAILURES(summary_of(made)).rows
    assert row.cells == (
        "Session, unfinished", "waited for InformResponse", "", "the ACS's",
        "the longest for 3 s", "1",
    )  # fmt: skip


def test_the_generator_is_said_to_be_the_limit_by_the_one_rule() -> None:
    made = summary()
    assert "was not the limit" in GENERATOR(made).about
    made["generator"]["lateness_ms"]["p99"] = 300.0
    assert "the p99 of its lateness was 300 ms (more workers)" in GENERATOR(made).about


def test_each_worker_has_its_cpes_cpu_and_memory() -> None:
    assert rows(WORKERS(summary())) == {"worker 0": ("10", "50 %", "90 %", "50 MB")}
    assert "1 joined, 0 left early, 0 lost" in WORKERS(summary()).about
    assert SESSIONS(summary()).head == ("From and to", "p50", "p95", "p99", "max")
