"""What is said of workers that were lost."""

from __future__ import annotations

import pytest
from helpers.summaries import lost_worker, summary

from caretaker.reporting.lost_workers import described, losses
from caretaker.reporting.summary_text import render
from caretaker.reporting.tables import TABLES
from caretaker.reporting.verdict import judge


@pytest.mark.parametrize(
    ("changes", "sentence"),
    [
        ({}, "500 CPEs, {since}; nobody took them over"),
        (
            {"pending_connection_requests": 4, "taken_over": True},
            "500 CPEs, 4 pending Connection Requests, {since}; others ran as many",
        ),
        (
            {"taken_over": True, "cpes_back": 499, "first_back_s": 6.2, "last_back_s": 8.0},
            "500 CPEs, {since}; others took over 499 of them, after 6.2 to 8.0 s",
        ),
        (
            {"reported_at": None, "unknown_s": None},
            "500 CPEs, all of its results unknown; nobody took them over",
        ),
        ({"cpes": 0, "taken_over": True}, "0 CPEs, {since}"),
    ],
)
def test_it_is_named_with_its_cpes_and_what_became_of_them(
    changes: dict[str, object], sentence: str
) -> None:
    expected = sentence.format(since="results of its last 2.1 s unknown")
    assert described(lost_worker(**changes)) == f"lost with worker 1 (host_ab12): {expected}"


@pytest.mark.parametrize("taken_over", [True, False])
def test_it_stands_in_the_text_and_the_report_whether_taken_over_or_not(taken_over: bool) -> None:
    made = summary()
    made["fleet"] |= {
        "workers_joined": 3, "workers_lost": 1, "lost": [lost_worker(taken_over=taken_over)]
    }  # fmt: skip
    assert "1 of 3 workers, with 500 CPEs" in render(made)
    assert any("lost with worker 1 (host_ab12)" in table(made).about for table in TABLES)
    (ground,) = judge(made)["grounds"]
    assert ground["outcome"] == ("held" if taken_over else "failed")
    assert ground["text"] == described(lost_worker(taken_over=taken_over))


@pytest.mark.parametrize("taken_over", [True, False])
def test_several_are_told_in_one_sentence(taken_over: bool) -> None:
    first, other = (lost_worker(taken_over=taken_over, **changes) for changes in (
        {"cpes": 30, "pending_connection_requests": 3},
        {"worker": "2 (host_cd34)", "reported_at": None},
    ))  # fmt: skip
    who = "others took over their CPEs" if taken_over else "nobody took them over"
    assert losses([first, other], taken_over=taken_over) == (
        f"lost with 2 workers: 530 CPEs, 3 pending Connection Requests; {who}: "
        "1 (host_ab12) at 33 s with 30, 2 (host_cd34) before its first report with 500"
    )
    assert losses([first, other], taken_over=not taken_over) == ""


def test_of_very_many_a_few_are_named() -> None:
    text = losses([lost_worker()] * 50, taken_over=False)
    assert (text.count("host_ab12"), text.endswith(" and 46 more")) == (4, True)


def test_cpes_that_started_anew_are_told_once() -> None:
    made = summary()
    assert "factory" not in render(made)
    made["fleet"]["from_factory"] = 31
    text = "31 CPEs that were taken over started from the factory; --state keeps what the ACS has"
    assert render(made).count(text) == 1
    assert sum(text in table(made).about for table in TABLES) == 1
