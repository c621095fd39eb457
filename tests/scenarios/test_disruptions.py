"""Disruptions: what is done to the fleet, and how its recovery is measured."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from helpers.runs import FakeRun, played

from caretaker.reporting.outcomes import RunOutcome


def power_cut_with_a_peak(run: FakeRun) -> None:
    """Ten Informs a second, none without power, and a peak after that."""
    second = run.at - 1
    point = run.line._find(second)
    is_dark = 12 <= second < 32
    point.informs_planned = point.informs = point.sessions_succeeded = 0 if is_dark else 10
    if 32 <= second < 35:
        point.informs_planned = point.informs = point.sessions_succeeded = 60
    run.line.sample(second, 50 if is_dark else 100, 0, 50 if 12 <= second < 35 else 0)


def test_a_scenario_does_what_its_arguments_say() -> None:
    run = FakeRun()
    played("power-cut share=0.2 seconds=7 stagger=3", run)
    ((at, name, arguments),) = run.acts
    assert (at, name) == (12.0, "power_cut")
    assert arguments == {"share": 0.2, "seconds": 7.0, "stagger": 3.0}
    assert run.marks == ["the power was back"]


def test_a_power_cut_ends_in_the_time_to_steady_state() -> None:
    report = played("power-cut", FakeRun(60, each_second=power_cut_with_a_peak))
    assert report.kpis["time_to_steady_state_s"] == 4.0
    assert report.kpis["all_informed_s"] == 4.0
    assert report.kpis["peak_over_before"] == 6.0
    assert report.criterion == (RunOutcome.HELD, "Recovered in 4 s (limit 65 s)")
    assert report.marks == [(36.0, "steady state")]


def never(run: FakeRun) -> None:
    """Seven CPEs wait for a retry and nine are out, from the power cut on."""
    is_cut = run.at > 20
    run.line.sample(run.at - 1, 100, 7 if is_cut else 0, 9 if is_cut else 0)


def late(run: FakeRun) -> None:
    """As ``never``, but for a minute."""
    is_cut = 20 < run.at <= 92
    run.line.sample(run.at - 1, 100, 7 if is_cut else 0, 9 if is_cut else 0)


STILL_OUT = "9 CPEs had no good session since, 7 CPEs still wait for a retry"


@pytest.mark.parametrize(
    ("seconds", "each_second", "outcome", "finding"),
    [
        (150, never, RunOutcome.BROKEN, f"Not recovered within 50 s: {STILL_OUT}"),
        (150, late, RunOutcome.BROKEN, f"Not recovered within 50 s, but in 61 s: {STILL_OUT}"),
        (
            50,
            never,
            RunOutcome.NOT_SHOWN,
            "Not shown: the run ended 18 s after the power was back (limit 50 s)",
        ),
        (20, never, RunOutcome.NOT_SHOWN, "Not shown: the run ended before the power was back"),
        (5, never, RunOutcome.NOT_SHOWN, "Not shown: the run ended before anything was done"),
    ],
)
def test_a_fleet_that_does_not_recover_in_time_is_said_to(
    seconds: float, each_second: Callable[[FakeRun], None], outcome: RunOutcome, finding: str
) -> None:
    run = FakeRun(seconds, each_second=each_second)
    report = played("power-cut recover-within=50", run)
    assert report.criterion == (outcome, finding)


def test_the_last_steps_of_a_run_are_too_few_for_a_steady_state() -> None:
    report = played("power-cut recover-within=50", FakeRun(32 + 51, each_second=never))
    assert report.criterion is not None
    assert report.criterion.outcome == RunOutcome.NOT_SHOWN


def test_what_the_generator_may_have_added_breaks_nothing() -> None:
    def laggy(run: FakeRun) -> None:
        late(run)
        run.counts.time("generator.lateness", 15.0)

    report = played("power-cut recover-within=50", FakeRun(150, each_second=laggy))
    assert report.criterion is not None
    assert report.criterion.outcome == RunOutcome.NOT_SHOWN
    assert "the generator was the limit; not recovered within 50 s" in report.criterion.finding


@pytest.mark.parametrize(
    ("text", "limit"),
    [
        ("power-cut stagger=30", 90),
        ("boot-storm", 60),
        ("value-change-storm seconds=20", 80),
        ("acs-outage seconds=4", 80),
        ("acs-outage seconds=5", 100),
        ("acs-outage seconds=20", 140),
        ("acs-outage seconds=60", 220),
        ("acs-outage recover-within=33", 33),
    ],
)
def test_the_limit_leaves_a_minute_beyond_what_cpes_take_by_themselves(
    text: str, limit: int
) -> None:
    report = played(text, FakeRun(300))
    assert report.criterion is not None
    assert f"(limit {limit} s)" in report.criterion.finding
