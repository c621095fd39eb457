"""Whether a run is long enough for its scenarios: a shorter one is refused before it starts."""

from __future__ import annotations

from math import ceil

from caretaker.device.reachability import Reach
from caretaker.errors import InputError
from caretaker.scenarios import FleetPlan
from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import LocustOptions


def fleet_plan(settings: Settings, options: LocustOptions) -> FleetPlan:
    """What the options say of the fleet of a run."""
    users, rate = options.num_users or 1, options.spawn_rate or 1.0
    boot = settings.boot_delay.high if settings.start == "factory" else 0.0
    download = settings.transfer_seconds.high + settings.reboot_seconds.high
    keep_alive = settings.stun_keep_alive.high if settings.has(Reach.STUN) else 0.0
    cpes = users * settings.cpes_per_user
    return FleetPlan(cpes, users / rate + boot, download + boot, keep_alive)


def check_run_time(settings: Settings, options: LocustOptions) -> None:
    """
    Check that the run time, if there is one, can hold the scenarios.

    Raises:
        InputError: it can't.
    """
    needed = settings.scenario.needs(fleet_plan(settings, options))
    if options.run_time and options.run_time < needed:
        raise InputError(
            f"--run-time {options.run_time:g}s: too short for --scenario "
            f"{settings.scenario.text!r}, which needs {ceil(needed)}s or more"
        )
