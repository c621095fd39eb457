"""
What a worker holds after a minute of failures of all kinds, beyond what it held before.

Descriptors, greenlets and memory are counted between sessions, once after a while in which caches
and lists have filled, and once at the end.
"""

from __future__ import annotations

from benchmarks.faulty_sink import FaultySink
from benchmarks.figures import Figure, Goal, Options
from benchmarks.processes import GENERATOR, SINK, Child
from benchmarks.worker_alone import WorkerAlone

CPES = 10_000
INTERVAL = 10
"""Seconds: 1,000 sessions per second."""
ROUNDS = 20
"""So many times ``--seconds``: a minute by default."""
GOALS = {"descriptors": 3, "greenlets": 3, "KiB": 3_072}
"""How much more is none: some come and go, and the timeline has a point more for each second."""


def run(options: Options) -> list[Figure]:
    """Measure once: it is a count."""
    with (
        Child(FaultySink, core=SINK) as sink,
        Child(
            WorkerAlone,
            core=GENERATOR,
            url=f"http://127.0.0.1:{sink.call('port')}/",
            cpes=options.scaled(CPES),
            interval=INTERVAL,
            answer_timeout=2,
        ) as worker,
    ):
        worker.call("saturated", 0.0, ROUNDS / 2 * options.seconds)
        before = worker.call("holds")
        found = worker.call("saturated", 0.0, ROUNDS * options.seconds)
        after = worker.call("holds")
    sessions = [
        Figure(f"leaks: sessions that {how}", "sessions", [found[how]])
        for how in ("succeeded", "failed")
    ]
    more = {name: after[name] - before[name] for name in GOALS}
    return sessions + [
        Figure(f"leaks: {name} more", name, [more[name]], goal=Goal("<=", number))
        for name, number in GOALS.items()
    ]
