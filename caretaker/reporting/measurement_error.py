"""
How exact the times of a run are, computed from that run (``generator.error``).

A time is longer than it truly was by what the generator needs to notice that it is over, and it is
reported as the middle of a histogram's bucket. ``./scripts/bench calibration`` holds both against
servers whose delays are known.
"""

from __future__ import annotations

from caretaker.reporting.summary_types import ErrorSection
from caretaker.stats.histogram import Histogram
from caretaker.stats.results import Results

BUCKET_ERROR = 2 ** (1 / (2 * Histogram.PER_OCTAVE)) - 1
"""The most by which a time differs from the middle of its bucket, as a ratio."""

_WAITS = 2
"""How often a session waits for the network until its InformResponse: connection and answer."""


def measurement_error(results: Results, cpu_ms_per_session: float | None) -> ErrorSection:
    """
    By how much the times of a run may differ from the true ones, in its own conditions.

    What is added is how late the generator began (the step of its timers is in that), how late its
    loop noticed the connection and the answer, and the CPU time of a session, which is part of its
    times. It holds unless the generator was the limit of the run.

    Args:
        results: of the whole run.
        cpu_ms_per_session: CPU milliseconds for each session; None without sessions.
    """
    lag = results.histogram("generator.loop_lag").summary(50, 99)
    late = results.histogram("generator.lateness").summary(50, 99)

    def added(percent: str) -> float | None:
        own, begun = lag[percent], late[percent]
        if own is None:
            return None
        return round(_WAITS * own + (begun or 0.0) + (cpu_ms_per_session or 0.0), 3)

    return {"relative": round(BUCKET_ERROR, 4), "p50_ms": added("p50"), "p99_ms": added("p99")}


def stated(error: ErrorSection, *, limited: bool) -> str:
    """The error of a run's times as a sentence; ``limited`` says that the generator was at one."""
    if limited:
        return "How exact the times are is not known: the generator was the limit."
    if error["p50_ms"] is None or error["p99_ms"] is None:
        return "How exact the times are is not known: the loop's lag was not measured."
    return (
        f"Times are exact to {100 * error['relative']:.1f} % + {error['p50_ms']:.1f} ms (p50), "
        f"{error['p99_ms']:.1f} ms (p99)."
    )
