"""The conductor: plays scenarios on the master, and hands on what they found."""

from __future__ import annotations

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from helpers.snapshots import worker_snapshot
from locust.runners import STATE_RUNNING, STATE_SPAWNING

from caretaker.scenarios import Scenario, ScenarioReport, ScenarioRun, Step
from caretaker.stats.results import Results
from caretaker.stats.timeline import Timeline
from caretaker.stats.worker_snapshot import WorkerSnapshot
from caretaker.swarm.scenario_player import ScenarioPlayer


class FakeRunner:
    """Locust's, as far as it is asked."""

    state = STATE_RUNNING
    target_user_count = 4

    def __init__(self) -> None:
        self.calls: list[tuple[Any, ...]] = []

    def start(self, users: int, rate: float) -> None:
        self.calls.append(("start", users, rate))

    def quit(self) -> None:
        self.calls.append(("quit",))

    def stop(self) -> None:
        self.calls.append(("stop",))


class FakeMaster:
    """A master whose fleet of 8 CPEs is calm."""

    def __init__(self) -> None:
        self.environment = SimpleNamespace(runner=FakeRunner(), web_ui=None)
        self.settings = SimpleNamespace(cpes_per_user=2)
        self.ledger = SimpleNamespace(live=8)
        self.line = Timeline()
        for second in range(5):
            self.line.sample(second, 8, 0)
        self.told = Results()
        self.marks: list[str] = []
        self.acts: list[tuple[str, dict[str, Any]]] = []
        self.heard = True
        self.is_finished = False

    def finish(self) -> None:
        self.is_finished = True

    def seconds(self) -> float:
        return 7.0

    def act(self, name: str, **arguments: Any) -> None:
        self.acts.append((name, arguments))

    def mark(self, text: str) -> None:
        self.marks.append(text)

    def timeline(self) -> Timeline:
        return Timeline.total([self.line])

    def results(self) -> Results:
        return self.told

    def workers(self) -> list[WorkerSnapshot]:
        return [worker_snapshot(cpes=8)]

    def heard_since(self, _: float) -> bool:
        return self.heard


class Noted(Scenario):
    """Strikes once the fleet is calm."""

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


@pytest.fixture
def master() -> Iterator[FakeMaster]:
    made = FakeMaster()
    yield made
    assert made.environment.runner.calls is not None


def conduct(master: FakeMaster, *steps: Step) -> ScenarioPlayer:
    conductor = ScenarioPlayer(master, steps, "as given")  # type: ignore[arg-type]
    for _ in range(10):
        gevent.sleep(0)
    return conductor


def test_a_scenario_strikes_a_calm_fleet_and_reports(master: FakeMaster) -> None:
    conductor = conduct(master, Step(Noted(), None))
    assert master.acts == [("boot_storm", {"share": 0.5})]
    conductor.stop()
    report: Any = conductor.report()
    assert report == {
        "name": "as given",
        "kpis": {"at": 7.0},
        "findings": ["Done."],
        "curves": {"curve": [(0.0, 1.0)]},
        "marks": [],
    }


@pytest.mark.parametrize(
    "unrest",
    [
        lambda master: setattr(master.environment.runner, "state", STATE_SPAWNING),
        lambda master: setattr(master.ledger, "live", 9),
        lambda master: setattr(master.ledger, "live", 0),
        lambda master: master.line.sample(3.5, 8, 1),
        lambda master: master.line.sample(3.5, 8, 0, 1),
        lambda master: [master.line.planned(3.0) for _ in range(3)],
        lambda master: master.told.count("events.raised.1 BOOT"),
        lambda master: setattr(master, "line", Timeline()),
    ],
)
def test_a_fleet_that_is_not_calm_is_waited_for(master: FakeMaster, unrest: Any) -> None:
    unrest(master)
    conductor = conduct(master, Step(Noted(), None))
    assert master.acts == []
    conductor.stop()


def test_boots_that_were_told_or_discarded_by_rule_are_not_waited_for(master: FakeMaster) -> None:
    master.told.count("events.raised.1 BOOT", 3)
    master.told.count("events.delivered.1 BOOT", 2)
    master.told.count("events.discarded.power off.1 BOOT")
    conductor = conduct(master, Step(Noted(), None))
    assert len(master.acts) == 1
    conductor.stop()


def test_a_worker_that_has_not_reported_is_waited_for(master: FakeMaster) -> None:
    master.heard = False
    conductor = conduct(master, Step(Noted(), None))
    assert master.acts == []
    conductor.stop()


def test_the_kpis_of_several_scenarios_are_told_apart(master: FakeMaster) -> None:
    conductor = conduct(master, Step(Noted(), None), Step(Noted(), 0.0), Step(Broken(), None))
    conductor.stop()
    report = conductor.report()
    assert list(report["kpis"]) == ["noted_at", "noted_2_at"]
    assert list(report["curves"]) == ["noted_curve", "noted_2_curve"]


def test_a_scenario_with_a_bug_says_so_and_the_run_goes_on(master: FakeMaster) -> None:
    conductor = conduct(master, Step(Broken(), None), Step(Noted(), None))
    conductor.stop()
    assert len(master.acts) == 1
    assert conductor.report()["findings"] == [
        "The scenario broken-one was stopped by an error.",
        "The report of broken-one was stopped by an error.",
        "Done.",
    ]


def test_a_stopped_conductor_does_nothing_more(master: FakeMaster) -> None:
    conductor = ScenarioPlayer(master, [Step(Noted(), None)], "")  # type: ignore[arg-type]
    conductor.stop()
    for _ in range(10):
        gevent.sleep(0)
    assert master.acts == []


def test_a_fleet_grows_by_users(master: FakeMaster) -> None:
    conductor = conduct(master)
    conductor.grow(10, 4.0)
    assert master.environment.runner.calls == [("start", 9, 2.0)]
    assert master.marks == ["10 new CPEs at 4 per second"]


def test_a_scenario_can_end_the_run(master: FakeMaster) -> None:
    conduct(master).finish()
    assert master.is_finished
