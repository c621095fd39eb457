"""When the generator is the limit of a run: one rule, over a run or a part of it."""

from __future__ import annotations

import pytest
from helpers.snapshots import usage, worker_snapshot
from helpers.summaries import results, summary

from caretaker.reporting.generator_limits import (
    CPU_PERCENT,
    LATENESS_MS,
    LOOP_LAG_MS,
    GeneratorFigures,
    added_ms,
    generator_limits,
    in_words,
)

AT_EASE = GeneratorFigures(
    loop_lag=LOOP_LAG_MS, lateness=LATENESS_MS, cpu={"0": CPU_PERCENT}, failed=0
)


def test_a_generator_within_its_bounds_is_not_the_limit() -> None:
    assert generator_limits(AT_EASE) == []


@pytest.mark.parametrize(
    ("figures", "limit"),
    [
        (AT_EASE._replace(loop_lag=412.4), "the p99 of its loop lag was 412 ms (more workers)"),
        (AT_EASE._replace(lateness=251), "the p99 of its lateness was 251 ms (more workers)"),
        (AT_EASE._replace(loop_lag=120, cpu={"0": 5, "1": 6}),
         "the p99 of its loop lag was 120 ms (a machine with less other work, or more workers)"),
        (AT_EASE._replace(lateness=251, cpu={"0": 5, "1": 50}),
         "the p99 of its lateness was 251 ms (more workers)"),
        (AT_EASE._replace(lateness=251, cpu={}),
         "the p99 of its lateness was 251 ms (more workers)"),
        (AT_EASE._replace(cpu={"0": 5, "7": 97}), "worker 7 used 97 % of its core (more workers)"),
        (AT_EASE._replace(place_wait=812),
         "the p99 of the wait for a place was 812 ms (raise --max-sessions, or more workers)"),
        (AT_EASE._replace(waiting=5),
         "5 sessions were left waiting for a place (raise --max-sessions, or more workers)"),
        (AT_EASE._replace(failed=3), "3 sessions failed at its limits (docs/limits.md)"),
        (AT_EASE._replace(not_posted=6),
         "6 tasks were not posted (more workers, or more sockets: docs/limits.md)"),
    ],
)  # fmt: skip
def test_each_bound_that_is_passed_is_named_with_its_cure(
    figures: GeneratorFigures, limit: str
) -> None:
    assert list(map(str, generator_limits(figures))) == [limit]


def test_a_cure_of_several_limits_is_said_once() -> None:
    figures = AT_EASE._replace(loop_lag=120, lateness=251, failed=3)
    assert in_words(generator_limits(figures)) == (
        "the p99 of its loop lag was 120 ms and the p99 of its lateness was 251 ms (more workers); "
        "3 sessions failed at its limits (docs/limits.md)"
    )


def test_the_figures_of_a_run_are_those_of_its_summary() -> None:
    made = summary(sessions__blame__generator=2, informs__not_begun=3, tasks__not_posted=4)
    made["generator"]["lateness_ms"]["p99"] = 7.0
    figures = GeneratorFigures.of_run(made)
    assert (figures.lateness, figures.loop_lag) == (7.0, made["generator"]["loop_lag_ms"]["p99"])
    assert (figures.cpu, figures.failed) == ({"0": 50.0}, 2)
    assert (figures.waiting, figures.not_posted) == (3, 4)


def test_what_lies_before_an_earlier_look_does_not_count() -> None:
    before, now = results(0, sessions__blame__generator=2), results(0)
    before.time("generator.loop_lag", 9.0)
    now.merge(before)
    now.time("generator.loop_lag", 0.2)
    now.count("sessions.blame.generator")
    now.count("tasks.not_posted", 7)
    worker = worker_snapshot(worker=3, states={"waiting": 4}, usage=usage(cpu_now=55.0))
    figures = GeneratorFigures.since(before, now, [worker])
    assert figures.loop_lag == pytest.approx(200, rel=0.01)
    assert figures._replace(loop_lag=0) == (0, None, {"3": 55.0}, 1, None, 4, 7)


def test_a_generator_that_is_the_limit_adds_all_its_delays() -> None:
    assert added_ms(AT_EASE._replace(loop_lag=200.0, lateness=2.0, place_wait=4.0)) == 206.0
    assert added_ms(AT_EASE) == 0.0
