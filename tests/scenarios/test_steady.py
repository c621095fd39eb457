"""The fleet at a rate: memory that grows, and the rate at which sessions begin to fail."""

from __future__ import annotations

import pytest
from helpers.runs import FakeRun, played


def test_a_soak_tells_what_grows() -> None:
    report = played("soak every=10", FakeRun(200))
    assert report.kpis["memory_growth_mb"] == pytest.approx(1.9, abs=0.2)


def test_a_ramp_tells_where_failures_begin() -> None:
    report = played("ramp start=10 end=100 steps=10 seconds=40", FakeRun(capacity=55))
    assert report.kpis["highest_rate_without_failure"] == 50.0
    assert report.kpis["first_rate_with_failure"] == 60.0


def test_a_steady_fleet_reports_planned_and_real_informs() -> None:
    def inform(run: FakeRun) -> None:
        point = run.line._find(run.at - 1)
        point.informs_planned, point.informs = 10, 9
        point.from_plan.add(0.02)

    report = played("steady", FakeRun(50, each_second=inform))
    assert report.kpis["informs_planned_per_second"] == 10.0
    assert report.kpis["informs_per_second"] == 9.0
    assert report.kpis["informs_over_planned"] == 0.9
    assert report.kpis["from_plan_p99_ms"] == pytest.approx(20, rel=0.05)
