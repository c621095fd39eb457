"""The search for the capacity of an ACS, and what it says when the ACS is not the limit."""

from __future__ import annotations

import pytest
from helpers.runs import FakeRun, criterion_of, played
from hypothesis import given
from hypothesis import strategies as st

from caretaker.reporting.outcomes import RunOutcome
from caretaker.stats.histogram import CoarseHistogram


@given(st.integers(5, 5000))
def test_capacity_is_found_within_its_precision(capacity: int) -> None:
    run = FakeRun(3000, capacity)
    report = played("find-capacity hold=4", run)
    assert run.is_finished
    assert report.kpis["sessions_per_second"] == pytest.approx(capacity, rel=0.1, abs=1)
    assert report.kpis["generator_was_the_limit"] == 0.0
    assert "failed or were shed" in report.findings[1]


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ({"cpu": 99.0}, "worker 0 used 99 % of its core (more workers)"),
        ({"lag": 0.4}, "the p99 of its loop lag was 4"),
        ({"planned": 0.5}, "found a CPE that was free"),
    ],
)
def test_a_slow_generator_is_said_to_be_the_limit(trouble: dict[str, float], reason: str) -> None:
    report = played("find-capacity hold=4", FakeRun(3000, **trouble))  # type: ignore[arg-type]
    assert report.kpis["generator_was_the_limit"] == 1.0
    assert "The generator is the limit, not the ACS" in report.findings[1]
    assert reason in report.findings[1]


def test_latency_is_a_service_level_too() -> None:
    def slow(run: FakeRun) -> None:
        if run.rate > 70:
            run.line._find(run.at - 1).from_plan.add(3.0)

    report = played("find-capacity hold=5", FakeRun(3000, each_second=slow))
    assert report.kpis["informs_per_second_driven"] == pytest.approx(70, rel=0.06)
    assert "1 % took longer than" in report.findings[1]


def test_an_acs_that_does_not_answer_breaks_though_it_is_in_no_latency() -> None:
    def mute(run: FakeRun) -> None:
        point = run.line._find(run.at - 1)
        point.sessions_succeeded, point.from_plan = 0, CoarseHistogram()
        run.counts.time("sessions.unfinished_waits.acs.InformResponse", 4.0)

    report = played("find-capacity hold=5", FakeRun(3000, each_second=mute))
    assert "of its sessions waited longer than 1000 ms for the ACS" in report.findings[1]
    assert report.kpis["generator_was_the_limit"] == 0.0


def test_an_acs_that_is_slow_beyond_what_the_generator_adds_is_the_limit() -> None:
    def slow(run: FakeRun) -> None:
        run.counts.time("generator.lateness", 0.3)
        run.line._find(run.at - 1).from_plan.add(3.0)

    report = played("find-capacity hold=5", FakeRun(3000, each_second=slow))
    assert "1 % took longer than" in report.findings[1]
    assert report.kpis["generator_was_the_limit"] == 0.0


def test_an_acs_that_never_breaks_is_said_to() -> None:
    report = played("find-capacity limit=500", FakeRun(3000))
    assert report.kpis["informs_per_second_driven"] == 500.0
    assert report.findings[1].startswith("Nothing broke")


def test_an_acs_that_serves_nothing_has_no_capacity() -> None:
    report = played("find-capacity", FakeRun(3000, capacity=0))
    assert report.kpis["sessions_per_second"] == 0.0
    assert report.findings[0].startswith("No rate was found")


def busy() -> FakeRun:
    """Of a generator that can drive 100 Informs per second."""
    return FakeRun(3000, cpu=99.0)


@pytest.mark.parametrize(
    ("text", "run", "outcome", "finding"),
    [
        ("", FakeRun(3000, 300), RunOutcome.HELD, "Held 300 Informs per second"),
        ("limit=500", FakeRun(3000), RunOutcome.HELD, "Held 500 Informs per second, and nothing"),
        ("", FakeRun(3000, 0), RunOutcome.BROKEN, "No rate was found that the ACS holds: at 0."),
        ("", FakeRun(60, 300), RunOutcome.NOT_SHOWN, "Not shown: the run ended before the search"),
        ("", busy(), RunOutcome.NOT_SHOWN, "Not shown: the generator was the limit"),
        ("at-least=200", FakeRun(3000, 300), RunOutcome.HELD, "(limit 200)"),
        ("at-least=50", busy(), RunOutcome.HELD, "(limit 50)"),
        ("at-least=50", FakeRun(3000, 30), RunOutcome.BROKEN, "Not held: "),
        (
            "at-least=400",
            busy(),
            RunOutcome.NOT_SHOWN,
            "the generator was the limit",
        ),
        ("at-least=400", FakeRun(40, 300), RunOutcome.NOT_SHOWN, "above 80 Informs per second"),
    ],
)
def test_the_search_is_judged_by_what_was_found_or_asked_for(
    text: str, run: FakeRun, outcome: RunOutcome, finding: str
) -> None:
    found = criterion_of(f"find-capacity hold=4 {text}", run)
    assert found.outcome == outcome, found
    assert finding in found.finding
