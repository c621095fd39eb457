"""
The CPEs that rest, as rows of typed columns.

A row has the number of what the CPE has in common with others, four times, and its own values as
bytes: some 45 bytes, and some 85 more for credentials of its own.
"""

from __future__ import annotations

from array import array
from collections.abc import Sequence
from math import inf

from caretaker.device.context import FleetContext
from caretaker.device.cpe import CPE
from caretaker.device.resting_state import CommonState, OwnTimes, common_state, own_values, restore
from caretaker.engine.resting_sessions import PeriodicSessions, are_periodic
from caretaker.engine.shared_states import SharedStates
from caretaker.http.credentials import Credentials

SHIFT = 10
CHUNK = 1 << SHIFT
"""Neighbouring indices whose rows are in one chunk."""
_MASK = CHUNK - 1
_NO_NUMBERS = array("H", bytes(2 * CHUNK))
_NO_TIMES = array("d", bytes(8 * CHUNK))
_NEVER = array("d", [inf]) * CHUNK


class _Chunk:
    """The rows of neighbouring indices; number 0: there is no row."""

    __slots__ = ("booted_at", "due", "ended_at", "numbers", "periodic_due", "rows", "values")

    def __init__(self) -> None:
        self.rows = 0
        """How many there are."""
        self.numbers = array("H", _NO_NUMBERS)
        self.due = array("d", _NEVER)
        """``inf`` where there is no row, too."""
        self.periodic_due = array("d", _NO_TIMES)
        self.booted_at = array("d", _NO_TIMES)
        self.ended_at = array("d", _NO_TIMES)
        self.values: list[bytes] | None = None
        """None while no CPE here has values of its own."""


class NeighbouringRows:
    """
    Rows for neighbouring CPEs, in columns.

    Args:
        indices: of the CPEs.
    """

    __slots__ = ("due", "indices", "numbers", "periodic_due")

    def __init__(self, indices: range) -> None:
        self.indices = indices
        self.numbers = [0] * len(indices)
        """As in the chunks: 0 where there is no row."""
        self.due = [inf] * len(indices)
        self.periodic_due = [0.0] * len(indices)

    def put(
        self, own: Sequence[int], number: int, due: list[float], periodic_due: list[float]
    ) -> None:
        """Have rows for some of the CPEs."""
        if len(own) == len(self.indices):
            self.numbers, self.due, self.periodic_due = [number] * len(own), due, periodic_due
            return
        first = self.indices.start
        for index, at, periodic_at in zip(own, due, periodic_due, strict=True):
            self.numbers[index - first] = number
            self.due[index - first] = at
            self.periodic_due[index - first] = periodic_at


class PeriodicRow:
    """
    The row of a CPE that has a session for its period alone; for as long as it stays a row.

    Args:
        index: of the CPE.
        chunk: that has it.
        sessions: of CPEs that rest so.
    """

    __slots__ = ("_at", "_chunk", "index", "sessions")

    def __init__(self, index: int, chunk: _Chunk, sessions: PeriodicSessions) -> None:
        self.index = index
        self.sessions = sessions
        self._chunk = chunk
        self._at = index & _MASK

    def begin(self) -> float:
        """Be due at no time from now on; when the last session of the CPE was over."""
        self._chunk.due[self._at] = inf
        return self._chunk.ended_at[self._at]

    def likeness(self) -> CPE:
        """A CPE to read from, as this one in its session; the next call for any row changes it."""
        booted_at = self._chunk.booted_at[self._at]
        values = self._values() if self.sessions.reads_values else b""  # they are far in memory
        return self.sessions.likeness(self.index, booted_at, values)

    def _values(self) -> bytes:
        """Those of the CPE's own, packed."""
        values = self._chunk.values
        return b"" if values is None else values[self._at]

    def credentials(self, now: float) -> Credentials:
        """Those of the CPE, for challenges of its ACS."""
        booted_at = self._chunk.booted_at[self._at]
        return self.sessions.credentials(self.index, booted_at, self._values(), now)

    def whole_likeness(self) -> CPE:
        """As ``likeness``, with all values of its own."""
        booted_at = self._chunk.booted_at[self._at]
        return self.sessions.whole_likeness(self.index, booted_at, self._values())

    def end(self, began: float, now: float) -> float:
        """Take the end of the session, which has succeeded; when the CPE is due again."""
        chunk, at = self._chunk, self._at
        due = self.sessions.end(chunk.periodic_due[at], began)
        chunk.due[at] = chunk.periodic_due[at] = due
        chunk.ended_at[at] = now
        return due


class RestingCPEs:
    """
    The rows of CPEs that rest, by index.

    Args:
        context: what the CPEs share.
    """

    def __init__(self, context: FleetContext) -> None:
        self.states = SharedStates()
        self._context = context
        self._chunks: dict[int, _Chunk] = {}
        self._periodic: dict[int, tuple[CommonState, PeriodicSessions | None]] = {}
        """The sessions of those with the state of a number; None: they need an object."""

    def __contains__(self, index: int) -> bool:
        """Whether the CPE of an index rests."""
        chunk = self._chunks.get(index >> SHIFT)
        return chunk is not None and chunk.numbers[index & _MASK] != 0

    def due_of(self, index: int) -> float:
        """When a CPE is due; ``inf`` if it does not rest."""
        chunk = self._chunks.get(index >> SHIFT)
        return inf if chunk is None else chunk.due[index & _MASK]

    def up_from(self, index: int) -> float:
        """From when a CPE has power and is up; ``inf`` if it is off, or does not rest."""
        chunk, at = self._chunks.get(index >> SHIFT), index & _MASK
        number = 0 if chunk is None else chunk.numbers[at]
        if chunk is None or not number:
            return inf
        _, state = self.states.state(number)
        if not state.powered:
            return inf
        return chunk.booted_at[at] if state.down_until_boot else 0.0

    def put(self, cpe: CPE) -> bool:
        """Make a CPE a row; False if it does not rest, and must stay an object."""
        state = common_state(cpe)
        values = own_values(cpe) if state is not None else None
        if state is None or values is None:
            return False
        number = self.states.take(cpe.profile, state)
        if not number:
            return False
        self._write(cpe, number, values)
        return True

    def _write(self, cpe: CPE, number: int, values: bytes) -> None:
        chunk, at = self._chunk(cpe.index), cpe.index & _MASK
        chunk.rows += 1
        chunk.numbers[at] = number
        chunk.due[at] = cpe.due
        chunk.periodic_due[at] = cpe.periodic_due
        chunk.booted_at[at] = cpe.booted_at
        chunk.ended_at[at] = cpe.ended_at
        if chunk.values is not None:
            chunk.values[at] = values
        elif values:
            chunk.values = [b""] * CHUNK
            chunk.values[at] = values

    def _chunk(self, index: int) -> _Chunk:
        chunk = self._chunks.get(index >> SHIFT)
        if chunk is None:
            chunk = self._chunks[index >> SHIFT] = _Chunk()
        return chunk

    def fill(self, rows: NeighbouringRows, booted_at: float) -> None:
        """Have rows for neighbouring CPEs that had none, a chunk at a time."""
        numbers = array("H", rows.numbers)
        if 0 in numbers:
            self._fill_some(rows, booted_at)
            return
        due, periodic_due = array("d", rows.due), array("d", rows.periodic_due)
        first, start, end = rows.indices.start, rows.indices.start, rows.indices.stop
        while start < end:
            stop = min(end, (start | _MASK) + 1)
            chunk, own, count = self._chunk(start), slice(start - first, stop - first), stop - start
            at = slice(start & _MASK, (start & _MASK) + count)
            chunk.rows += count
            chunk.numbers[at] = numbers[own]
            chunk.due[at] = due[own]
            chunk.periodic_due[at] = periodic_due[own]
            chunk.booted_at[at] = array("d", (booted_at,)) * count
            chunk.ended_at[at] = array("d", (-inf,)) * count
            start = stop

    def _fill_some(self, rows: NeighbouringRows, booted_at: float) -> None:
        """As ``fill``, where CPEs between them are objects, or may have become rows since."""
        for place, number in enumerate(rows.numbers):
            if number:
                index = rows.indices[place]
                chunk, at = self._chunk(index), index & _MASK
                chunk.rows += 1
                chunk.numbers[at] = number
                chunk.due[at], chunk.periodic_due[at] = rows.due[place], rows.periodic_due[place]
                chunk.booted_at[at], chunk.ended_at[at] = booted_at, -inf

    def take(self, index: int) -> CPE | None:
        """The CPE of a row, which is gone then; None if there is none."""
        chunk, at = self._chunks.get(index >> SHIFT), index & _MASK
        number = 0 if chunk is None else chunk.numbers[at]
        if chunk is None or not number:
            return None
        profile, state = self.states.state(number)
        cpe = CPE(index, profile, self._context)
        fields = chunk.due[at], chunk.periodic_due[at], chunk.booted_at[at], chunk.ended_at[at]
        times = tuple.__new__(OwnTimes, fields)
        values = b""
        if chunk.values is not None:
            values, chunk.values[at] = chunk.values[at], b""
        restore(cpe, state, times, values)
        chunk.numbers[at], chunk.due[at] = 0, inf
        chunk.rows -= 1
        self.states.drop(number)
        return cpe

    # Sessions of rows.

    def periodic_row(self, index: int, now: float) -> PeriodicRow | None:
        """The row of a CPE whose session now is for its period alone; None of any other one."""
        chunk, at = self._chunks.get(index >> SHIFT), index & _MASK
        number = 0 if chunk is None else chunk.numbers[at]
        if chunk is None or not number:
            return None
        sessions = self._sessions(number)
        if sessions is None:
            return None
        if not sessions.may_begin(chunk.periodic_due[at], chunk.booted_at[at], now):
            return None
        return PeriodicRow(index, chunk, sessions)

    def _sessions(self, number: int) -> PeriodicSessions | None:
        profile, state = self.states.state(number)
        known = self._periodic.get(number)
        if known is not None and known[0] is state:
            return known[1]
        is_periodic = are_periodic(state, self._context)
        sessions = PeriodicSessions(profile, state, self._context) if is_periodic else None
        self._periodic[number] = state, sessions  # in place of another state of the number
        return sessions

    def trim(self, index: int) -> None:
        """Free the chunk of an index if it is empty."""
        chunk = self._chunks.get(index >> SHIFT)
        if chunk is not None and not chunk.rows:
            del self._chunks[index >> SHIFT]

    def clear(self) -> None:
        """Forget all rows."""
        self._chunks.clear()
        self._periodic.clear()
        self.states = SharedStates()
