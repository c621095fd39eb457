"""
Seconds until the CPEs of a host that fails inform again, by the log of the ACS.

2 000 CPEs on three hosts inform every 10 s, and get 50 Connection Requests a second through a
router. All of it runs in network namespaces, so this needs root and Linux.
"""

from __future__ import annotations

import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

from benchmarks.build_of_run import other_build
from benchmarks.figures import Figure, Goal, Options
from benchmarks.host_faults import FAULTS, Strike
from benchmarks.host_fleet import HostFleet
from benchmarks.namespaces import HostNetwork, why_not
from benchmarks.processes import MeasurementError

CPES = 2_000
WORKERS = 3
BEFORE_SECONDS = 20.0
"""How long a fleet is at work before the fault."""
LATEST = Goal("<=", 15)
OPTIONS = ("--inform-interval", "10", "--cr-rate", "50")
CALLED_SHARE = 0.1
"""Part of the CPEs that have moved that the ACS must have reached by Connection Requests."""


def run(options: Options) -> list[Figure]:
    """Measure each fault in a fleet of its own."""
    reason = why_not()
    if reason:
        raise MeasurementError(reason)
    cpes, found = options.scaled(CPES), defaultdict[str, list[float]](list)
    for _ in range(options.runs):
        for name in FAULTS:
            for what, seconds in _measure(name, cpes).items():
                found[f"{name}: {what}"].append(seconds)
    return [
        Figure(name, "s", values, goal=None if "back" in name else LATEST)
        for name, values in found.items()
    ]


def _measure(name: str, cpes: int) -> dict[str, float]:
    with (
        tempfile.TemporaryDirectory() as folder,
        HostNetwork() as network,
        HostFleet(network, Path(folder), cpes, OPTIONS) as fleet,
    ):
        fleet.start(WORKERS)
        time.sleep(BEFORE_SECONDS)
        strike = Strike(fleet, fleet.workers[1], FAULTS[name])
        strike.wait_until_moved()
        fleet.wait_until(lambda: len(strike.called()) >= CALLED_SHARE * len(strike.cpes))
        found = _figures(fleet, strike, cpes)
        if FAULTS[name].end is not None:
            found |= _healed(fleet, strike, cpes)
        _check(name, fleet, fleet.end(), cpes)
    return found


def _figures(fleet: HostFleet, strike: Strike, cpes: int) -> dict[str, float]:
    boots = sorted(event.at - strike.at for event in strike.boots().values())
    return {
        "first BOOT": boots[0],
        "last BOOT": boots[-1],
        "all have informed": _all_informed(fleet, strike.at, cpes),
    }


def _all_informed(fleet: HostFleet, since: float, cpes: int) -> float:
    """Seconds from a time until all CPEs have informed."""
    fleet.wait_until(lambda: len(fleet.witness.first_informs(since)) == cpes)
    return max(event.at for event in fleet.witness.first_informs(since).values()) - since


def _healed(fleet: HostFleet, strike: Strike, cpes: int) -> dict[str, float]:
    """What is seen of the host that is back."""
    at, worker = strike.end(), fleet.workers[1]
    fleet.wait_until(lambda: fleet.cpes_of(worker, time.time()))
    own = [event.at for event in fleet.witness.informs(at) if event.peer == worker.host.address]
    return {
        "back, its first Inform": own[0] - at,
        "back, all have informed": _all_informed(fleet, at, cpes),
    }


def _check(name: str, fleet: HostFleet, summary: Any, cpes: int) -> None:
    """MeasurementError if something is wrong with the run."""
    wrong = {
        "sessions at once": fleet.witness.twice()[:3],
        "CPEs": summary["fleet"]["cpes"] - cpes,
        "first contacts": fleet.witness.first_contacts() - cpes,
        "credentials refused": summary["tasks"]["credentials_refused"],
        "books of Connection Requests": not summary["connection_requests"]["books_balance"],
        "books of events": not summary["events"]["books_balance"],
        "build": other_build(summary),
    }
    if any(wrong.values()):
        raise MeasurementError(f"{name}: {wrong}")
