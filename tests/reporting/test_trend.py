"""Figures over many runs: the baseline, the noise, and what is compared with what."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from helpers.summaries import with_latency
from hypothesis import given
from hypothesis import strategies as st

from caretaker.reporting.kept_runs import KeptRun
from caretaker.reporting.outcomes import RunOutcome
from caretaker.reporting.trend import BASELINE_RUNS, LEAST_RUNS, Trend, trend

LATENCY = "tasks.latency_ms.p99"
BEFORE = [10.0, 11.0, 9.0, 10.0, 10.5, 9.5, 10.0]


def run(number: int, latency: float | None, **sections: Any) -> KeptRun:
    settings = {"settings": {"--scenario": ""}}
    return KeptRun(f"run-{number}", with_latency(latency) | settings | sections)


def over(
    latencies: Sequence[float | None], metrics: Sequence[str] = (LATENCY,), last: int = 20
) -> Trend:
    runs = [run(number, latency) for number, latency in enumerate(latencies)]
    return trend(runs, metrics, last, 0.1)


@pytest.mark.parametrize(
    ("newest", "outcome"),
    [
        (10.0, RunOutcome.HELD),
        (14.4, RunOutcome.HELD),  # within six deviations of 0.74
        (14.5, RunOutcome.BROKEN),
        (1.0, RunOutcome.HELD),  # better
        (None, RunOutcome.NOT_SHOWN),
    ],
)
def test_what_is_beyond_noise_is_broken(newest: float | None, outcome: RunOutcome) -> None:
    assert over([*BEFORE, newest]).outcome == outcome


@pytest.mark.parametrize(
    ("before", "newest", "outcome"),
    [
        (10.0, 11.0, RunOutcome.HELD),  # 10 %
        (10.0, 11.1, RunOutcome.BROKEN),
        (0.05, 0.14, RunOutcome.HELD),  # 0.1 ms is nothing
        (0.05, 0.16, RunOutcome.BROKEN),
    ],
)
def test_runs_that_are_all_the_same_have_a_least_noise(
    before: float, newest: float, outcome: RunOutcome
) -> None:
    assert over([*[before] * 7, newest]).outcome == outcome


def test_what_the_generator_may_have_added_is_noise() -> None:
    runs = [run(number, latency) for number, latency in enumerate([*BEFORE, 16.0])]
    assert trend(runs, [LATENCY], 20, 0.1).outcome == RunOutcome.BROKEN
    runs[-1].summary["generator"] |= {"loop_lag_ms": {"p99": 7.0, "max": 9.0}}
    assert trend(runs, [LATENCY], 20, 0.1).outcome == RunOutcome.HELD


def test_less_is_worse_where_more_is_better() -> None:
    before = [run(number, 10.0) for number in range(7)]
    slower = run(7, 10.0)
    slower.summary["sessions"]["per_second"] = 5.0
    assert trend([*before, slower], ["sessions.per_second"], 20, 0.1).outcome == RunOutcome.BROKEN


def test_a_total_is_drawn_and_never_worse() -> None:
    found = over([*BEFORE, 10.0], ["sessions.started"])
    assert found.outcome == RunOutcome.HELD
    assert found.figures[0].limit(found.figures[0].newest) is None


def test_one_run_that_was_worse_does_not_hide_the_next() -> None:
    assert over([*BEFORE, 99.0, 99.0]).outcome == RunOutcome.BROKEN


def test_a_change_that_lasts_becomes_the_baseline() -> None:
    assert over([*BEFORE, *[99.0] * BASELINE_RUNS, 99.0]).outcome == RunOutcome.HELD


@pytest.mark.parametrize("before", range(LEAST_RUNS))
def test_too_few_runs_show_nothing(before: int) -> None:
    assert over([*[10.0] * before, 99.0]).outcome == RunOutcome.NOT_SHOWN
    assert over([*[None] * 9, *[10.0] * before, 99.0]).outcome == RunOutcome.NOT_SHOWN


def test_the_worst_figure_decides_and_comes_first() -> None:
    found = over([*BEFORE, 99.0], ["sessions.per_second", "transfers.failed_ratio", LATENCY])
    assert found.figures[0].metric == LATENCY
    assert found.outcome == RunOutcome.BROKEN


def test_the_usual_figures_are_those_that_there_is_data_for() -> None:
    runs = [run(number, 10.0) for number in range(8)]
    for kept in runs:
        kept.summary["informs"] = {**kept.summary["informs"], "from_plan_ms": {"p99": None}}
    assert [found.metric for found in trend(runs, (), 20, 0.1).figures] == [
        "sessions.per_second",
        "sessions.failed_ratio",
        "connection_requests.to_inform_ms.p99",
    ]


def test_runs_before_those_that_are_drawn_count_for_the_baseline() -> None:
    found = over([*BEFORE, 99.0], last=1)
    assert [kept.name for kept in found.runs] == ["run-7"]
    assert found.outcome == RunOutcome.BROKEN


def test_runs_of_another_load_are_left_out_and_counted() -> None:
    other = {"settings": {"--scenario": "power-cut"}}
    interrupted = {"interrupted": True}
    runs = [
        *(run(number, 50.0, **other) for number in range(5)),
        *(run(number, latency) for number, latency in enumerate(BEFORE, 5)),
        run(12, 99.0, **interrupted),
        run(13, 50.0),
    ]
    found = trend(runs, [LATENCY], 20, 0.1)
    assert found.left_out == {"another scenario": 5, "interrupted": 1}
    assert [len(found.runs), found.outcome] == [8, RunOutcome.BROKEN]


def test_a_newest_run_that_shows_nothing_is_no_regression() -> None:
    runs = [run(number, latency) for number, latency in enumerate(BEFORE)]
    found = trend([*runs, run(7, 99.0, interrupted=True)], [LATENCY], 20, 0.1)
    assert (found.outcome, found.doubts) == (RunOutcome.NOT_SHOWN, ["interrupted"])


@given(st.lists(st.floats(9.0, 11.0), min_size=LEAST_RUNS, max_size=30), st.floats(0.1, 1e6))
def test_what_lies_within_what_was_seen_by_half_is_never_worse(
    before: list[float], size: float
) -> None:
    values = [value * size for value in before]
    middle = sorted(values[-BASELINE_RUNS:])[len(values[-BASELINE_RUNS:]) // 2]
    assert over([*values, middle]).outcome == RunOutcome.HELD
