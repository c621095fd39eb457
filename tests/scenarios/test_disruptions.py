"""Disruptions: what is done to the fleet, and how its recovery is measured."""

from __future__ import annotations

from helpers.runs import FakeRun, played


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
    assert report.findings[0] == "Steady state 4 s after the power was back."
    assert report.marks == [(36.0, "steady state")]


def test_a_fleet_that_does_not_recover_is_said_to() -> None:
    def never(run: FakeRun) -> None:
        run.line.sample(run.at - 1, 100, 7, 9 if run.at > 20 else 0)

    report = played("power-cut", FakeRun(80, each_second=never))
    assert report.kpis["time_to_steady_state_s"] is None
    assert not report.marks
    assert "9 CPEs still out, 7 waiting for a retry" in report.findings[0]
