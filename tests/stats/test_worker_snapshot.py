"""What a worker reports, and what the master reads of it."""

from __future__ import annotations

import msgpack
from helpers.snapshots import worker_snapshot
from helpers.summaries import results

from caretaker.stats.timeline import Timeline
from caretaker.stats.worker_snapshot import FailureExample, WorkerSnapshot


def reported() -> WorkerSnapshot:
    line = Timeline()
    line.planned(0.5)
    return worker_snapshot(
        results=results(3, failed=1),
        examples={"HTTP 500": FailureExample("A-1", 0.5, ["2 PERIODIC"])},
        timeline=line.to_wire(final=False),
        held=[(0, 7), (9, 12)],
    )


def test_a_snapshot_is_the_same_after_locusts_wire() -> None:
    wire = reported().to_wire()
    read = WorkerSnapshot.from_wire(msgpack.unpackb(msgpack.packb(wire), strict_map_key=False))
    assert read.to_wire() == wire
    assert read.results.counters == reported().results.counters
    assert (read.held, read.usage, read.examples["HTTP 500"].at) == (
        [(0, 7), (9, 12)], reported().usage, 0.5,
    )  # fmt: skip


def test_the_figures_of_the_process_stand_beside_the_others_on_the_wire() -> None:
    assert list(reported().to_wire()) == [
        "run", "worker", "at", "cpes", "states", "profiles", "reach", "results",
        "measured",
        "examples", "timeline",
        "final", "held", "cpu_mean", "cpu_peak", "cpu_now", "rss_mb",
    ]  # fmt: skip


def test_a_worker_that_has_left_has_no_cpes_but_its_results() -> None:
    left = reported().without_cpes()
    assert (left.cpes, left.states, left.profiles, left.held) == (0, {}, {}, [])
    assert left.results.counters["sessions.succeeded"] == 3
