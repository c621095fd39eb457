"""
When which CPE is due: a calendar of seconds, and a heap for the second that has begun.

Of a CPE that is due in a later second only the second is kept here, in an array of indices. The
exact time is looked up when that second begins, of so many CPEs in a turn of the loop. So a due
time costs some twelve bytes, and nothing is compared before its second. CPEs that were looked up
together are sorted, and the heap only has the first of them.
"""

from __future__ import annotations

from array import array
from collections import deque
from collections.abc import Callable, Sequence
from heapq import heappop, heappush, heapreplace
from math import inf

NOBODY = -1
"""Instead of an index: no CPE is due."""
_SHIFT = 10
_CHUNK = 1 << _SHIFT
"""Neighbouring indices whose marks are in one array."""
_NO_MARKS = array("I", bytes(4 * _CHUNK))
_LAST = (1 << 32) - 2
"""The last second that a mark has room for; what is due later is kept for that second."""
AT_ONCE = 1000
"""CPEs whose due times are looked up in one step."""
_Entry = tuple[float, int, list[tuple[float, int]]]
"""When a CPE is due, its index, and those that were looked up with it and are due later."""
_FEW = 16
"""Entries of a second that do not count and are not worth a look."""


class _Second:
    """
    The CPEs that are due in one second.

    ``indices`` may have entries that do not count any more; ``valid`` is how many do.
    """

    __slots__ = ("indices", "valid")

    def __init__(self) -> None:
        self.indices = array("q")
        self.valid = 0


class DueTimes:
    """
    Keeps when CPEs are due, and gives those that are, earliest first.

    Of the seconds to come one entry counts for a CPE, the earliest. A later due time is only looked
    up when that entry comes up, by the caller. In its second a CPE may come up more than once.

    Args:
        dues_of: when the CPEs of these indices are due at present; ``inf``: at no time.
    """

    def __init__(self, dues_of: Callable[[Sequence[int]], list[float]]) -> None:
        self._dues_of = dues_of
        self._begun = -1
        """The last second that has begun."""
        self._beginning = array("q")
        """The entries of that second; their due times are looked up as far as ``_looked_up``."""
        self._looked_up = 0
        self._taken_back: deque[Sequence[int]] = deque()
        """Lots of CPEs of ``take_back``, whose due times are to be looked up."""
        self._near: list[_Entry] = []
        """A heap of the due times in seconds that have begun."""
        self._near_due: dict[int, float] = {}
        """The earliest of these for a CPE that was added in its second, until it comes up."""
        self._seconds: dict[int, _Second] = {}
        self._order: list[int] = []
        """A heap of the seconds, and of some that are gone."""
        self._marks: dict[int, array[int]] = {}
        """One more than the second that counts for a CPE, by its index; 0: none does."""

    def __len__(self) -> int:
        """How many entries there are, with those that do not count."""
        later = sum(len(each.indices) for each in self._seconds.values())
        near = sum(1 + len(rest) for _, _, rest in self._near)
        taken_back = sum(map(len, self._taken_back))
        return near + len(self._beginning) - self._looked_up + later + taken_back

    @property
    def next(self) -> float:
        """When ``pop`` may have something to give; ``inf``: at no time."""
        if self._taken_back or self._looked_up < len(self._beginning):
            return float(self._begun)
        if self._near:
            return self._near[0][0]
        order = self._order
        while order and order[0] not in self._seconds:
            heappop(order)
        return float(order[0]) if order else inf

    def clear(self) -> None:
        """Forget all due times."""
        self._beginning, self._looked_up = array("q"), 0
        self._taken_back.clear()
        self._near.clear()
        self._near_due.clear()
        self._seconds.clear()
        self._order.clear()
        self._marks.clear()

    def add(self, index: int, due: float) -> None:
        """Have a CPE come up at a time, unless it comes up earlier anyway."""
        if due == inf:
            return
        second = min(max(0, int(due)), _LAST)
        if second <= self._begun:
            if due < self._near_due.get(index, inf):
                self._near_due[index] = due
                heappush(self._near, (due, index, []))
            return
        marks = self._marks.get(index >> _SHIFT)
        if marks is None:
            marks = self._marks[index >> _SHIFT] = array("I", _NO_MARKS)
        mark = marks[index & (_CHUNK - 1)]
        if mark == 0 or second < mark - 1:
            marks[index & (_CHUNK - 1)] = second + 1
            self._enter(second, index)
            if mark:
                self._leave(mark - 1)

    def take_back(self, indices: Sequence[int]) -> None:
        """
        Have CPEs come up again that ``pop`` has given, some thousand at most.

        It is one step for all of them: their due times are looked up when others are popped.
        """
        self._taken_back.append(indices)

    def _enter(self, second: int, index: int) -> None:
        entry = self._seconds.get(second)
        if entry is None:
            entry = self._seconds[second] = _Second()
            heappush(self._order, second)
        entry.indices.append(index)
        entry.valid += 1

    def _leave(self, second: int) -> None:
        """Note that an entry of a second does not count any more."""
        entry = self._seconds[second]
        entry.valid -= 1
        if not entry.valid:
            del self._seconds[second]
            if len(self._order) > 2 * len(self._seconds) + _FEW:
                self._order = sorted(self._seconds)
        elif len(entry.indices) > 2 * entry.valid + _FEW:
            entry.indices = array("q", sorted(self._counting(second, entry)))

    def _counting(self, second: int, entry: _Second) -> set[int]:
        """The CPEs for which an entry of this second counts."""
        mask, mark = _CHUNK - 1, second + 1
        marks = self._marks
        return {index for index in entry.indices if marks[index >> _SHIFT][index & mask] == mark}

    def pop(self, now: float) -> int:
        """
        Take out a CPE that has come up by now, the earliest; ``NOBODY`` if there is none.

        It may not be due: its due time may be later now, or it may be gone. After ``NOBODY`` there
        may be more by ``next``, when very many come up in one second.
        """
        left = AT_ONCE
        while left > 0:
            if self._taken_back:
                lot = self._taken_back.popleft()
                self._keep_near(lot)
                left -= len(lot)
            elif self._looked_up < len(self._beginning):
                left -= self._look_up()
            index = self._pop_near(now)
            if index != NOBODY:
                return index
            if not self._taken_back and self._looked_up == len(self._beginning):
                if self.next > now:
                    return NOBODY
                self._begin(self._order[0])
        return NOBODY

    def _pop_near(self, now: float) -> int:
        near = self._near
        if not near or near[0][0] > now:
            return NOBODY
        _, index, rest = near[0]
        if rest:
            following, another = rest.pop()
            heapreplace(near, (following, another, rest))
        else:
            heappop(near)
        if self._near_due:
            self._near_due.pop(index, None)
        return index

    def _begin(self, second: int) -> None:
        heappop(self._order)
        self._begun = second
        self._beginning, self._looked_up = self._seconds.pop(second).indices, 0

    def _look_up(self) -> int:
        """Look up the due times of some CPEs of the second that has begun; of how many."""
        start = self._looked_up
        self._looked_up = min(start + AT_ONCE, len(self._beginning))
        self._keep_near(self._take_marked(self._beginning[start : self._looked_up]))
        return self._looked_up - start

    def _keep_near(self, indices: Sequence[int]) -> None:
        """Look up the due times of CPEs, and keep those in seconds that have begun."""
        end, run = float(self._begun + 1), list[tuple[float, int]]()
        for index, due in zip(indices, self._dues_of(indices), strict=True):
            if due >= end:
                self.add(index, due)
            else:
                run.append((due, index))
        if run:
            run.sort(reverse=True)
            due, index = run.pop()
            heappush(self._near, (due, index, run))

    def _take_marked(self, indices: array[int]) -> list[int]:
        """Those of these CPEs for which an entry of the second that has begun counts."""
        mask, mark, taken = _CHUNK - 1, self._begun + 1, list[int]()
        for index in indices:
            marks = self._marks[index >> _SHIFT]
            if marks[index & mask] == mark:
                marks[index & mask] = 0
                taken.append(index)
        return taken
