"""Scenarios: how they are chosen, and what all of them have in common."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.runs import FakeRun, played

from caretaker.errors import InputError
from caretaker.scenarios import SCENARIOS, Scenario, ScenarioReport, ScenarioRun, parse


@pytest.mark.parametrize("name", SCENARIOS)
def test_every_scenario_plays_by_itself_and_has_something_to_say(name: str) -> None:
    report = played(name, FakeRun())
    assert report.kpis
    assert all(sentence.endswith(".") for sentence in report.findings)
    assert report.findings


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

        def play(self, run: ScenarioRun) -> None:
            run.act("boot_storm", share=0.5)

    SCENARIOS["own"] = Own
    yield "own"
    del SCENARIOS["own"]


def test_a_locustfile_can_add_its_own(own: str) -> None:
    run = FakeRun()
    assert played(own, run) == ScenarioReport()
    assert run.acts[0][1] == "boot_storm"
