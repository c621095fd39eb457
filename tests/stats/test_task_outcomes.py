"""Outcomes of tasks: each has its words, its key in the summary, and its place in the books."""

from __future__ import annotations

from helpers.summaries import summary

from caretaker.reporting.summary_types import TasksSection
from caretaker.stats.task_outcomes import (
    FAILED,
    POSTED,
    UNJUDGED,
    WORDS,
    TaskOutcome,
    failed_parts,
)

T = TaskOutcome


def test_each_outcome_has_words_and_a_key_of_the_summary() -> None:
    assert set(WORDS) == set(T)
    assert set(T) <= set(TasksSection.__annotations__)


def test_each_outcome_is_a_failure_or_is_not() -> None:
    assert set(T) - set(FAILED) == {T.DONE, T.QUEUED, *UNJUDGED, T.NOT_POSTED}
    assert set(POSTED) == set(T) - {T.NOT_POSTED}


def test_the_outcomes_add_up_to_the_tasks_posted() -> None:
    counts = {f"tasks__{outcome}": 1 for outcome in T}
    tasks = summary(0, tasks__posted=len(POSTED), **counts)["tasks"]
    assert tasks["posted"] == sum(tasks[outcome] for outcome in POSTED)
    assert tasks["failed"] == len(FAILED)
    assert tasks["failed_ratio"] == round(len(FAILED) / (len(POSTED) - len(UNJUDGED)), 9)


def test_failures_are_told_by_outcome() -> None:
    tasks = summary(0, tasks__posted=40, tasks__offline=12, tasks__faulted=1)["tasks"]
    assert failed_parts(tasks) == "12 device offline, 1 faulted"
    assert failed_parts(summary()["tasks"]) == ""
