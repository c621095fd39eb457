"""
Connection Requests per CPU second of the worker: full Digest exchanges, 401 and then 200.

The sessions that follow are not measured: none runs, as ``max_sessions`` is 0.
"""

from __future__ import annotations

from benchmarks.bare import Bare
from benchmarks.figures import Figure, Goal, Options, take_turns
from benchmarks.processes import GENERATOR, SINK, Child
from benchmarks.requester import Requester
from benchmarks.worker_alone import WorkerAlone

CPES = 10_000
LEAST_CPES = 1000
"""Fewer would be asked so often on a fast machine that they refuse (503)."""
CONNECTIONS = 8


def run(options: Options) -> list[Figure]:
    """Measure; the reference is pywsgi with an application that answers constants."""
    cpes = options.scaled(CPES, least=LEAST_CPES)
    with (
        Child(
            WorkerAlone,
            core=GENERATOR,
            url="http://127.0.0.1/",
            cpes=cpes,
            interval=3600,
            max_sessions=0,
        ) as worker,
        Child(Bare, core=GENERATOR, app="connection_requests") as bare,
        Child(Bare, core=GENERATOR, app="connection_requests", own=True) as own,
        _requester(worker.call("targets", cpes)) as ours,
        _requester([[bare.call("url") + "cr/1", "name", "word"]]) as others,
        _requester([[own.call("url") + "cr/1", "name", "word"]]) as same,
    ):
        worker.call("start")
        found = take_turns(
            options.runs,
            {
                "ours": lambda: _per_cpu_second(worker, ours, options.seconds),
                "bare": lambda: _per_cpu_second(bare, others, options.seconds),
                "own": lambda: _per_cpu_second(own, same, options.seconds),
            },
        )
    name, unit, goal = "Connection Requests, Digest", "exchanges per cpu-s", Goal(">=", 2000)
    return [
        Figure(name, unit, found["ours"], "bare pywsgi", found["bare"], goal),
        Figure("... constants, by our server", unit, found["own"], "bare pywsgi", found["bare"]),
    ]


def _requester(targets: list[list[str]]) -> Child:
    return Child(Requester, core=SINK, targets=targets, connections=CONNECTIONS)


def _per_cpu_second(server: Child, requester: Child, seconds: float) -> float:
    before = server.call("cpu")
    count = requester.call("measure", seconds)
    return float(count / (server.call("cpu") - before))
