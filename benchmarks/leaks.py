"""
What a worker holds after a minute of failures of all kinds, beyond what it held before.

Descriptors, greenlets and memory are counted between sessions, once after a while in which caches
and lists have filled, and once at the end. Where this build has the I/O engine, it must have
carried most of the sessions, as nothing would be said of it otherwise.
"""

from __future__ import annotations

from benchmarks.faulty_sink import FaultySink
from benchmarks.figures import Figure, Goal, Options
from benchmarks.processes import GENERATOR, SINK, Child, MeasurementError
from benchmarks.worker_alone import WorkerAlone
from caretaker.http.io_engine import engine_module

CPES = 10_000
INTERVAL = 10
"""Seconds: 1,000 sessions per second."""
ROUNDS = 20
"""So many times ``--seconds``: a minute by default."""
SESSIONS_BEFORE = 5
"""Of each CPE, in the mean: by then nearly all have failed, and keep what of that is to be kept."""
PARTS = 10
"""Of the time in which these have to be; it is as long as the one that is measured."""
LEAST_CARRIED = 0.75
"""Of all sessions, to their end; one in 17 is answered in chunks, and one with rubbish."""
GOALS = {"descriptors": 3, "greenlets": 3, "KiB": 3_072}
"""How much more is none: some come and go, and the timeline has a point more for each second."""


def run(options: Options) -> list[Figure]:
    """
    Measure once: it is a count.

    Raises:
        MeasurementError: there is an engine, but others ran the sessions.
    """
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
        _warm_up(worker, SESSIONS_BEFORE * options.scaled(CPES), ROUNDS * options.seconds)
        before = worker.call("holds")
        found = worker.call("saturated", 0.0, ROUNDS * options.seconds)
        after = worker.call("holds")
        share = _share(worker.call("carriage"))
    if share < LEAST_CARRIED and engine_module() is not None:
        raise MeasurementError(f"the I/O engine carried {share:.0%} of the sessions to their end")
    sessions = [
        Figure(f"leaks: sessions that {how}", "sessions", [found[how]])
        for how in ("succeeded", "failed")
    ]
    carried = Figure("leaks: of all, carried by the engine", "share", [share])
    more = {name: after[name] - before[name] for name in GOALS}
    return [
        *sessions,
        carried,
        *(
            Figure(f"leaks: {name} more", name, [more[name]], goal=Goal("<=", number))
            for name, number in GOALS.items()
        ),
    ]


def _warm_up(worker: Child, sessions: int, seconds: float) -> None:
    """Run so many sessions, for so long at most."""
    for _ in range(PARTS):
        found = worker.call("saturated", 0.0, seconds / PARTS)
        sessions -= found["succeeded"] + found["failed"]
        if sessions <= 0:
            break


def _share(carriage: dict[str, int]) -> float:
    """Of all sessions, those that the engine has carried to their end."""
    to_their_end = carriage["carried"] - carriage["handed_over"]
    return to_their_end / max(carriage["carried"] + carriage["by_greenlet"], 1)
