"""The fleet at a rate: memory that grows, and the rate at which sessions begin to fail."""

from __future__ import annotations

import pytest
from helpers.runs import FakeRun, criterion_of, played

from caretaker.reporting.outcomes import RunOutcome


def test_a_soak_tells_what_grows() -> None:
    report = played("soak every=10", FakeRun(200))
    assert report.kpis["memory_growth_mb"] == pytest.approx(1.9, abs=0.2)


def test_a_ramp_tells_where_failures_begin() -> None:
    report = played("ramp start=10 end=100 steps=10 seconds=40", FakeRun(capacity=55))
    assert report.kpis["highest_rate_without_failure"] == 50.0
    assert report.kpis["first_rate_with_failure"] == 60.0
    assert report.findings == ["All sessions succeeded up to 50 Informs per second."]


def test_a_ramp_says_nothing_twice() -> None:
    report = played("ramp start=10 end=100 steps=10 seconds=40 at-least=50", FakeRun(capacity=55))
    assert report.criterion is not None
    assert report.criterion.finding.startswith("All sessions succeeded up to 50 Informs")
    (more,) = report.findings
    assert more.startswith("At 60 Informs per second ")
    assert played("ramp start=10 end=100 steps=10 seconds=40", FakeRun()).findings == []


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


class Informs:
    """So many of ten Informs a second go out, and are answered in so many milliseconds."""

    def __init__(self, sent: int = 10, ms: float = 20.0, lateness: float = 0.0) -> None:
        self.sent = sent
        self.ms = ms
        self.lateness = lateness

    def __call__(self, run: FakeRun) -> None:
        point = run.line._find(run.at - 1)
        point.informs_planned, point.informs = 10, self.sent
        if self.ms:
            point.from_plan.add(self.ms / 1000)
        run.counts.time("generator.lateness", self.lateness)


@pytest.mark.parametrize(
    ("informs", "outcome", "finding"),
    [
        (Informs(), RunOutcome.HELD, "99 % of Informs were answered within 20 ms (limit 1000 ms)"),
        (Informs(9), RunOutcome.BROKEN, "48 of 480 planned Informs did not go out"),
        (Informs(ms=0), RunOutcome.BROKEN, "No Inform was answered"),
        (Informs(ms=3000), RunOutcome.BROKEN, "answered within 3"),
        (Informs(ms=1200, lateness=0.5), RunOutcome.NOT_SHOWN, "the generator was the limit"),
    ],
)
def test_a_steady_fleet_is_judged_by_what_goes_out_and_is_answered(
    informs: Informs, outcome: RunOutcome, finding: str
) -> None:
    found = criterion_of("steady", FakeRun(50, each_second=informs))
    assert found.outcome == outcome, found
    assert finding in found.finding


def unanswered(run: FakeRun) -> None:
    run.line._find(run.at - 1).sessions_succeeded = 0 if run.rate > 50 else int(run.rate)


def our_failures(run: FakeRun) -> None:
    point = run.line._find(run.at - 1)
    point.sessions_failed = point.failed_generator = 1 if run.rate > 50 else 0


@pytest.mark.parametrize(
    ("text", "run", "outcome", "finding"),
    [
        ("", FakeRun(), RunOutcome.HELD, "All sessions succeeded up to 100 Informs per second"),
        ("", FakeRun(capacity=55), RunOutcome.BROKEN, "At 60 Informs per second"),
        ("at-least=50", FakeRun(capacity=55), RunOutcome.HELD, "(limit 50)"),
        ("", FakeRun(20), RunOutcome.NOT_SHOWN, "Not shown: the run ended at 40 of 100"),
        ("", FakeRun(each_second=unanswered), RunOutcome.BROKEN, "sessions were open"),
        ("", FakeRun(each_second=our_failures), RunOutcome.NOT_SHOWN, "failed by the generator"),
    ],
)
def test_a_ramp_is_judged_by_the_rate_up_to_which_all_succeeds(
    text: str, run: FakeRun, outcome: RunOutcome, finding: str
) -> None:
    found = criterion_of(f"ramp start=10 end=100 steps=10 seconds=40 {text}", run)
    assert found.outcome == outcome, found
    assert finding in found.finding


def slower(run: FakeRun) -> None:
    run.line._find(run.at - 1).from_plan.add(0.01 if run.at < 150 else 0.2)


def as_before(run: FakeRun) -> None:
    run.line._find(run.at - 1).from_plan.add(0.01)


@pytest.mark.parametrize(
    ("text", "run", "outcome", "finding"),
    [
        ("", FakeRun(each_second=as_before), RunOutcome.HELD, "The p95 from plan went from 10 to"),
        ("", FakeRun(each_second=slower), RunOutcome.BROKEN, "(limit 60 ms)"),
        ("latency-growth=30", FakeRun(each_second=slower), RunOutcome.HELD, "The p95 from plan"),
        ("memory-growth=1", FakeRun(each_second=as_before), RunOutcome.FAILED, "Each worker grew"),
        ("", FakeRun(), RunOutcome.NOT_SHOWN, "no Inform was answered"),
        ("", FakeRun(5), RunOutcome.NOT_SHOWN, "too short"),
    ],
)
def test_a_soak_is_judged_by_what_grows(
    text: str, run: FakeRun, outcome: RunOutcome, finding: str
) -> None:
    found = criterion_of(f"soak {text}", run)
    assert found.outcome == outcome, found
    assert finding in found.finding
