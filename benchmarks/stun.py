"""
Keep-alives of NAT bindings per CPU second of the worker, and the memory of a binding.

A keep-alive is a Binding Request and its answer. The server is a stub on another core.
"""

from __future__ import annotations

from benchmarks.figures import Figure, Goal, Options
from benchmarks.processes import GENERATOR, SINK, Child
from benchmarks.stun_worker import STUNStub, STUNWorker

CPES = 20_000
PERIOD = 1
"""Seconds between two keep-alives of a CPE: 20,000 keep-alives per second."""


def run(options: Options) -> list[Figure]:
    """Measure both; the memory once, as it follows from what a binding is."""
    cpes = options.scaled(CPES)
    with (
        Child(STUNStub, core=SINK) as server,
        Child(STUNWorker, core=GENERATOR, cpes=cpes) as worker,
    ):
        memory = worker.call("use_stun", server.call("port"), PERIOD)
        rates = [_per_cpu_second(worker, options.seconds) for _ in range(options.runs)]
    name = "NAT bindings"
    return [
        Figure(f"{name}, keep-alives", "per cpu-s", rates, goal=Goal(">=", 10_000)),
        Figure(f"{name}, memory", "bytes per CPE", [memory["binding"]], goal=Goal("<=", 200)),
    ]


def _per_cpu_second(worker: Child, seconds: float) -> float:
    figures = worker.call("keep_alive", seconds)
    return float(figures["answered"] / figures["cpu"])
