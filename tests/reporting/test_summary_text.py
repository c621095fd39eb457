"""The live line, as who watches a storm reads it."""

from __future__ import annotations

from collections.abc import Mapping

from helpers.snapshots import worker_snapshot
from helpers.summaries import results

from caretaker.reporting.summary_text import live_line
from caretaker.stats.worker_snapshot import WorkerSnapshot


def after(
    earlier: Mapping[str, WorkerSnapshot], seconds: float = 1, failed: int = 0, n: int = 10
) -> Mapping[str, WorkerSnapshot]:  # fmt: skip
    """The next report of a worker: new sessions whose InformResponse came after these seconds."""
    made = results(n, failed)
    for name in ("informs.from_plan", "connection_requests.to_inform"):
        made.histograms.pop(name, None)
        for _ in range(n):
            made.time(name, seconds)
    at = 5.0
    if earlier:
        made.merge(earlier["one"].results)
        at += earlier["one"].at
    return {"one": worker_snapshot(at=at, results=made)}


def columns(line: str) -> list[str]:
    return [" ".join(part.split()) for part in line.split(" | ")]


def test_percentiles_rise_in_a_storm_and_fall_after_it() -> None:
    calm = after({}, 0.002, n=1000)
    storm = after(calm, 5.0, failed=3)
    over = after(storm, 0.002)
    lines = [columns(live_line(*pair)) for pair in (({}, calm), (calm, storm), (storm, over))]
    assert [line[3] for line in lines] == [
        "Inform p99 2.0 ms", "Inform p99 5.0 s", "Inform p99 2.0 ms"
    ]  # fmt: skip
    assert [line[4] for line in lines] == [
        "CR/s 200.0, p99 2.0 ms", "CR/s 2.6, p99 5.0 s", "CR/s 2.0, p99 2.0 ms"
    ]  # fmt: skip
    assert [line[2] for line in lines] == [
        "failed 0 (0), shed 0 (0)", "failed 3 (3), shed 0 (0)", "failed 0 (3), shed 0 (0)"
    ]  # fmt: skip


def test_without_data_it_shows_none() -> None:
    assert columns(live_line({}, {})) == [
        "CPEs 0",
        "sessions/s -",
        "failed 0 (0), shed 0 (0)",
        "Inform p99 -",
        "CR/s -, p99 -",
        "lag p99 -",
    ]
    quiet = after({})
    assert columns(live_line(quiet, quiet))[1:3] == ["sessions/s -", "failed 0 (0), shed 0 (0)"]


def test_it_fits_a_terminal() -> None:
    calm = after({}, 0.0123, n=5000)
    assert len(f"{600:6.0f} s | {live_line({}, calm)}") <= 132
