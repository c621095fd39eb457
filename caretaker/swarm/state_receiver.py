"""A worker's side of ``--state``: records of CPEs, from the grant until the CPEs have power."""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from itertools import chain

from caretaker.device.persistent_state import PersistentState
from caretaker.engine.shard import Shard
from caretaker.errors import StateError
from caretaker.index_set import IndexSet
from caretaker.stats.results import Results
from caretaker.swarm.state_file import StoredCPE

_log = logging.getLogger(__name__)


class StateReceiver:
    """Gives CPEs what they had before."""

    def __init__(self) -> None:
        self._stored: dict[int, StoredCPE] = {}
        self._has_warned = False

    def __len__(self) -> int:
        """Of how many CPEs there are records."""
        return len(self._stored)

    def received(self, cpes: Iterable[StoredCPE]) -> None:
        """Take the records of CPEs that this worker will power on."""
        self._stored.update({each.cpe: each for each in cpes})

    def discard(self, ranges: Iterable[tuple[int, int]]) -> None:
        """Drop the records of these indices, which go back."""
        if self._stored:
            for index in IndexSet(ranges):
                self._stored.pop(index, None)

    def clear(self) -> None:
        """Drop all records: their indices are not this worker's any more."""
        self._stored.clear()

    def parts(self, indices: range, most: int) -> Iterator[range]:
        """
        Indices in parts, to be switched on one after the other.

        Args:
            indices: of CPEs.
            most: in a part; a CPE that has a record is alone.
        """
        first = indices.start
        for index in chain(filter(self._stored.__contains__, indices), (indices.stop,)):
            for start in range(first, index, most):
                yield range(start, min(start + most, index))
            if index < indices.stop:
                yield range(index, index + 1)
            first = index + 1

    def take_up(self, index: int, shard: Shard, results: Results, *, is_running: bool) -> bool:
        """
        Switch on a CPE with what it had before.

        Args:
            index: of the CPE.
            shard: which it is of.
            results: count it.
            is_running: as for ``Shard.take_up``.

        Returns:
            whether it had anything that can be read; else it has no power yet.
        """
        stored = self._stored.pop(index, None)
        if stored is None:
            return False
        try:
            state = PersistentState.from_bytes(stored.record)
        except StateError as error:
            self._warn(shard.context.serial_number(index), error)
            results.count("state.unreadable")
            return False
        shard.take_up(index, state, acs_is_new=stored.acs_is_new, is_running=is_running)
        results.count("state.taken_up")
        return True

    def _warn(self, serial_number: str, error: StateError) -> None:
        if not self._has_warned:
            _log.error("%s starts from the factory: %s", serial_number, error)
        self._has_warned = True
