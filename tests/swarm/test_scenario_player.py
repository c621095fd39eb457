"""The player: plays scenarios on the master, and hands on what they found."""

from __future__ import annotations

from typing import Any

import gevent
import pytest
from helpers.snapshots import worker_snapshot

from caretaker.errors import InputError
from caretaker.reporting.outcomes import RunOutcome
from caretaker.scenarios import Criterion, FleetPlan, Scenario, ScenarioReport, ScenarioRun, Step
from caretaker.stats.results import Results
from caretaker.stats.timeline import Timeline
from caretaker.stats.worker_snapshot import WorkerSnapshot
from caretaker.swarm.scenario_player import ScenarioPlayer, ScenarioStep


class FakeRun:
    """A run whose fleet of 8 CPEs has settled."""

    def __init__(self) -> None:
        self.line = Timeline()
        for second in range(5):
            self.line.sample(second, 8, 0)
        self.counts = Results()
        self.marks: list[str] = []
        self.acts: list[tuple[str, dict[str, Any]]] = []
        self.grown: list[tuple[int, float]] = []
        self.is_up = self.heard = True
        self.is_finished = False

    def is_fleet_up(self) -> bool:
        return self.is_up

    def plan(self) -> FleetPlan:
        return FleetPlan(8, 1.0, 60.0)

    def grow(self, cpes: int, rate: float) -> None:
        self.grown.append((cpes, rate))

    def finish(self) -> None:
        self.is_finished = True

    def seconds(self) -> float:
        return 7.0

    def act(self, name: str, /, **arguments: Any) -> None:
        self.acts.append((name, arguments))

    def mark(self, text: str) -> None:
        self.marks.append(text)

    def timeline(self) -> Timeline:
        return Timeline.total([self.line])

    def results(self) -> Results:
        return self.counts

    def workers(self) -> list[WorkerSnapshot]:
        return [worker_snapshot(cpes=8)]

    def heard_since(self, at: float) -> bool:
        return self.heard


class Noted(Scenario):
    """Strikes once the fleet has settled."""

    name = "noted"

    def play(self, run: ScenarioRun) -> None:
        run.settle()
        run.catch_up()
        run.act("boot_storm", share=0.5)

    def report(self, run: ScenarioRun) -> ScenarioReport:
        return ScenarioReport({"at": run.now()}, ["Done."], {"curve": [(0.0, 1.0)]})


class Broken(Scenario):
    """Has a bug."""

    name = "broken-one"

    def play(self, run: ScenarioRun) -> None:
        raise ZeroDivisionError

    def report(self, run: ScenarioRun) -> ScenarioReport:
        raise ZeroDivisionError


class Judged(Scenario):
    """Has a criterion that holds."""

    name = "judged"

    def play(self, run: ScenarioRun) -> None:
        run.plan()

    def report(self, run: ScenarioRun) -> ScenarioReport:
        return ScenarioReport(findings=["Fine."], criterion=Criterion(RunOutcome.HELD, "All well"))


@pytest.fixture
def live() -> FakeRun:
    return FakeRun()


def play(live: FakeRun, *steps: Step) -> ScenarioPlayer:
    player = ScenarioPlayer(live, steps, "as given")
    for _ in range(10):
        gevent.sleep(0)
    return player


def test_a_scenario_strikes_a_settled_fleet_and_reports(live: FakeRun) -> None:
    player = play(live, Step(Noted(), None))
    assert live.acts == [("boot_storm", {"share": 0.5})]
    player.stop()
    report: Any = player.report()
    assert report == {
        "name": "as given",
        "kpis": {"at": 7.0},
        "criteria": [],
        "findings": ["Done."],
        "curves": {"curve": [(0.0, 1.0)]},
        "marks": [],
    }


def test_it_says_which_scenario_plays_and_what_it_waits_for(live: FakeRun) -> None:
    live.is_up = False
    player = play(live, Step(Noted(), None))
    settling = player.step
    player.wait(0)
    waiting = player.step
    player.stop()
    assert settling == ScenarioStep("noted", is_settling=True)
    assert waiting == ScenarioStep("noted", until=7.0)
    assert play(live, Step(Broken(), None)).step == ScenarioStep()


@pytest.mark.parametrize(
    "unrest",
    [
        lambda live: setattr(live, "is_up", False),
        lambda live: live.line.sample(3.5, 8, 1),
        lambda live: live.line.sample(3.5, 8, 0, 1),
        lambda live: [live.line.planned(3.0) for _ in range(3)],
        lambda live: live.counts.count("events.raised.1 BOOT"),
        lambda live: setattr(live, "line", Timeline()),
    ],
)
def test_a_fleet_that_has_not_settled_is_waited_for(live: FakeRun, unrest: Any) -> None:
    unrest(live)
    player = play(live, Step(Noted(), None))
    assert live.acts == []
    player.stop()


def test_boots_that_were_delivered_or_discarded_by_rule_are_not_waited_for(live: FakeRun) -> None:
    live.counts.count("events.raised.1 BOOT", 3)
    live.counts.count("events.delivered.1 BOOT", 2)
    live.counts.count("events.discarded.power off.1 BOOT")
    player = play(live, Step(Noted(), None))
    assert len(live.acts) == 1
    player.stop()


def test_a_worker_that_has_not_reported_is_waited_for(live: FakeRun) -> None:
    live.heard = False
    player = play(live, Step(Noted(), None))
    assert live.acts == []
    player.stop()


def test_the_kpis_of_several_scenarios_are_told_apart(live: FakeRun) -> None:
    player = play(live, Step(Noted(), None), Step(Noted(), 0.0), Step(Broken(), None))
    player.stop()
    report = player.report()
    assert list(report["kpis"]) == ["noted_at", "noted_2_at"]
    assert list(report["curves"]) == ["noted_curve", "noted_2_curve"]


def test_a_scenario_with_a_bug_says_so_and_the_run_goes_on(live: FakeRun) -> None:
    player = play(live, Step(Broken(), None), Step(Noted(), None))
    player.stop()
    assert len(live.acts) == 1
    report = player.report()
    error = "The report of broken-one was stopped by an error"
    assert report["findings"] == [f"{error}.", "Done."]
    assert report["criteria"] == [
        {"scenario": "broken-one", "outcome": RunOutcome.FAILED, "finding": error}
    ]


def test_the_criteria_of_scenarios_are_told_apart_and_come_first(live: FakeRun) -> None:
    player = play(live, Step(Judged(), None), Step(Judged(), None))
    player.stop()
    report = player.report()
    assert report["criteria"] == [
        {"scenario": "judged", "outcome": RunOutcome.HELD, "finding": "All well"},
        {"scenario": "judged 2", "outcome": RunOutcome.HELD, "finding": "All well"},
    ]
    assert report["findings"] == ["All well.", "Fine.", "All well.", "Fine."]


def test_a_scenario_that_an_error_stopped_has_failed(live: FakeRun) -> None:
    live.plan = None  # type: ignore[method-assign, assignment]
    player = play(live, Step(Judged(), None))
    player.stop()
    (criterion,) = player.report()["criteria"]
    assert criterion["outcome"] == RunOutcome.FAILED
    assert criterion["finding"] == "The scenario judged was stopped by an error"


def test_a_stopped_player_does_nothing_more(live: FakeRun) -> None:
    player = ScenarioPlayer(live, [Step(Noted(), None)], "")
    player.stop()
    for _ in range(10):
        gevent.sleep(0)
    assert live.acts == []


def test_a_scenario_can_add_cpes(live: FakeRun) -> None:
    play(live).grow(10, 4.0)
    assert live.grown == [(10, 4.0)]


class Grows(Scenario):
    name = "grows"

    def play(self, run: ScenarioRun) -> None:
        run.grow(1, 1.0)


def test_a_scenario_that_asks_for_what_can_not_be_is_one_line(
    live: FakeRun, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise InputError("5 devices, and the run has 6 CPEs")

    monkeypatch.setattr(live, "grow", refuse)
    ScenarioPlayer(live, [Step(Grows(), None)], "")
    for _ in range(10):
        gevent.sleep(0)
    assert caplog.messages == ["scenario grows: 5 devices, and the run has 6 CPEs"]
    assert "Traceback" not in caplog.text


def test_a_scenario_can_end_the_run(live: FakeRun) -> None:
    play(live).finish()
    assert live.is_finished
