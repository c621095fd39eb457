"""Which workers have died, left or fallen silent, and what becomes of their leases."""

from __future__ import annotations

from caretaker.index_set import IndexSet
from caretaker.swarm.fleet_leases import LOOK_SECONDS, FleetLeases
from caretaker.swarm.locust_runner import LocustRunner
from caretaker.swarm.master_watch import PATIENCE_SECONDS
from caretaker.swarm.worker_reports import WorkerReports


class WorkerWatch:
    """
    The master's look at its workers, each ``LOOK_SECONDS``.

    Args:
        locust: knows who is there.
        leases: of the workers.
    """

    def __init__(self, locust: LocustRunner, leases: FleetLeases) -> None:
        self._locust = locust
        self._leases = leases
        self._silence = 0.0
        """Seconds for which no worker was heard of, in which this process itself has run."""

    def begin(self) -> None:
        """Begin a run, in which no worker was silent yet."""
        self._silence = 0.0
        self._leases.begin()

    def present(self) -> set[str]:
        """The workers that are there."""
        return self._locust.workers() - self._leases.died

    def count(self, reports: WorkerReports) -> None:
        """Note in the books of a run who is there, with how many CPEs."""
        held = self._leases.ledger.counts()
        reports.look({worker: held.get(worker) for worker in self.present()})

    def is_alone(self) -> bool:
        """Whether no worker is left, or all are silent for so long that none will come back."""
        are_silent = self._locust.keep_silent(self._leases.died)
        self._silence = self._silence + LOOK_SECONDS if are_silent else 0.0
        return not self.present() or self._silence > PATIENCE_SECONDS

    def look(self, reports: WorkerReports, *, has_run: bool) -> list[tuple[str, str]]:
        """
        Free what the workers had that have died, left or fallen silent.

        Args:
            reports: of the run.
            has_run: whether one is going on.

        Returns:
            Who has died or fallen silent, and what that means.
        """
        dead = [name for name in self._leases.look_for_dead() if not self._locust.has_left(name)]
        if has_run:
            self.count(reports)  # what the dead had is noted before it is free
        news = [(worker, f"has died with {self._bury(worker)} CPEs") for worker in dead]
        for holder in self._leases.ledger.holders:
            if holder in reports.ended and self._locust.has_left(holder):
                self._leases.ledger.gone(holder)
        for lost in self._leases.look():
            cpes = len(IndexSet(lost.indices))
            news.append((lost.holder, f"is silent: others may have its {cpes} CPEs"))
        return news

    def _bury(self, worker: str) -> int:
        """Free what a worker had that has died; the number of its CPEs."""
        cpes = self._leases.ledger.counts()[worker]
        self._locust.declare_missing(worker)
        self._leases.bury(worker)
        return cpes
