"""What an operator asks of a timeline."""

from __future__ import annotations

import pytest

from caretaker.stats.recovery import (
    Baseline,
    Span,
    all_back,
    convergence,
    open_sessions,
    recovery,
    steady,
)
from caretaker.stats.timeline import Timeline


def power_cut(recovers_at: int | None = 40, slow_until: int = 0) -> Timeline:
    """
    Ten Informs a second; dark from 20 to 30, then a herd that is through at some time.

    Until ``slow_until`` Informs take a second, else 10 ms.
    """
    line = Timeline()
    for second in range(60):
        point = line._find(second)
        is_dark = 20 <= second < 30
        is_out = second >= 20 and (recovers_at is None or second < recovers_at)
        point.informs_planned = point.informs = 0 if is_dark else 10
        point.sessions_succeeded = point.informs
        if second == 30:
            point.informs_planned += 100
        if second == recovers_at:
            point.sessions_succeeded += 100
        line.sample(second, 50 if is_dark else 100, 0, 50 if is_out else 0)
        for _ in range(point.sessions_succeeded):
            point.from_plan.add(1.0 if 30 <= second < slow_until else 0.01)
    return Timeline.total([line])


CALM = Span(5, 20)


def test_the_baseline_is_measured() -> None:
    baseline = Baseline.of(power_cut(), CALM)
    assert (baseline.informs_per_second, baseline.open, baseline.retrying) == (10.0, 0, 0)
    assert baseline.p95 == pytest.approx(0.01, rel=0.03)


def test_what_was_due_and_has_not_ended_is_open() -> None:
    assert set(open_sessions(power_cut())[30:40]) == {100}
    assert open_sessions(power_cut())[40] == 0


def test_steady_state_is_when_the_last_one_is_back_and_nothing_is_open() -> None:
    line = power_cut()
    assert steady(line, Baseline.of(line, CALM), since=30) == 41.0
    assert all_back(line, since=30) == 41.0


def test_steady_state_waits_for_the_latencies() -> None:
    line = power_cut(slow_until=50)
    assert steady(line, Baseline.of(line, CALM), since=30) == 51.0


def test_there_may_be_no_steady_state_in_a_run() -> None:
    for recovers_at in (None, 58):
        line = power_cut(recovers_at)
        assert steady(line, Baseline.of(line, CALM), since=30) is None


def test_cpes_that_wait_for_a_retry_are_no_steady_state() -> None:
    line = power_cut()
    for second in range(41, 46):
        line.points.open(second).retrying = 3
    assert steady(line, Baseline.of(line, CALM), since=30) == 47.0


def test_a_fleet_that_was_idle_before_has_no_latencies_to_come_back_to() -> None:
    line = power_cut()
    for second in range(20):
        line.points.open(second).from_plan.buckets.clear()
    baseline = Baseline.of(line, CALM)
    assert baseline.p95 is None
    assert steady(line, baseline, since=30) == 41.0


def test_the_herd_is_measured_against_the_natural_rate() -> None:
    line = power_cut()
    kpis = recovery(line, Baseline.of(line, CALM), began=20, since=30)
    assert kpis["time_to_steady_state_s"] == 11.0
    assert (kpis["peak_informs_per_second"], kpis["peak_after_s"]) == (110.0, 0.0)
    assert kpis["peak_over_before"] == 11.0


def test_what_comes_after_the_recovery_is_not_of_the_herd() -> None:
    line = power_cut()
    line.points.open(50).informs_planned += 500
    line.points.open(50).sessions_succeeded += 500
    line.points.open(50).sessions_failed = 7
    kpis = recovery(line, Baseline.of(line, CALM), began=20, since=30)
    assert (kpis["peak_informs_per_second"], kpis["sessions_failed"]) == (110.0, 0)


def test_a_run_that_ended_early_has_kpis_too() -> None:
    empty = Timeline()
    kpis = recovery(empty, Baseline.of(empty, CALM), began=20, since=30)
    assert kpis["time_to_steady_state_s"] is None
    assert kpis["peak_over_before"] is None
    assert all_back(empty, 0.0) is None


def test_convergence_is_read_off_its_curve() -> None:
    curve = [(1.0, 0.2), (4.0, 0.5), (9.0, 0.96)]
    assert convergence(curve) == {
        "time_to_50_percent_s": 4.0,
        "time_to_95_percent_s": 9.0,
        "time_to_100_percent_s": None,
        "converged": 0.96,
    }
    assert convergence([])["converged"] is None
