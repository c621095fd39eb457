"""
Connection Requests per CPU second of the router, and the milliseconds that it adds to one.

Each is a full Digest exchange, 401 and then 200, on a connection of its own to the router, which
hands both requests on to a worker over connections that stay open.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from benchmarks.cr_server import CONNECTIONS, CPES, LEAST_CPES
from benchmarks.figures import Figure, Goal, Options, take_turns
from benchmarks.processes import GENERATOR, SINK, Child
from benchmarks.requester import LoneRequester, Requester
from benchmarks.router_alone import RouterAlone
from benchmarks.worker_alone import WorkerAlone

_WORKER: dict[str, Any] = {"url": "http://127.0.0.1/", "interval": 3600, "max_sessions": 0}


def run(options: Options) -> list[Figure]:
    """Measure; the reference of the times are Connection Requests straight to the worker."""
    cpes = options.scaled(CPES, least=LEAST_CPES)
    with Child(WorkerAlone, core=SINK, cpes=cpes, **_WORKER) as worker:
        targets = worker.call("targets", cpes)
        worker.call("start")
        parts = urlsplit(targets[0][0])
        behind = f"{parts.scheme}://{parts.netloc}"
        with Child(RouterAlone, core=GENERATOR, worker=behind, cpes=cpes) as router:
            url = router.call("url")
            routed = [[target[0].replace(behind, url), *target[1:]] for target in targets]
            return _measure(options, router, targets, routed)


def _measure(
    options: Options, router: Child, targets: list[list[str]], routed: list[list[str]]
) -> list[Figure]:
    with (
        Child(Requester, core=SINK, targets=routed, connections=CONNECTIONS) as crowd,
        Child(LoneRequester, core=SINK, targets=routed) as through,
        Child(LoneRequester, core=SINK, targets=targets) as straight,
    ):
        found = take_turns(
            options.runs,
            {
                "rate": lambda: _per_cpu_second(router, crowd, options.seconds),
                "through": lambda: through.call("measure", options.seconds / 2),
                "straight": lambda: straight.call("measure", options.seconds / 2),
            },
        )
    return [
        Figure(
            "Connection Requests through the router", "exchanges per cpu-s", found["rate"],
            goal=Goal(">=", 2000),
        ),
        Figure("... one at a time, p50", "ms", found["through"], "straight", found["straight"]),
    ]  # fmt: skip


def _per_cpu_second(router: Child, crowd: Child, seconds: float) -> float:
    before = router.call("cpu")
    count = crowd.call("measure", seconds)
    return float(count / (router.call("cpu") - before))
