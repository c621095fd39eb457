"""
The closed loop from outside: authenticated GET sent -> Inform received at the ACS.

With the fleet idle, and with the rest of it busy at 1 000 sessions per second, which go to the
sink; fewer where the worker can't do so many, and the figure's name then says how many.
"""

from __future__ import annotations

import time
from contextlib import ExitStack
from statistics import quantiles

from benchmarks.asker import Asker
from benchmarks.figures import Figure, Goal, Options
from benchmarks.nginx import Nginx
from benchmarks.processes import GENERATOR, SINK, Child
from benchmarks.sessions import capacity
from benchmarks.worker_alone import WorkerAlone

RATE = 1_000
"""Background sessions per second."""
MOST = 0.5
"""The background takes at most this share of the worker's capacity."""
INTERVAL = 10
ASKED = 200
"""CPEs that are called in turns: so many that none refuses for being called too often."""
REQUESTS = 400
"""Connection Requests in each run."""
_LIMITS = {"idle": (0.6, 3), "busy": (0.6, 2)}
"""The goals for p50 and p99, in milliseconds."""


def run(options: Options) -> list[Figure]:
    """Measure both in turns."""
    requests = options.scaled(REQUESTS)
    times: dict[str, list[list[float]]] = {"idle": [], "busy": []}
    with Nginx() as sink, ExitStack() as stack:
        rate = min(RATE, int(MOST * capacity(sink, options)))
        asker = stack.enter_context(Child(Asker, core=SINK))
        cpes = ASKED + rate * INTERVAL
        intervals = {"idle": 86_400, "busy": INTERVAL}
        workers = {
            load: stack.enter_context(
                Child(WorkerAlone, core=GENERATOR, url=sink.url, cpes=cpes, interval=interval)
            )
            for load, interval in intervals.items()
        }
        for worker in workers.values():
            worker.call("set_apart", ASKED, asker.call("url"))
        for _ in range(options.runs):
            for load, worker in workers.items():
                times[load].append(_ask(asker, worker, requests, options.warm_up))
    names = {"idle": "idle", "busy": f"{rate} sessions/s"}
    return [
        Figure(
            f"GET to Inform, {names[load]}, p{percent}",
            "ms",
            [quantiles(of_run, n=100)[percent - 1] for of_run in times[load]],
            goal=Goal("<=", limit),
        )
        for load, limits in _LIMITS.items()
        for percent, limit in zip((50, 99), limits, strict=True)
    ]


def _ask(asker: Child, worker: Child, requests: int, warm_up: float) -> list[float]:
    """The times of one run, in milliseconds."""
    worker.call("catch_up")
    worker.call("start")
    time.sleep(warm_up)
    times: list[float] = asker.call("measure", worker.call("targets", ASKED), requests)
    worker.call("pause")
    return times
