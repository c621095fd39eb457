"""CPU seconds until a million CPEs are powered on, 100 for each Locust user."""

from __future__ import annotations

from benchmarks.figures import Figure, Goal, Options
from benchmarks.processes import GENERATOR, Child
from benchmarks.worker_alone import WorkerAlone

CPES = 1_000_000


def run(options: Options) -> list[Figure]:
    """Measure, each run in a process of its own."""
    cpes = options.scaled(CPES)
    values = [_seconds(cpes) for _ in range(options.runs)]
    return [Figure(f"start-up of {cpes} CPEs", "cpu-s", values, goal=Goal("<=", 2))]


def _seconds(cpes: int) -> float:
    with Child(
        WorkerAlone,
        core=GENERATOR,
        url="http://127.0.0.1/",
        cpes=cpes,
        interval=3600,
        contacted=False,
    ) as worker:
        return float(worker.call("power_on_figures")["cpu"])
