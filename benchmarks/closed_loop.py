"""
The closed loop from outside: authenticated GET sent -> Inform received at the ACS.

With the fleet idle, and with the rest of it busy at 1 000 sessions per second, which go to the
sink; fewer where the worker can't do so many, and the figure's name then says how many. Where there
is an I/O engine, it carries both, as in a run. Other builds (``--beside``) take their turns with
ours.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from contextlib import ExitStack
from statistics import quantiles

from benchmarks.asker import Asker
from benchmarks.builds import OURS, with_ours
from benchmarks.figures import Figure, Goal, Options, compared
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
_GOALS = {"idle": {50: 0.6, 99: 3.0}, "busy": {50: 0.6, 99: 2.0}}
"""The goals for percentiles, in milliseconds."""
Times = dict[tuple[str, str], list[list[float]]]
"""Of each run, by load and build."""


def run(options: Options) -> list[Figure]:
    """Measure both, of each build, in turns."""
    builds = with_ours(options.beside)
    requests = options.scaled(REQUESTS)
    times: Times = {(load, name): [] for load in _GOALS for name in builds}
    with Nginx() as sink, ExitStack() as stack:
        rate = min(RATE, int(MOST * capacity(sink, options)))
        asker = stack.enter_context(Child(Asker, core=SINK))
        intervals = {"idle": 86_400, "busy": INTERVAL}
        workers = {
            (load, name): stack.enter_context(
                Child(
                    Workers,
                    core=GENERATOR,
                    build=builds[name],
                    asker=asker.call("url"),
                    sink=sink.url,
                    others=rate * INTERVAL,
                    interval=intervals[load],
                )
            )
            for load, name in times
        }
        for _ in range(options.runs):
            for which, worker in workers.items():
                times[which].append(_ask(asker, worker, requests, options.warm_up))
    names = {"idle": "idle", "busy": f"{rate} sessions/s"}
    return [
        figure
        for load, goals in _GOALS.items()
        for percent, limit in goals.items()
        for figure in _figures(
            f"GET to Inform, {names[load]}, p{percent}",
            limit,
            {
                name: [quantiles(run, n=100)[percent - 1] for run in times[load, name]]
                for name in builds
            },
        )
    ]


def _figures(title: str, limit: float, values: Mapping[str, list[float]]) -> list[Figure]:
    """Ours, and the builds beside each other."""
    ours = Figure(title, "ms", values[OURS], goal=Goal("<=", limit))
    return [ours, *compared(title, "ms", values, values)]


def _ask(asker: Child, worker: Child, requests: int, warm_up: float) -> list[float]:
    """The times of one run, in milliseconds."""
    worker.call("start")
    time.sleep(warm_up)
    times: list[float] = asker.call("measure", worker.call("targets"), requests)
    worker.call("pause")
    return times


class Workers:
    """
    Two workers in one loop, as one has one ACS: the CPEs that are called, and the rest.

    Args:
        asker: the ACS of ``ASKED`` CPEs, which inform only after a Connection Request.
        sink: the ACS of the others.
        others: how many.
        interval: their PeriodicInformInterval in seconds.
    """

    def __init__(self, *, asker: str, sink: str, others: int, interval: int) -> None:
        self._asked = WorkerAlone(url=asker, cpes=ASKED, interval=86_400)
        self._asked.set_apart(ASKED, asker)
        self._others = WorkerAlone(url=sink, cpes=others, interval=interval)

    def start(self) -> None:
        """Let sessions begin."""
        self._others.catch_up()
        for worker in (self._others, self._asked):
            worker.start()

    def pause(self) -> None:
        """Begin no more sessions, and wait for the running ones."""
        for worker in (self._others, self._asked):
            worker.pause()

    def targets(self) -> list[list[str]]:
        """As of ``WorkerAlone``, of the CPEs to be called."""
        return self._asked.targets(ASKED)
