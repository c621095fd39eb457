"""
Connection Requests per CPU second of the worker: full Digest exchanges, 401 and then 200.

The sessions that follow are not measured: none runs, as ``max_sessions`` is 0. Other builds
(``--beside``) take their turns with ours.
"""

from __future__ import annotations

from collections.abc import Callable
from contextlib import ExitStack

from benchmarks.bare import Bare
from benchmarks.builds import OURS, Build, with_ours
from benchmarks.figures import Figure, Goal, Options, compared, take_turns
from benchmarks.processes import GENERATOR, SINK, Child
from benchmarks.requester import Requester
from benchmarks.worker_alone import WorkerAlone

CPES = 10_000
LEAST_CPES = 1000
"""Fewer would be asked so often on a fast machine that they refuse (503)."""
CONNECTIONS = 8
_BARE, _CONSTANTS = "bare pywsgi", "constants"


def run(options: Options) -> list[Figure]:
    """Measure; the reference is pywsgi with an application that answers constants."""
    cpes = options.scaled(CPES, least=LEAST_CPES)
    builds = with_ours(options.beside)
    with ExitStack() as children:
        servers = {
            name: children.enter_context(_worker(cpes, each)) for name, each in builds.items()
        }
        requesters = {
            name: children.enter_context(_requester(worker.call("targets", cpes)))
            for name, worker in servers.items()
        }
        for name, own in ((_BARE, False), (_CONSTANTS, True)):
            servers[name] = children.enter_context(
                Child(Bare, core=GENERATOR, app="connection_requests", own=own)
            )
            url = servers[name].call("url")
            requesters[name] = children.enter_context(_requester([[f"{url}cr/1", "name", "word"]]))
        for name in builds:
            servers[name].call("start")
        values = take_turns(
            options.runs,
            {
                name: _measuring(server, requesters[name], options.seconds)
                for name, server in servers.items()
            },
        )
    title, unit, goal = "Connection Requests, Digest", "exchanges per cpu-s", Goal(">=", 2000)
    return [
        Figure(title, unit, values[OURS], _BARE, values[_BARE], goal),
        *compared(title, unit, values, builds),
        Figure("... constants, by our server", unit, values[_CONSTANTS], _BARE, values[_BARE]),
    ]


def _worker(cpes: int, build: Build | None) -> Child:
    return Child(
        WorkerAlone,
        core=GENERATOR,
        build=build,
        url="http://127.0.0.1/",
        cpes=cpes,
        interval=3600,
        max_sessions=0,
    )


def _measuring(server: Child, requester: Child, seconds: float) -> Callable[[], float]:
    return lambda: _per_cpu_second(server, requester, seconds)


def _requester(targets: list[list[str]]) -> Child:
    return Child(Requester, core=SINK, targets=targets, connections=CONNECTIONS)


def _per_cpu_second(server: Child, requester: Child, seconds: float) -> float:
    before = server.call("cpu")
    count = requester.call("measure", seconds)
    return float(count / (server.call("cpu") - before))
