"""
The CPEs of a process by index: objects while something happens to them, rows while they rest.

A CPE becomes an object when it is asked for. It is the same object for everyone for as long as
anybody else has a reference to it. Then it becomes a row again, soon, unless it has what does not
fit into a row. In a small fleet it stays an object until a session of it was plain, so that the
next one may need no object; a row would save little memory, and any other session would make one.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Iterator, Sequence
from math import inf
from sys import getrefcount
from typing import Protocol

from caretaker.device.context import FleetContext
from caretaker.device.cpe import CPE
from caretaker.device.events import Events
from caretaker.device.resting_state import CommonState
from caretaker.engine.resting_cpes import NeighbouringRows, PeriodicRow, RestingCPEs
from caretaker.index_set import IndexSet, Ranges
from caretaker.profiles.profile import Profile

SPARE = 256
"""Objects that are kept although they could be rows: the youngest."""
SMALL_FLEET = 16_384
"""Of a fleet with no more CPEs than this, all objects are kept."""
_LOOKS = 2
"""Objects that are looked at for each new one, so that they become fewer again."""
_OWN_REFERENCES = 2
"""References to an object that nobody else has: of the store, and of the call that counts."""


class RestingSession(Protocol):
    """A session of a CPE that is a row."""

    began: float
    """When it has begun."""

    def take_cpe(self, cpe: CPE) -> None:
        """Go on with the CPE as an object, in the session."""


class CPEStore:
    """
    The CPEs of a process by index, nearly as a dict of them.

    Args:
        context: what the CPEs share.
    """

    def __init__(self, context: FleetContext) -> None:
        self._held = IndexSet()
        self._objects: dict[int, CPE] = {}
        self._queue: deque[int] = deque()
        """
        The indices of ``_objects``, in the order to look at them, and of some that are gone, or
        came again; never twice as many as there are objects, and some more.
        """
        self._plain: deque[int] = deque()
        """Those of which a session was plain of late."""
        self._resting = RestingCPEs(context)
        self._sessions: dict[int, RestingSession] = {}
        """The sessions of rows, by the index of their CPE."""

    def __len__(self) -> int:
        """How many CPEs there are."""
        return len(self._held)

    def __iter__(self) -> Iterator[int]:
        """The indices of all CPEs, lowest first."""
        return iter(self._held)

    def __contains__(self, index: object) -> bool:
        """Whether there is a CPE of this index."""
        return index in self._objects or (isinstance(index, int) and index in self._resting)

    @property
    def ranges(self) -> Ranges:
        """The indices of all CPEs as ranges, lowest first."""
        return self._held.ranges

    def get(self, index: int) -> CPE | None:
        """The CPE of an index; None if there is none."""
        cpe = self._objects.get(index)
        if cpe is None:
            cpe = self._resting.take(index)
            if cpe is not None:
                self._keep(cpe)
                if index in self._sessions:
                    self._open_session(cpe)
        return cpe

    def _open_session(self, cpe: CPE) -> None:
        """Have an object go on with the session that its row has begun."""
        session = self._sessions.pop(cpe.index)
        cpe.open_session(session.began)
        session.take_cpe(cpe)

    def __getitem__(self, index: int) -> CPE:
        """The CPE of an index; KeyError if there is none."""
        cpe = self.get(index)
        if cpe is None:
            raise KeyError(index)
        return cpe

    def values(self) -> Iterator[CPE]:
        """All CPEs; who keeps them all makes an object of each."""
        for index in self:
            cpe = self.get(index)
            if cpe is not None:
                yield cpe

    def due_of(self, index: int) -> float:
        """When a CPE is due; ``inf``: at no time, or there is none. It makes no object."""
        cpe = self._objects.get(index)
        return self._resting.due_of(index) if cpe is None else cpe.due

    def up_from(self, index: int) -> float:
        """From when a CPE has power and is up; ``inf``: it is off, or there is none. As above."""
        cpe = self._objects.get(index)
        if cpe is None:
            return self._resting.up_from(index)
        return cpe.down_until if cpe.powered else inf

    def dues_of(self, indices: Sequence[int]) -> list[float]:
        """``due_of`` for many CPEs."""
        return [self.due_of(index) for index in indices]

    def add(self, cpe: CPE) -> None:
        """Take a CPE in; it is in the place of one of the same index."""
        self.pop(cpe.index)
        self._held.add(cpe.index, cpe.index + 1)
        self._keep(cpe)

    def hold(self, indices: range) -> bool:
        """
        Count neighbouring CPEs that are about to be taken in, by ``fill`` or ``add``.

        Returns:
            whether all of them are new; else they must be added one by one.
        """
        before = len(self._held)
        self._held.add(indices.start, indices.stop)
        return len(self._held) - before == len(indices)

    def number_of(self, profile: Profile, state: CommonState, count: int) -> int:
        """The number that so many rows are to have which rest so; 0: they must be added."""
        return self._resting.states.take(profile, state, count) if count else 0

    def fill(self, rows: NeighbouringRows, booted_at: float) -> None:
        """Take in CPEs that rest, as rows with numbers of ``number_of``; the others are added."""
        self._resting.fill(rows, booted_at)

    def pop(self, index: int) -> CPE | None:
        """Take a CPE out; None if there is none."""
        cpe = self.get(index)
        if cpe is not None:
            del self._objects[index]
            self._resting.trim(index)
            self._held.discard(index, index + 1)
        return cpe

    def clear(self) -> None:
        """Forget all CPEs."""
        self._held = IndexSet()
        self._objects.clear()
        self._queue.clear()
        self._plain.clear()
        self._resting.clear()
        self._sessions.clear()

    # Sessions of rows.

    def periodic_row(self, index: int, now: float) -> PeriodicRow | None:
        """The row of a CPE whose session now is for its period alone; None of any other one."""
        return None if index in self._objects else self._resting.periodic_row(index, now)

    def begin_session(self, row: PeriodicRow, session: RestingSession) -> float:
        """Have a row in its session; when its last session was over."""
        self._sessions[row.index] = session
        return row.begin()

    def end_session(self, row: PeriodicRow, now: float) -> float:
        """Take the end of the session of a row, which has succeeded; when it is due again."""
        return row.end(self._sessions.pop(row.index).began, now)

    def _keep(self, cpe: CPE) -> None:
        """Keep an object, and make rows of older ones."""
        self._objects[cpe.index] = cpe
        self._queue.append(cpe.index)
        if len(self._queue) > 2 * len(self._objects) + SPARE:
            self._queue = deque(self._objects)
        spare = SPARE if len(self._held) > SMALL_FLEET else SMALL_FLEET
        for _ in range(_LOOKS):
            if len(self._queue) > spare:
                self._look()

    def rest_soon(self, index: int) -> None:
        """Make the object of a CPE a row whose session was plain, in a small fleet, too."""
        self._plain.append(index)
        if len(self._plain) > SPARE:
            self._rest(self._plain.popleft())

    def _look(self) -> None:
        """Make the object that was not looked at for the longest time a row, if it can be one."""
        index = self._queue.popleft()
        if index in self._objects and not self._rest(index):
            self._queue.append(index)

    def _rest(self, index: int) -> bool:
        """Make an object a row, if it rests and nobody else has a reference to it."""
        if index not in self._objects:
            return False
        is_own = getrefcount(self._objects[index]) == _OWN_REFERENCES
        if is_own and self._resting.put(self._objects[index]):
            del self._objects[index]
            return True
        return False

    # The books.

    def pending(self) -> Iterator[tuple[Events, int]]:
        """Events that are pending, and of how many CPEs; it costs no look at those that rest."""
        for count, state in self._resting.states:
            if state.events:
                yield state.events, count
        for cpe in self._objects.values():
            if cpe.pending:
                yield cpe.pending, 1

    @property
    def objects(self) -> list[CPE]:
        """The CPEs that are objects; the others have no transfer and are in no session."""
        return list(self._objects.values())
