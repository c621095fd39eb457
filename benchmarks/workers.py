"""
CPU time of a session by the number of workers, each of which has the same work.

Whole load tests over processes, with their master: CPEs that are running inform nginx. The master
and nginx are not counted; on two cores all of them share these, which the C program of ``sessions``
would feel as well.
"""

from __future__ import annotations

from functools import partial

from benchmarks.figures import Figure, Goal, Options, take_turns
from benchmarks.nginx import Nginx
from benchmarks.processes import MeasurementError
from benchmarks.whole_runs import NO_CRS, load_test

USERS = 40
"""Of each worker, with 100 CPEs each."""
INTERVAL = 8
"""Seconds between two Informs of a CPE: 500 sessions a second for each worker."""
SECONDS = 8
"""Of a run, for each second of ``--seconds``."""


def run(options: Options) -> list[Figure]:
    """Measure; one worker is the reference."""
    with Nginx() as sink:
        runs = {str(n): partial(_sessions_per_cpu_second, sink.url, n, options) for n in (1, 2, 4)}
        found = take_turns(options.runs, runs)
    one = found["1"]
    both = [2 * value for value in found["2"]]
    unit = "sessions per cpu-s of each"
    return [
        Figure("two workers", unit, both, "one worker", one, Goal(">=", 1.9, of_ratio=True)),
        *(
            Figure(
                f"CPU of a session, {n} workers", "ms", [1000 / value for value in found[n]],
                "one worker", [1000 / value for value in one], Goal("<=", 1.05, of_ratio=True),
            )
            for n in ("2", "4")
        ),
    ]  # fmt: skip


def _sessions_per_cpu_second(url: str, workers: int, options: Options) -> float:
    summary = load_test(
        *("--host", url, *NO_CRS, "--processes", str(workers), "--start", "running"),
        *("--users", str(workers * USERS), "--cpes-per-user", str(options.scaled(100, 1))),
        *("--spawn-rate", str(workers * USERS), "--inform-interval", str(INTERVAL)),
        *("--run-time", f"{round(SECONDS * options.seconds)}s"),
    )
    used = summary["generator"]["cpu_ms_per_session"]
    if not used:
        raise MeasurementError("no session succeeded")
    return float(1000 / used)
