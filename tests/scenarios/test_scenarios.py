"""Scenarios: what each does to the fleet, what it finds, and how it is chosen."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path

import pytest
from helpers.runs import FakeRun, Over
from hypothesis import given
from hypothesis import strategies as st

from caretaker.errors import InputError
from caretaker.scenarios import SCENARIOS, Run, Scenario, ScenarioReport, parse
from caretaker.scenarios.scenario import since
from caretaker.stats.results import Results


def played(text: str, run: FakeRun) -> ScenarioReport:
    """What the scenario of a text finds in a run."""
    (step,) = parse(text)
    with suppress(Over):
        step.scenario.play(run)
        if not run.is_finished:
            run.wait(run.seconds)
    return step.scenario.report(run)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_plays_by_itself_and_has_something_to_say(name: str) -> None:
    found = played(name, FakeRun())
    assert found.kpis
    assert all(sentence.endswith(".") for sentence in found.findings)
    assert found.findings


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_run_may_end_before_a_scenario_begins(name: str) -> None:
    (step,) = parse(name)
    assert isinstance(step.scenario.report(FakeRun()), ScenarioReport)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_is_documented_with_its_arguments(root: Path, name: str) -> None:
    text = (root / "docs" / "scenarios.md").read_text()
    (section,) = [part for part in text.split("\n### ") if part.startswith(f"`{name}`")]
    for argument in SCENARIOS[name].arguments:
        assert f"`{argument}" in section, argument


def test_a_scenario_does_what_its_arguments_say() -> None:
    run = FakeRun()
    played("power-cut share=0.2 seconds=7 stagger=3", run)
    ((at, name, arguments),) = run.acts
    assert (at, name) == (12.0, "power_cut")
    assert arguments == {"share": 0.2, "seconds": 7.0, "stagger": 3.0}
    assert run.marks == ["the power was back"]


def dark_then_herd(run: FakeRun) -> None:
    """Ten Informs a second but for the dark time, and a herd after it."""
    second = run.at - 1
    point = run.line._find(second)
    is_dark = 12 <= second < 32
    point.informs_planned = point.informs = point.sessions_succeeded = 0 if is_dark else 10
    if 32 <= second < 35:
        point.informs_planned = point.informs = point.sessions_succeeded = 60
    run.line.sample(second, 50 if is_dark else 100, 0, 50 if 12 <= second < 35 else 0)


def test_a_power_cut_ends_in_the_time_to_steady_state() -> None:
    found = played("power-cut", FakeRun(60, each_second=dark_then_herd))
    assert found.kpis["time_to_steady_state_s"] == 4.0
    assert found.kpis["all_informed_s"] == 4.0
    assert found.kpis["peak_over_before"] == 6.0
    assert found.findings[0] == "Steady state 4 s after the power was back."
    assert found.marks == [(36.0, "steady state")]


def test_a_fleet_that_does_not_recover_is_said_to() -> None:
    def never(run: FakeRun) -> None:
        run.line.sample(run.at - 1, 100, 7, 9 if run.at > 20 else 0)

    found = played("power-cut", FakeRun(80, each_second=never))
    assert found.kpis["time_to_steady_state_s"] is None
    assert not found.marks
    assert "9 CPEs still out, 7 waiting for a retry" in found.findings[0]


def test_a_sweep_tells_coverage_and_duration() -> None:
    def ask(run: FakeRun) -> None:
        if run.acts and run.counts.counters["actions.connection_request.done"] < 95:
            run.counts.counters["actions.connection_request.asked"] = 100
            run.counts.count("actions.connection_request.done", 5)

    found = played("cr-sweep rate=5", FakeRun(60, each_second=ask))
    assert found.kpis == {"asked": 100, "coverage": 0.95, "duration_s": 19.0}
    assert found.curves["coverage"][-1] == (19.0, 0.95)


def test_a_campaign_tells_how_the_version_converges() -> None:
    def spread(run: FakeRun) -> None:
        if run.acts and run.counts.counters["events.delivered.M Download"] < 20:
            run.counts.counters["actions.firmware.asked"] = 20
            run.counts.count("events.delivered.M Download")

    found = played("firmware-campaign version=2.0", FakeRun(60, each_second=spread))
    assert found.kpis["time_to_50_percent_s"] == 10.0
    assert found.kpis["time_to_100_percent_s"] == 20.0
    assert "100.0% of 20 CPEs run 2.0" in found.findings[0]


def test_provisioning_looks_at_first_contacts_of_new_cpes_only() -> None:
    def contact(run: FakeRun) -> None:
        run.counts.time("sessions.first_contact", 0.5 if run.grown is None else 0.1)

    run = FakeRun(30, each_second=contact)
    found = played("provisioning cpes=25 rate=5", run)
    assert run.grown == (25, 5.0)
    assert found.kpis["first_contacts"] == 25  # one each second, since they were added
    assert found.kpis["first_contact_p99_ms"] == pytest.approx(100, rel=0.02)
    (step,) = parse("provisioning")
    assert step.scenario.report(run).kpis["first_contacts"] == 30


def test_what_was_timed_since_an_earlier_look() -> None:
    before, now = Results(), Results()
    for results in (before, now):
        results.time("x", 1.0)
    now.time("x", 4.0)
    found = since(now, before, "x")
    assert found.count == 1
    assert found.percentile(1) == pytest.approx(4.0, rel=0.02)


def test_a_soak_tells_what_grows() -> None:
    found = played("soak every=10", FakeRun(200))
    assert found.kpis["memory_growth_mb"] == pytest.approx(1.9, abs=0.2)


def test_a_ramp_tells_where_failures_begin() -> None:
    found = played("ramp start=10 end=100 steps=10 seconds=40", FakeRun(capacity=55))
    assert found.kpis["highest_rate_without_failure"] == 50.0
    assert found.kpis["first_rate_with_failure"] == 60.0


# -- find-capacity --------------------------------------------------------------------------------


@given(st.integers(5, 5000))
def test_capacity_is_found_within_its_precision(capacity: int) -> None:
    run = FakeRun(3000, capacity)
    found = played("find-capacity hold=4", run)
    assert run.is_finished
    assert found.kpis["sessions_per_second"] == pytest.approx(capacity, rel=0.1, abs=1)
    assert found.kpis["generator_was_the_limit"] == 0.0
    assert "failed or were shed" in found.findings[1]


@pytest.mark.parametrize(
    ("trouble", "reason"),
    [
        ({"cpu": 99.0}, "worker 0 used 99 % of its core (more workers)"),
        ({"lag": 0.4}, "the p99 of its loop lag was 4"),
        ({"planned": 0.5}, "found a CPE that was free"),
    ],
)
def test_a_slow_generator_is_said_to_be_the_limit(trouble: dict[str, float], reason: str) -> None:
    found = played("find-capacity hold=4", FakeRun(3000, **trouble))  # type: ignore[arg-type]
    assert found.kpis["generator_was_the_limit"] == 1.0
    assert "The generator is the limit, not the ACS" in found.findings[1]
    assert reason in found.findings[1]


def test_latency_is_a_service_level_too() -> None:
    def slow(run: FakeRun) -> None:
        if run.rate > 70:
            run.line._find(run.at - 1).from_plan.add(3.0)

    found = played("find-capacity hold=5", FakeRun(3000, each_second=slow))
    assert found.kpis["informs_per_second_driven"] == pytest.approx(70, rel=0.06)
    assert "1 % took longer than" in found.findings[1]


def test_an_acs_that_never_breaks_is_said_to() -> None:
    found = played("find-capacity limit=500", FakeRun(3000))
    assert found.kpis["informs_per_second_driven"] == 500.0
    assert found.findings[1].startswith("Nothing broke")


def test_an_acs_that_serves_nothing_has_no_capacity() -> None:
    found = played("find-capacity", FakeRun(3000, capacity=0))
    assert found.kpis["sessions_per_second"] == 0.0
    assert found.findings[0].startswith("No rate was found")


# -- choosing -------------------------------------------------------------------------------------


def test_scenarios_play_one_after_the_other_or_when_they_say() -> None:
    steps = parse("power-cut share=0.1, cr-sweep at=60 rate=5,steady")
    assert [(step.scenario.name, step.at) for step in steps] == [
        ("power-cut", None),
        ("cr-sweep", 60.0),
        ("steady", None),
    ]
    assert parse("") == []


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("power-cutt", "scenario 'power-cutt': not one of steady, ramp"),
        ("power-cut share=2", "power-cut: share: 2 must be from 0 to 1"),
        ("power-cut half", "scenario power-cut: 'half' is not NAME=VALUE"),
        ("steady rate=3", "steady: no argument 'rate'; there are none"),
        ("steady at=soon", "'soon' is not a number"),
    ],
)
def test_a_bad_choice_is_one_clear_line(text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        parse(text)


@pytest.fixture
def own() -> Iterator[str]:
    class Own(Scenario):
        name = "own"

        def play(self, run: Run) -> None:
            run.act("boot_storm", share=0.5)

    SCENARIOS["own"] = Own
    yield "own"
    del SCENARIOS["own"]


def test_a_locustfile_can_add_its_own(own: str) -> None:
    run = FakeRun()
    assert played(own, run) == ScenarioReport()
    assert run.acts[0][1] == "boot_storm"
