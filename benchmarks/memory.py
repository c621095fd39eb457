"""
Memory of a CPE that waits: freshly powered on, and after its first contact.

It is what a larger fleet takes more than a smaller one, so what the process has left over from its
start does not count. It follows from what a CPE is, so each is measured once. The profile is that
of a real router with thousands of parameters where ``../shared/devices`` has it.
"""

from __future__ import annotations

import os
from pathlib import Path

from benchmarks.figures import Figure, Goal, Options
from benchmarks.processes import GENERATOR, ROOT, Child
from benchmarks.worker_alone import WorkerAlone

CPES = 100_000
_DUMP = "devices/tplink-ex220.tr181.csv"


def run(options: Options) -> list[Figure]:
    """Measure both."""
    shared = Path(os.environ.get("CARETAKER_SHARED", ROOT.parent / "shared"))
    profile = str(shared / _DUMP) if (shared / _DUMP).is_file() else "tr181"
    cpes = options.scaled(CPES)
    name = f"memory, {Path(profile).name}"
    return [
        Figure(
            f"{name}, powered on",
            "bytes per CPE",
            [_bytes(cpes, profile, contacted=False)],
            goal=Goal("<=", 100),
        ),
        Figure(
            f"{name}, after first contact",
            "bytes per CPE",
            [_bytes(cpes, profile, contacted=True)],
            goal=Goal("<=", 300),
        ),
    ]


def _bytes(cpes: int, profile: str, *, contacted: bool) -> float:
    """Of each CPE."""
    first = max(100, round(cpes / 400) * 100)
    fleets = (first, first + cpes)
    small, large = (_fleet_bytes(each, profile, contacted=contacted) for each in fleets)
    return (large - small) / cpes


def _fleet_bytes(cpes: int, profile: str, *, contacted: bool) -> float:
    with Child(
        WorkerAlone,
        core=GENERATOR,
        url="http://127.0.0.1/",
        cpes=cpes,
        profiles=[profile],
        interval=3600,
        contacted=contacted,
    ) as worker:
        return float(worker.call("power_on_figures")["bytes"])
