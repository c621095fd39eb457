"""CPU of a session in a fleet of five million, beside one of a thousand, at the same rate."""

from __future__ import annotations

from contextlib import ExitStack

from benchmarks.figures import Figure, Goal, Options, take_turns
from benchmarks.nginx import Nginx
from benchmarks.processes import GENERATOR, Child
from benchmarks.worker_alone import WorkerAlone

SMALL, LARGE = 1_000, 5_000_000
RATE = 500
"""Periodic Informs per second, of either fleet."""


def run(options: Options) -> list[Figure]:
    """Measure; both fleets live through all runs."""
    sizes = (options.scaled(LARGE, least=SMALL), SMALL)
    with Nginx() as sink, ExitStack() as stack:
        large, small = (
            stack.enter_context(
                Child(
                    WorkerAlone,
                    core=GENERATOR,
                    url=sink.url,
                    cpes=cpes,
                    interval=cpes // RATE,
                )
            )
            for cpes in sizes
        )
        found = take_turns(
            options.runs,
            {
                "large": lambda: _microseconds(large, options),
                "small": lambda: _microseconds(small, options),
            },
        )
    name, goal = f"a session among {sizes[0]}", Goal("<=", 1.1, of_ratio=True)
    return [Figure(name, "cpu-us", found["large"], f"among {SMALL}", found["small"], goal)]


def _microseconds(worker: Child, options: Options) -> float:
    found = worker.call("steady", options.warm_up, options.seconds)
    return 1e6 * float(found["cpu"]) / float(found["count"])
