"""Scenarios: how they are chosen, and what all of them have in common."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.runs import FakeRun, played

from caretaker.errors import InputError
from caretaker.reporting.outcomes import RunOutcome
from caretaker.scenarios import (
    SCENARIOS,
    FleetPlan,
    Scenario,
    ScenarioReport,
    ScenarioRun,
    Schedule,
    parse,
)


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_plays_by_itself_and_has_something_to_say(name: str) -> None:
    report = played(name, FakeRun())
    assert report.kpis
    assert all(sentence.endswith(".") for sentence in report.findings)
    assert report.criterion is not None
    assert report.criterion.finding


@pytest.mark.parametrize("name", SCENARIOS)
def test_a_run_may_end_before_a_scenario_begins(name: str) -> None:
    (step,) = parse(name)
    criterion = step.scenario.report(FakeRun()).criterion
    assert criterion is not None
    assert criterion.outcome == RunOutcome.NOT_SHOWN
    assert criterion.finding.startswith("Not shown: ")


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_is_documented_with_its_arguments(root: Path, name: str) -> None:
    text = (root / "docs" / "scenarios.md").read_text()
    (section,) = [part for part in text.split("\n### ") if part.startswith(f"`{name}`")]
    for argument in SCENARIOS[name].arguments:
        assert f"`{argument}" in section, argument


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
        ("power-cut share=2", "power-cut: share: 2 must be a number from 0 to 1"),
        ("power-cut half", "scenario power-cut: 'half' is not NAME=VALUE"),
        ("steady rate=3", "steady: no argument 'rate'; there are sent, p99"),
        ("soak, steady", "scenario soak: no other can follow it; put it last"),
        ("find-capacity, steady", "scenario find-capacity: no other can follow it"),
        ("power-cut recover-within=soon", "power-cut: recover-within: 'soon' is not a number"),
        ("steady at=soon", "'soon' is not a number"),
    ],
)
def test_a_bad_choice_is_one_clear_line(text: str, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        parse(text)


PLAN = FleetPlan(cpes=100, up_after=2.0, download_seconds=60.0)


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("", 0),
        ("power-cut", 2 + 8 + 10 + 20 + 5 + 4),
        ("boot-storm stagger=3", 2 + 8 + 10 + 3 + 4),
        ("acs-outage", 2 + 8 + 10 + 20 + 80 + 4),
        ("value-change-storm", 2 + 8 + 10 + 10 + 4),
        ("cr-sweep rate=10 share=0.5", 2 + 8 + 5 + 5),
        ("firmware-campaign rate=10", 2 + 8 + 10 + 60 + 5),
        ("provisioning", 2 + 5),
        ("provisioning cpes=40 rate=4", 2 + 8 + 10 + 5),
        ("ramp seconds=30", 2 + 8 + 30),
        ("steady", 2 + 8 + 10),
        ("soak every=20", 2 + 8 + 80),
        ("find-capacity hold=5", 2 + 8 + 5 + 10),
        ("steady, boot-storm", 2 + 18 + 22),
        ("steady, boot-storm at=100", 100 + 22),
        ("steady, boot-storm at=1", 2 + 22),
    ],
)
def test_a_run_must_be_long_enough_for_its_scenarios(text: str, seconds: float) -> None:
    assert Schedule.parse(text).needs(PLAN) == seconds


@pytest.fixture
def own() -> Iterator[str]:
    class Own(Scenario):
        name = "own"

        def play(self, run: ScenarioRun) -> None:
            run.act("boot_storm", share=0.5)

    SCENARIOS["own"] = Own
    yield "own"
    del SCENARIOS["own"]


def test_a_locustfile_can_add_its_own(own: str) -> None:
    run = FakeRun()
    assert played(own, run) == ScenarioReport(criterion=None)
    assert Schedule.parse(own).needs(PLAN) == 0
    assert run.acts[0][1] == "boot_storm"
