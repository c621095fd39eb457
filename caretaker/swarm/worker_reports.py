"""What the workers have reported of a run: the newest snapshot of each, and their timelines."""

from __future__ import annotations

import time
from collections.abc import Mapping
from statistics import median

from caretaker.stats.results import Results
from caretaker.stats.timeline import Timeline
from caretaker.stats.worker_snapshot import WorkerSnapshot


class WorkerReports:
    """
    The reports of one run, by the names that Locust gives to the workers.

    Args:
        run: its number; reports of other runs come late and do not count.
    """

    def __init__(self, run: int) -> None:
        self._run = run
        self._snapshots: dict[str, WorkerSnapshot] = {}
        self._timelines: dict[str, Timeline] = {}
        self._heard: dict[str, float] = {}
        self._left: set[str] = set()
        self.count = 0
        """How many reports have come; while it stays the same, so does all that is here."""

    def take(self, worker: str, snapshot: WorkerSnapshot) -> None:
        """A worker has reported."""
        if snapshot.run == self._run and worker not in self._left:
            self._snapshots[worker] = snapshot
            self._heard[worker] = time.monotonic()
            self._timelines.setdefault(worker, Timeline()).take(snapshot.timeline)
            self.count += 1

    def leave(self, worker: str) -> None:
        """A worker has said goodbye: what it did counts, its CPEs are with others now."""
        if worker in self._snapshots and worker not in self._left:
            self._left.add(worker)
            self._snapshots[worker] = self._snapshots[worker].without_cpes()
            self.count += 1

    @property
    def newest(self) -> Mapping[str, WorkerSnapshot]:
        """The newest snapshot of each worker that took part."""
        return self._snapshots

    @property
    def present(self) -> Mapping[str, WorkerSnapshot]:
        """The newest snapshot of each worker that has not left."""
        return {name: last for name, last in self._snapshots.items() if name not in self._left}

    @property
    def seconds(self) -> float:
        """The seconds of the run that the newest snapshots tell of; 0 without any."""
        return median([snapshot.at for snapshot in self._snapshots.values()] or [0.0])

    @property
    def left(self) -> int:
        """How many workers have left."""
        return len(self._left)

    @property
    def unfinished(self) -> list[str]:
        """The workers whose newest snapshot is not the final one."""
        return [name for name, snapshot in self._snapshots.items() if not snapshot.final]

    @property
    def lost(self) -> int:
        """How many workers have neither left nor sent a final snapshot."""
        return sum(name not in self._left for name in self.unfinished)

    def timeline(self, first: int = 0) -> Timeline:
        """The timelines of all workers as one, from that point on."""
        return Timeline.total(self._timelines.values(), first)

    def results(self) -> Results:
        """Counters and histograms of all workers as one."""
        total = Results()
        for snapshot in self._snapshots.values():
            total.merge(snapshot.results)
        return total

    def heard_since(self, at: float) -> bool:
        """Whether every worker that has not left has reported since (``time.monotonic``)."""
        return all(self._heard[name] > at for name in self.present)

    def silence(self, worker: str) -> float:
        """Seconds since the last report of a worker."""
        return time.monotonic() - self._heard[worker]
