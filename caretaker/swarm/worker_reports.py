"""What the workers have reported of a run: the newest snapshot of each, and their timelines."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Collection, Mapping
from statistics import median

from caretaker.reporting.connection_request_books import pending_connection_requests
from caretaker.reporting.summary_types import LostWorkerSection
from caretaker.stats.results import Results
from caretaker.stats.timeline import Timeline
from caretaker.stats.window import Snapshots
from caretaker.stats.worker_snapshot import WorkerSnapshot
from caretaker.swarm.take_overs import TakeOver, TakeOvers

WINDOW_SECONDS = 12.0
"""What is shown of a run that goes on is of the last so many seconds."""


class WorkerReports:
    """
    The reports of one run, by the names that Locust gives to the workers.

    Args:
        run: its number; reports of other runs come late and do not count.
        clock: monotonic, in seconds.
    """

    def __init__(self, run: int, clock: Callable[[], float] = time.monotonic) -> None:
        self._run = run
        self._clock = clock
        self._snapshots: dict[str, WorkerSnapshot] = {}
        self._past: dict[str, deque[WorkerSnapshot]] = {}
        """The snapshots of each worker in the last ``WINDOW_SECONDS``, and one before them."""
        self._timelines: dict[str, Timeline] = {}
        self._heard: dict[str, float] = {}
        self._held: dict[str, int] = {}
        self.ended: set[str] = set()
        """The workers that have said their last word of the run."""
        self._gone: dict[str, float | None] = {}
        """Who is gone, and the seconds since its last report when it was found to be."""
        self.count = 0
        """How many reports have come; while it stays the same, so does all that is here."""

    def take(self, worker: str, snapshot: WorkerSnapshot) -> None:
        """A worker has reported."""
        if snapshot.run == self._run:
            self._snapshots[worker] = snapshot
            past = self._past.setdefault(worker, deque())
            past.append(snapshot)
            while len(past) > 1 and past[1].at <= snapshot.at - WINDOW_SECONDS:
                past.popleft()
            self._heard[worker] = self._clock()
            self._held.setdefault(worker, 0)
            self._timelines.setdefault(worker, Timeline()).take(snapshot.timeline)
            self.count += 1
            if snapshot.final:
                self.end(worker)

    def end(self, worker: str) -> None:
        """A worker has said its last word of the run."""
        self._held.setdefault(worker, 0)
        self.ended.add(worker)

    def look(self, there: Mapping[str, int | None]) -> None:
        """
        Note which workers are there now.

        Args:
            there: how many CPEs each of them holds; None for one whose lease is over, which may
                still have those that it had.
        """
        for worker, cpes in there.items():
            self._held[worker] = self._held.get(worker, 0) if cpes is None else cpes
        self._be_gone(self._held.keys() - there.keys())

    def close(self) -> None:
        """The run has ended, and all workers that could say their last word have."""
        self._be_gone(self._gone.keys() | (self._held.keys() - self.ended))

    def _be_gone(self, workers: Collection[str]) -> None:
        if set(workers) != self._gone.keys():
            new = {name: self.silence(name) for name in workers if name in self._heard}
            self._gone = {name: self._gone.get(name, new.get(name)) for name in workers}
            self.count += 1

    @property
    def before_window(self) -> Snapshots:
        """The snapshots ``WINDOW_SECONDS`` ago, of the workers that had one then."""
        begin = max((last.at for last in self._snapshots.values()), default=0.0) - WINDOW_SECONDS
        old = {
            worker: [snapshot for snapshot in past if snapshot.at <= begin]
            for worker, past in self._past.items()
        }
        return {worker: snapshots[-1] for worker, snapshots in old.items() if snapshots}

    @property
    def newest(self) -> Mapping[str, WorkerSnapshot]:
        """The newest snapshot of each worker; one that is gone has no CPEs any more."""
        return {
            name: last.without_cpes() if name in self._gone else last
            for name, last in self._snapshots.items()
        }

    @property
    def present(self) -> Mapping[str, WorkerSnapshot]:
        """The newest snapshot of each worker that is there."""
        return {name: last for name, last in self._snapshots.items() if name not in self._gone}

    @property
    def have_all_begun(self) -> bool:
        """Whether each worker that is there has reported; a sum over fewer says too little."""
        return self._held.keys() - self._gone.keys() <= self._snapshots.keys()

    @property
    def joined(self) -> int:
        """How many workers took part, whether they have reported or not."""
        return len(self._held)

    @property
    def seconds(self) -> float:
        """The seconds of the run that the newest snapshots tell of; 0 without any."""
        return median([snapshot.at for snapshot in self._snapshots.values()] or [0.0])

    @property
    def left(self) -> int:
        """How many workers were gone before the end of the run, after their last word."""
        return len(self._gone.keys() & self.ended)

    def lost(self, wanted: int, take_overs: TakeOvers) -> list[LostWorkerSection]:
        """
        The workers that are gone without a last word; the one that was silent first comes first.

        Args:
            wanted: how many CPEs the whole fleet should have. Those that it lacks are CPEs of the
                workers that were lost last.
            take_overs: what became of the CPEs of those that were lost.
        """
        lacking = wanted - sum(last.cpes for last in self.present.values())
        lost: list[LostWorkerSection] = []
        for name in sorted(self._gone.keys() - self.ended, key=self._silent_since, reverse=True):
            held = self._held[name]
            is_made_good = held == 0 or lacking <= 0
            lost.append(self._lost(name, take_overs.of(name), taken_over=is_made_good))
            lacking -= held
        return lost[::-1]

    def _lost(self, name: str, after: TakeOver, *, taken_over: bool) -> LostWorkerSection:
        last, silence = self._snapshots.get(name), self._gone[name]
        return {
            "worker": name,
            "cpes": self._held[name],
            "pending_connection_requests": pending_connection_requests(last) if last else 0,
            "reported_at": round(last.at, 1) if last else None,
            "unknown_s": None if silence is None else round(silence, 1),
            "taken_over": taken_over,
            "cpes_back": after.taken_over,
            "first_back_s": after.first,
            "last_back_s": after.last,
        }

    def _silent_since(self, worker: str) -> float:
        return self._snapshots[worker].at if worker in self._snapshots else 0.0

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
        """Whether every worker that is there has reported since (``time.monotonic``)."""
        return all(self._heard[name] > at for name in self.present)

    def silence(self, worker: str) -> float:
        """Seconds since the last report of a worker."""
        return self._clock() - self._heard[worker]
