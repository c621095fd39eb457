"""Campaigns: each CPE does something once, and the report says how that spreads."""

from __future__ import annotations

import pytest
from helpers.runs import FakeRun, played

from caretaker.scenarios import parse


def test_a_sweep_tells_coverage_and_duration() -> None:
    def ask(run: FakeRun) -> None:
        if run.acts and run.counts.counters["actions.connection_request.done"] < 95:
            run.counts.counters["actions.connection_request.asked"] = 100
            run.counts.count("actions.connection_request.done", 5)

    report = played("cr-sweep rate=5", FakeRun(60, each_second=ask))
    assert report.kpis == {"asked": 100, "coverage": 0.95, "duration_s": 19.0}
    assert report.curves["coverage"][-1] == (19.0, 0.95)


def test_a_campaign_tells_how_the_version_converges() -> None:
    def spread(run: FakeRun) -> None:
        if run.acts and run.counts.counters["events.delivered.M Download"] < 20:
            run.counts.counters["actions.firmware.asked"] = 20
            run.counts.count("events.delivered.M Download")

    report = played("firmware-campaign version=2.0", FakeRun(60, each_second=spread))
    assert report.kpis["time_to_50_percent_s"] == 10.0
    assert report.kpis["time_to_100_percent_s"] == 20.0
    assert "100.0% of 20 CPEs run 2.0" in report.findings[0]


def test_provisioning_looks_at_first_contacts_of_new_cpes_only() -> None:
    def contact(run: FakeRun) -> None:
        run.counts.time("sessions.first_contact", 0.5 if run.grown is None else 0.1)

    run = FakeRun(30, each_second=contact)
    report = played("provisioning cpes=25 rate=5", run)
    assert run.grown == (25, 5.0)
    assert report.kpis["first_contacts"] == 25  # one each second, since they were added
    assert report.kpis["first_contact_p99_ms"] == pytest.approx(100, rel=0.02)
    (step,) = parse("provisioning")
    assert step.scenario.report(run).kpis["first_contacts"] == 30
