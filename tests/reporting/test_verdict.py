"""Checks and exit codes: what makes a run a success."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.summaries import summary

from caretaker.reporting.service_levels import ServiceLevel, verdicts
from caretaker.reporting.summary_text import render
from caretaker.reporting.verdict import checks, exit_code, failures


def judged(found: Any, *levels: str) -> Any:
    return found | {"service_levels": verdicts(map(ServiceLevel.parse, levels), found)}


HOLDS, BROKEN = "sessions.per_second > 1", "sessions.per_second > 1000"


@pytest.mark.parametrize(
    ("found", "levels", "code"),
    [
        (summary(), [], 0),
        (summary(), [HOLDS], 0),
        (summary(), [BROKEN], 3),
        (summary(), [HOLDS, BROKEN], 3),
        (summary(failed=1), [], 1),
        (summary(failed=1), [HOLDS], 1),
        (summary(failed=1), [BROKEN], 3),
        (summary(sessions__shed=50), [HOLDS], 0),
        (summary(0), [HOLDS], 3),
        (summary(), ["exchanges.Fault.ms.p99 < 1000"], 3),
        (summary() | {"other_failures": ["1 exceptions in users"]}, [], 7),
        (summary() | {"other_failures": ["1 exceptions in users"]}, [BROKEN], 3),
        (summary(failed=1) | {"other_failures": ["1 exceptions in users"]}, [], 1),
    ],
)
def test_the_exit_code(found: Any, levels: list[str], code: int) -> None:
    assert exit_code(judged(found, *levels), on_other_failures=7) == code


@pytest.mark.parametrize(
    ("levels", "code"),
    [
        (["sessions.failed_ratio < 0.1"], 0),
        (["sessions.failed <= 1"], 0),
        (["sessions.failed < 1"], 3),
        (["sessions.failed >= 0"], 1),
        (["tasks.failed < 5"], 1),
    ],
)
def test_a_level_that_allows_failures_takes_the_place_of_the_check(
    levels: list[str], code: int
) -> None:
    assert exit_code(judged(summary(failed=1), *levels), 1) == code


def test_a_level_of_tasks_too() -> None:
    found = summary(tasks__faulted=1, tasks__posted=1)
    assert exit_code(found, 1) == 1
    assert exit_code(judged(found, "tasks.failed_ratio < 0.1"), 1) == 0


def test_a_level_for_failures_excuses_nothing_else() -> None:
    found = judged(summary(0, failed=5), "sessions.failed_ratio <= 1")
    assert failures(found) == ["no session succeeded"]


def test_each_check_has_a_name() -> None:
    assert "no session failed" in checks(summary())
    assert not any(checks(summary()).values())
    assert checks(summary(failed=2))["no session failed"] == "2 sessions failed"


def test_a_person_reads_each_verdict() -> None:
    found = judged(summary(), HOLDS, BROKEN, "exchanges.Fault.ms.p99 < 1000")
    found["service_levels"][1]["broken_at"] = 12.3
    lines = render(found).splitlines()
    assert lines[-5:-1] == [
        "Service levels      1 held, 1 broken, 1 not shown",
        "  held              sessions.per_second > 1 (10)",
        "  broken            sessions.per_second > 1000 (10, ended the run after 12.3 s)",
        "  not shown         exchanges.Fault.ms.p99 < 1000 (no data)",
    ]
    assert "FAILED: service level broken: sessions.per_second > 1000 (10" in lines[-1]
    assert "Service levels" not in render(judged(summary()))
