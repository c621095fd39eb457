"""What became of the CPEs that the ledger has freed as their worker was dead or silent."""

from __future__ import annotations

from dataclasses import dataclass, field

from caretaker.index_set import IndexSet, Ranges
from caretaker.swarm.index_ledger import LostLease


@dataclass
class TakeOver:
    """
    What became of the CPEs of one worker.

    Args:
        heard: when the worker was heard for the last time.
        missing: the indices that nobody has got yet.
        taken_over: how many others have got.
        first, last: seconds after ``heard`` when others got the first and the last of them.
    """

    heard: float = 0.0
    missing: IndexSet = field(default_factory=IndexSet)
    taken_over: int = 0
    first: float | None = None
    last: float | None = None

    def grant(self, granted: IndexSet, now: float) -> None:
        """Others have got these indices, some of which may have been the worker's."""
        found = self.missing & granted
        for start, stop in found.ranges:
            self.missing.discard(start, stop)
        if found:
            self.taken_over += len(found)
            self.last = round(now - self.heard, 1)
            self.first = self.last if self.first is None else self.first


class TakeOvers:
    """The CPEs that were freed in one run, by the names of their workers."""

    def __init__(self) -> None:
        self._by_worker: dict[str, TakeOver] = {}

    @property
    def total(self) -> int:
        """How often a CPE was taken over."""
        return sum(each.taken_over for each in self._by_worker.values())

    def lose(self, lost: LostLease) -> None:
        """The indices of a worker are free; it may have lost others before."""
        known = self._by_worker.setdefault(lost.holder, TakeOver())
        known.heard = lost.heard
        for start, stop in lost.indices:
            known.missing.add(start, stop)

    def grant(self, indices: Ranges, now: float) -> None:
        """A worker has got these indices; said once more, this changes nothing."""
        granted = IndexSet(indices)
        for each in self._by_worker.values():
            each.grant(granted, now)

    def of(self, worker: str) -> TakeOver:
        """What became of those of this worker."""
        return self._by_worker.get(worker, TakeOver())
