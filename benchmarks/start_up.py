"""
CPU seconds until a million CPEs are powered on, 100 for each Locust user, and what options cost.

The options are those by which there may be more to do for each CPE.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from benchmarks.figures import Figure, Goal, Options, take_turns
from benchmarks.processes import GENERATOR, Child
from benchmarks.worker_alone import WorkerAlone
from caretaker.profiles.profile import BUILT_IN

CPES = 1_000_000
FLEETS: Mapping[str, Mapping[str, Any]] = {
    "": {},
    ", two profiles": {"profiles": ("tr181", "tr098")},
    ", running, with jitter": {"running": True, "inform_jitter": 30.0},
}
"""Of ``CPES``, by what else is said of them."""
CPES_WITH_OPTION = 100_000
OPTIONS: Mapping[str, Mapping[str, Any]] = {
    "none": {},
    "--profile tr181:3 --profile tr098": {"profiles": ("tr181:3", "tr098")},
    "--profile of each built-in one": {"profiles": tuple(BUILT_IN)},
    "--start running": {"running": True},
    "--start running --inform-jitter 30": {"running": True, "inform_jitter": 30.0},
    "--inform-together": {"inform_together": True},
    "--boot-delay 0-3600": {"boot_delay": "0-3600"},
    "--serial-prefix LAB --seed 7": {"serial_prefix": "LAB", "seed": 7},
    "--acs-username --acs-password": {"acs_username": "cpe", "acs_password": "secret"},
    "--reach direct:70,dark:30": {"reach": "direct:70,dark:30"},
    "--reach direct:70,stun:30": {"reach": "direct:70,stun:30"},
    "--state, of a new fleet": {"keeps_state": True},
    "--devices, with names and credentials": {
        "devices": "serial,oui,acs_username,acs_password\n{0:06d},00D09E,cpe{0},{0}pass\n"
    },
    "--devices, with an SSID": {"devices": "serial,Device.WiFi.SSID.1.SSID\n{0:06d},net{0}\n"},
    "--devices, with a PeriodicInformInterval": {
        "devices": "serial,Device.ManagementServer.PeriodicInformInterval\n{0:06d},300\n"
    },
    "--cpes-per-user 1000": {"cpes_per_user": 1000},
    "--cpes-per-user 10": {"cpes_per_user": 10},
    "--cpes-per-user 1": {"cpes_per_user": 1},
}
"""Of ``CPES_WITH_OPTION``; for ``--devices`` the first two lines of the file."""


def run(options: Options) -> list[Figure]:
    """Measure, each run in a process of its own."""
    cpes, few = options.scaled(CPES), options.scaled(CPES_WITH_OPTION)
    with TemporaryDirectory() as folder:
        fleets = {
            f"start-up of {cpes} CPEs{name}": _measure(cpes, given, folder)
            for name, given in FLEETS.items()
        }
        each = {f"options: {name}": _measure(few, given, folder) for name, given in OPTIONS.items()}
        found = take_turns(options.runs, {**fleets, **each})
    return [
        *(Figure(name, "cpu-s", found[name], goal=Goal("<=", 2)) for name in fleets),
        *(
            Figure(name, "cpu-us per CPE", [1e6 * value / few for value in found[name]])
            for name in each
        ),
    ]


def _measure(cpes: int, given: Mapping[str, Any], folder: str) -> Callable[[], float]:
    return lambda: _seconds(cpes, _with_file(given, cpes, folder))


def _with_file(given: Mapping[str, Any], cpes: int, folder: str) -> Mapping[str, Any]:
    """The options, with a file of so many devices if they have one."""
    if "devices" not in given:
        return given
    head, _, row = given["devices"].partition("\n")
    path = Path(folder) / "devices.csv"
    path.write_text(head + "\n" + "".join(map(row.format, range(cpes))))
    return {**given, "devices": str(path)}


def _seconds(cpes: int, given: Mapping[str, Any]) -> float:
    with Child(
        WorkerAlone,
        core=GENERATOR,
        url="http://127.0.0.1/",
        cpes=cpes,
        interval=3600,
        contacted=False,
        **given,
    ) as worker:
        return float(worker.call("power_on_figures")["cpu"])
