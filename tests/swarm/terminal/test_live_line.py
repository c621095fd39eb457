"""The lines of a run, as who reads a log sees them."""

from __future__ import annotations

from dataclasses import replace

import pytest
from helpers.live_states import DARK, RUNNING, failures, live_state
from helpers.snapshots import usage
from helpers.summaries import results

from caretaker.stats.results import Results
from caretaker.swarm.terminal.live_line import WIDTH, live_line, news


def test_a_line_has_the_figures_of_the_screen() -> None:
    made = Results()
    made.count("sessions.failed", 3)
    made.count("informs.total", 33)
    made.count("informs.planned", 40)
    made.count("connection_requests.accepted", 20)
    made.time("informs.from_plan", 0.0125)
    made.time("connection_requests.to_inform", 5.0)
    made.time("generator.loop_lag", 0.002)
    line = live_line(live_state(RUNNING, made, {"idle": 5, "no_power": 5}))
    assert line.split(" | ") == [
        "62/180s", "CPEs 10 (5 off)", "failed 3", "Inform/s 33.0/40.0 p99 12ms",
        "CR/s 20.0 p99 5.0s", "lag 2.0ms",
    ]  # fmt: skip


def test_a_run_without_data_has_none() -> None:
    line = live_line(live_state(RUNNING._replace(total=None), Results()))
    assert line == "62s | CPEs 10 | failed 0 | Inform/s 0.0/0.0 p99 - | CR/s 0.0 p99 - | lag -"


def test_a_limit_of_the_generator_is_never_left_out() -> None:
    state = live_state(cpes={"idle": 10**6, "no_power": 10**6}, usage=usage(cpu_now=97.0))
    assert "GENERATOR LIMIT" in live_line(state)


@pytest.mark.parametrize("size", [1, 10**3, 10**6, 10**9])
def test_it_fits_100_characters_whatever_the_figures(size: int) -> None:
    made = results(2, sessions__shed=size, sessions__failed=size, informs__total=size)
    progress = RUNNING._replace(seconds=86_400.0 * 7, total=86_400.0 * 7)
    line = live_line(live_state(progress, made, {"idle": size, "no_power": size}))
    assert len(line) <= WIDTH
    assert f"failed {size}" in line


def test_a_new_step_and_a_new_reason_have_lines_of_their_own() -> None:
    made = results()
    made.count("sessions.failures.acs.no answer in time", 3)
    before, now = live_state(), live_state(DARK, made, examples=failures(no_answer_in_time=60.0))
    now = replace(now, run=replace(now.run, run=before.run.run))
    assert list(news(before, now)) == [
        "62/180s | power cut: 50% of the fleet without power for 20 s, back within 5 s",
        "62/180s | failure: 3 x no answer in time",
    ]
    assert list(news(now, now)) == []


def test_lines_of_news_fit_too() -> None:
    now = live_state(RUNNING._replace(step="x" * 300))
    assert [len(line) for line in news(live_state(), now)] == [WIDTH]
