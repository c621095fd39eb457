"""Whether a run is long enough for its scenarios."""

from __future__ import annotations

import pytest
from helpers.options import parse

from caretaker.errors import InputError
from caretaker.scenarios import FleetPlan
from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import LocustOptions
from caretaker.swarm.run_length import check_run_time, fleet_plan


def options(run_time: int | None = None) -> LocustOptions:
    return LocustOptions(num_users=100, spawn_rate=10.0, run_time=run_time)


def test_the_plan_of_a_fleet_follows_from_the_options() -> None:
    chosen = ("--cpes-per-user", "5", "--boot-delay", "0-7", "--reboot-seconds", "9")
    settings = Settings.of(parse(*chosen, "--transfer-seconds", "3-4"))
    assert fleet_plan(settings, options()) == FleetPlan(500, 17.0, 20.0)


def test_a_fleet_that_is_running_boots_only_once() -> None:
    settings = Settings.of(parse("--start", "running", "--boot-delay", "7"))
    assert fleet_plan(settings, options()).up_after == 10.0


def test_a_run_that_is_too_short_is_refused_with_the_length_that_it_needs() -> None:
    settings = Settings.of(parse("--scenario", "power-cut seconds=30"))
    with pytest.raises(InputError) as refusal:
        check_run_time(settings, options(66))
    assert str(refusal.value) == (
        "--run-time 66s: too short for --scenario 'power-cut seconds=30', which needs 67s or more"
    )
    check_run_time(settings, options(67))


@pytest.mark.parametrize("scenario", ["", "power-cut"])
def test_a_run_without_an_end_or_a_scenario_is_long_enough(scenario: str) -> None:
    settings = Settings.of(parse("--scenario", scenario))
    check_run_time(settings, options(None if scenario else 1))
