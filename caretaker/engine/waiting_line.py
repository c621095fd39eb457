"""
The CPEs that wait for a place, in order: columns in lots, as a million may wait.

A dict of them would take ten times the memory, and tens of milliseconds whenever it grows.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Iterator
from itertools import compress

_SHIFT = 10
_CHUNK = 1 << _SHIFT
"""Neighbouring indices whose places in the line are in one array; and places of a lot."""
_MASK = _CHUNK - 1
_NO_PLACES = array("Q", bytes(8 * _CHUNK))
_GONE = -1
"""Instead of an index: who waited here has left the line."""


class _Lot:
    """Neighbouring places of the line."""

    __slots__ = ("indices", "planned", "since")

    def __init__(self) -> None:
        self.indices = array("q")
        self.planned = array("d")
        self.since = array("d")


class WaitingLine:
    """CPEs by index, first come first served."""

    def __init__(self) -> None:
        self._count = 0
        self._lots: deque[_Lot] = deque()
        self._first = 0
        """The place of the first in the line, or of one who has left it."""
        self._end = 0
        """The place of the next to come."""
        self._places: dict[int, array[int]] = {}
        """One more than the place of a CPE, by its index; 0: it does not wait."""

    def __len__(self) -> int:
        """How many wait."""
        return self._count

    def __contains__(self, index: object) -> bool:
        """Whether the CPE of an index waits."""
        return isinstance(index, int) and self._place(index) != 0

    def __iter__(self) -> Iterator[int]:
        """The indices of those that wait, in order."""
        return (index for indices, _ in self.lots() for index in indices)

    def lots(self) -> Iterator[tuple[list[int], list[float]]]:
        """Those that wait, in order and in lots, with the times at which they were due."""
        for lot in self._lots:
            wait = [index != _GONE for index in lot.indices]
            yield list(compress(lot.indices, wait)), list(compress(lot.planned, wait))

    def _place(self, index: int) -> int:
        places = self._places.get(index >> _SHIFT)
        return 0 if places is None else places[index & _MASK]

    def add(self, index: int, planned: float, since: float) -> None:
        """Have a CPE wait that was due at a time, since another; unless it waits already."""
        places = self._places.get(index >> _SHIFT)
        if places is None:
            places = self._places[index >> _SHIFT] = array("Q", _NO_PLACES)
        elif places[index & _MASK]:
            return
        if not self._end & _MASK:
            self._lots.append(_Lot())
        lot = self._lots[-1]
        lot.indices.append(index)
        lot.planned.append(planned)
        lot.since.append(since)
        self._end += 1
        places[index & _MASK] = self._end
        self._count += 1

    def discard(self, index: int) -> None:
        """Have a CPE wait no more, if it does."""
        place = self._place(index) - 1
        if place >= 0:
            lot = self._lots[(place >> _SHIFT) - (self._first >> _SHIFT)]
            lot.indices[place & _MASK] = _GONE
            self._leave(index)

    def pop(self) -> tuple[int, float, float]:
        """
        Take out the first: its index, when it was due, and since when it waits.

        Raises:
            IndexError: nobody waits.
        """
        index = _GONE
        while index == _GONE:
            lot, at = self._lots[0], self._first & _MASK
            index, lot.indices[at] = lot.indices[at], _GONE
            self._first += 1
            if not self._first & _MASK:
                self._lots.popleft()
        self._leave(index)
        return index, lot.planned[at], lot.since[at]

    def _leave(self, index: int) -> None:
        self._places[index >> _SHIFT][index & _MASK] = 0
        self._count -= 1
        if not self._count:
            self.clear()

    def clear(self) -> None:
        """Nobody waits any more."""
        self._count = self._first = self._end = 0
        self._lots.clear()
        self._places.clear()
