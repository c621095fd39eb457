"""
The longest turn of the loop while a million CPEs are due at once, in CPU time.

Other programs of the machine make a turn longer by the clock, but not by its CPU time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from benchmarks.figures import Figure, Goal, Options
from benchmarks.nginx import Nginx
from benchmarks.processes import GENERATOR, Child
from benchmarks.worker_alone import WorkerAlone

CPES = 1_000_000
KINDS: Mapping[str, Mapping[str, Any]] = {
    "from the factory": {},
    "periodic": {"running": True},
    "from the factory, --io-engine off": {"io_engine": "off"},
    "periodic, --io-engine off": {"running": True, "io_engine": "off"},
}
"""What the CPEs have to tell, and what carries their sessions."""


def run(options: Options) -> list[Figure]:
    """Measure from the moment on at which all are due; each run has a fleet of its own."""
    cpes = options.scaled(CPES)
    with Nginx() as sink:
        return [
            Figure(
                f"longest turn, {cpes} due, {kind}",
                "CPU ms",
                [_longest(sink.url, cpes, options, given) for _ in range(options.runs)],
                goal=Goal("<=", 20),
            )
            for kind, given in KINDS.items()
        ]


def _longest(url: str, cpes: int, options: Options, given: Mapping[str, Any]) -> float:
    with Child(
        WorkerAlone,
        core=GENERATOR,
        url=url,
        cpes=cpes,
        interval=1,  # when all are on, all are due
        contacted=False,
        **given,
    ) as worker:
        return float(worker.call("longest_turn", options.seconds))
