"""
The open model: how late sessions begin at 70 % of what the worker can do.

What it can do is measured first; then a fleet is due at 70 % of that, and the worker's own lateness
is read: actual start minus planned start.
"""

from __future__ import annotations

from benchmarks.figures import Figure, Goal, Options
from benchmarks.nginx import Nginx
from benchmarks.processes import GENERATOR, Child
from benchmarks.sessions import capacity
from benchmarks.worker_alone import WorkerAlone

SHARE = 0.7
INTERVAL = 10


def run(options: Options) -> list[Figure]:
    """Measure; each run is a stretch of time of the same fleet."""
    with Nginx() as sink:
        rate = SHARE * capacity(sink, options)
        cpes = max(100, round(rate * INTERVAL / 100) * 100)
        with Child(
            WorkerAlone, core=GENERATOR, url=sink.url, cpes=cpes, interval=INTERVAL
        ) as worker:
            found = [
                worker.call("steady", options.warm_up, options.seconds) for _ in range(options.runs)
            ]
    name = f"lateness at {cpes // INTERVAL} sessions/s"
    return [
        Figure(f"{name}, p50", "ms", [each["p50"] for each in found]),
        Figure(f"{name}, p99", "ms", [each["p99"] for each in found], goal=Goal("<=", 10)),
    ]
