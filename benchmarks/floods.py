"""
Good Connection Requests in a flood, beside the same without one.

A worker has so many CPEs; good requests (401, then 200) come at a steady rate, each over a
connection of its own, while another process floods the same port from the same address. Each flood
meets a fresh worker, so that its memory is that of this flood.
"""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from statistics import median
from typing import Any, NamedTuple

import psutil

from benchmarks.figures import Figure, Goal, Options, columns, short
from benchmarks.flooder import FLOODS, Flooder
from benchmarks.processes import GENERATOR, SINK, Child
from benchmarks.requester import SteadyRequester
from benchmarks.worker_alone import WorkerAlone

CPES = 2_000
RATE = 100
"""Good requests in a second."""
NONE = "no flood"
MOST_MEMORY = 200
"""MB that a flood may make the worker take."""


class Quantity(NamedTuple):
    """
    What is measured in each flood.

    Args:
        unit: of its values.
        of_runs: makes one value of those of all runs.
        goal: to be reached by that value.
    """

    unit: str
    of_runs: Callable[[Sequence[float]], float]
    goal: Goal | None = None


QUANTITIES = {
    "flood": Quantity("done", sum),
    "asked": Quantity("requests", sum),
    "lost": Quantity("requests", sum, Goal("<=", 0)),
    "p50": Quantity("ms", median),
    "p99": Quantity("ms", median),
    "cpu": Quantity("% of a core", median),
    "memory": Quantity("MB more", max, Goal("<=", MOST_MEMORY)),
    "lag": Quantity("ms p99", median),
}
"""
By their names.

``flood`` is how many connections or wrong credentials it was, ``lag`` that of the worker's loop.
"""


def run(options: Options) -> list[Figure]:
    """Measure; the floods take turns, and without a flood is the reference."""
    found: dict[str, list[dict[str, float]]] = {name: [] for name in (NONE, *FLOODS)}
    for _ in range(options.runs):
        for name, measured in found.items():
            measured.append(_flooded(name, options))
    return [_figure(name, quantity, found) for name in found for quantity in QUANTITIES]


def _figure(name: str, quantity: str, found: dict[str, list[dict[str, float]]]) -> Figure:
    unit, of_runs, goal = QUANTITIES[quantity]
    value = of_runs([each[quantity] for each in found[name]])
    return Figure(f"{name}: {quantity}", unit, [value], goal=goal)


def _flooded(name: str, options: Options) -> dict[str, float]:
    """What became of good requests in a flood, and of the worker."""
    cpes = options.scaled(CPES)
    worker: dict[str, Any] = {"url": "http://127.0.0.1/", "interval": 3600, "max_sessions": 0}
    with Child(WorkerAlone, core=GENERATOR, cpes=cpes, **worker) as server:
        server.call("start")
        targets = server.call("targets", cpes)
        with (
            Child(SteadyRequester, core=SINK, targets=targets) as good,
            Child(Flooder, core=SINK, target=targets[0]) as flooder,
            _watched(server.pid) as used,
        ):
            if name != NONE:
                flooder.call("start", name, min(1.0, options.scale))
            good.call("measure", RATE, options.warm_up)
            server.call("measure", 0)
            cpu = server.call("cpu")
            answers = good.call("measure", RATE, 1.5 * options.seconds)
            cpu = (server.call("cpu") - cpu) / (1.5 * options.seconds)
            lag = server.call("loop_lag")
            done = flooder.call("done")
            flooder.call("stop")
        return {"flood": done, **answers, "cpu": 100 * cpu, "memory": used["peak"], "lag": lag}


@contextmanager
def _watched(pid: int) -> Iterator[dict[str, float]]:
    """The ``peak`` of the memory of a process, in MB above what it had at first."""
    process, ended = psutil.Process(pid), threading.Event()
    first = process.memory_info().rss
    used = {"peak": 0.0}

    def watch() -> None:
        while not ended.wait(0.02):
            used["peak"] = max(used["peak"], (process.memory_info().rss - first) / 1e6)

    watching = threading.Thread(target=watch)
    watching.start()
    try:
        yield used
    finally:
        ended.set()
        watching.join()


def table(figures: Sequence[Figure]) -> str:
    """A line for each flood."""
    values = {figure.name: short(figure.values[0]) for figure in figures}
    names = dict.fromkeys(name.partition(": ")[0] for name in values)
    head = ("flood", *(f"{name}, {quantity.unit}" for name, quantity in QUANTITIES.items()))
    rows = [(name, *(values[f"{name}: {quantity}"] for quantity in QUANTITIES)) for name in names]
    missed = [figure.name for figure in figures if figure.reached is False]
    return columns([head, *rows]) + (f"\nnot reached: {', '.join(missed)}" if missed else "")
