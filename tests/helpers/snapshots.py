"""Reports of workers that do not exist."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

from caretaker.stats.results import Results
from caretaker.stats.worker_snapshot import ResourceUsage, WorkerSnapshot


def usage(**changes: float) -> ResourceUsage:
    """Of a worker that has CPU to spare."""
    return ResourceUsage(cpu_mean=40.0, cpu_peak=50.0, cpu_now=45.0, rss_mb=60.0)._replace(
        **changes
    )


def worker_snapshot(**changes: Any) -> WorkerSnapshot:
    """A worker with ten CPEs, which have done nothing yet."""
    idle = WorkerSnapshot(
        run=1,
        worker=0,
        at=1.0,
        cpes=10,
        states={"idle": 10},
        profiles={"tr181": 10},
        results=Results(),
        examples={},
        timeline={"step": 1.0, "points": []},
        final=False,
        held=[],
        usage=usage(),
    )
    return replace(idle, **changes)
