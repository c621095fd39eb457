"""What was counted in a part of the run: the newest snapshots of all workers, less older ones."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from caretaker.stats.results import Results
from caretaker.stats.worker_snapshot import WorkerSnapshot

Snapshots = Mapping[str, WorkerSnapshot]
"""Snapshots by the name of their worker."""
LEAST_SECONDS = 1.0
"""A shorter part has no rates: its few events say nothing of a second."""


class Window:
    """
    A part of the run, on all workers together.

    Each worker's part lasts from its older snapshot to its newest one: workers report every few
    seconds, and not at the same time.

    Args:
        before: the snapshots at the begin; none for the whole run so far.
        now: the newest snapshots.
    """

    def __init__(self, before: Snapshots, now: Snapshots) -> None:
        self._before = before
        self._now = now
        self.results = _total(now).since(_total(before))
        """Counters and histograms of this part only."""

    @property
    def seconds(self) -> float:
        """How long it is; 0 without a new snapshot."""
        return max((seconds for _, seconds in self._workers()), default=0.0)

    def rate(self, counter: str) -> float | None:
        """A counter per second; None without a new snapshot, or in less than a second."""
        if self.seconds < LEAST_SECONDS:
            return None
        rates = [
            (self._now[name].results.counters[counter] - self._counted(name, counter)) / seconds
            for name, seconds in self._workers()
        ]
        return sum(rates) if rates else None

    def _counted(self, worker: str, counter: str) -> int:
        before = self._before.get(worker)
        return before.results.counters[counter] if before is not None else 0

    def _workers(self) -> Iterator[tuple[str, float]]:
        """Each worker with a new snapshot, and the seconds since its older one."""
        begin = min((snapshot.at for snapshot in self._before.values()), default=0.0)
        for name, snapshot in self._now.items():
            seconds = snapshot.at - (self._before[name].at if name in self._before else begin)
            if seconds > 0:
                yield name, seconds


def _total(snapshots: Snapshots) -> Results:
    total = Results()
    for snapshot in snapshots.values():
        total.merge(snapshot.results)
    return total
