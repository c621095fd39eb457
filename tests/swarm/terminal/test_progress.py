"""How far a run has come."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.run_states import FakeRunner, FakeWebUI
from helpers.run_states import master as make

from caretaker.swarm.locust_runner import LOCAL
from caretaker.swarm.master import Master
from caretaker.swarm.master_run import MasterRun
from caretaker.swarm.scenario_player import ScenarioStep
from caretaker.swarm.terminal.progress import Phase, progress


@pytest.fixture
def fleet(monkeypatch: pytest.MonkeyPatch) -> Master:
    """A master whose runs take a minute, and stand at their tenth second."""
    made = make(run_time=60.0, warm_up="20s")
    made.environment.user_classes = []
    begin = made.begin

    def begin_at_10_s() -> None:
        begin()
        monkeypatch.setattr(made.run, "seconds", lambda: 10.0)

    monkeypatch.setattr(made, "begin", begin_at_10_s)
    return made


def runner(master: Master) -> Any:
    return master.environment.runner


def test_a_run_that_has_not_begun_waits_for_workers_or_the_web_ui(fleet: Master) -> None:
    vars(fleet.environment.parsed_options)["expect_workers"] = 2
    now = progress(fleet)
    assert (now.phase, now.seconds, now.total) == (Phase.WAITING, 0.0, 60.0)
    assert now.step == "waits for workers: 1 of 2 have joined"
    fleet.environment.web_ui = FakeWebUI(FakeRunner())  # type: ignore[assignment]
    assert progress(fleet).step == "a run starts in the web UI: http://127.0.0.1:8089/"
    fleet.environment.web_ui = None


def test_a_ramp_says_how_many_users_have_started(fleet: Master) -> None:
    fleet.begin()
    runner(fleet).state, runner(fleet).user_count = "spawning", 1
    now = progress(fleet)
    assert (now.phase, now.step) == (Phase.STARTING, "1 of 4 users started")


def test_what_comes_next_is_the_nearest_of_all_that_is_known(fleet: Master) -> None:
    fleet.begin()
    now = progress(fleet)
    assert (now.phase, now.step) == (Phase.RUNNING, "the fleet is on")
    assert (now.next, now.next_in) == ("end of the warm-up", 10.0)


def test_a_scenario_says_what_it_does(fleet: Master, monkeypatch: pytest.MonkeyPatch) -> None:
    fleet.begin()
    step = ScenarioStep("power-cut", is_settling=True)
    monkeypatch.setattr(MasterRun, "scenario_step", property(lambda _: step))
    assert progress(fleet).step == "power-cut waits for the fleet to settle"
    step = ScenarioStep("power-cut", until=13.0)
    assert progress(fleet).step == "power-cut plays"
    fleet.run.mark("power cut: 50% of the fleet without power for 20 s")
    now = progress(fleet)
    assert now.step == "power cut: 50% of the fleet without power for 20 s"
    assert (now.next, now.next_in) == ("next step of power-cut", 3.0)


@pytest.mark.parametrize(
    ("options", "what"),
    [
        ({"scenario": "cr-sweep at=30"}, "cr-sweep"),
        ({"stages": ["30s:10", "20s:0"]}, "next stage of the fleet"),
        ({"cr_stages": ["30s:10", "20s:0"]}, "next stage of Connection Requests"),
    ],
)
def test_what_has_a_time_comes_next(
    options: dict[str, Any], what: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet = make(run_time=60.0, nbi_url="http://127.0.0.1:1/", **options)
    fleet.environment.user_classes = []
    fleet.begin()
    monkeypatch.setattr(fleet.run, "seconds", lambda: 10.0)
    now = progress(fleet)
    assert (now.next, now.next_in) == (what, 20.0)


def test_an_end_is_an_end_until_the_summary_is_there(
    fleet: Master, monkeypatch: pytest.MonkeyPatch
) -> None:
    fleet.begin()
    monkeypatch.undo()
    monkeypatch.setattr(fleet.run, "_began", 0.0)
    assert progress(fleet).phase is Phase.ENDING
    monkeypatch.undo()
    fleet.drained(LOCAL, None)
    fleet.end()
    now = progress(fleet)
    assert now.phase is Phase.OVER
    assert now.step.startswith("not shown: ")
