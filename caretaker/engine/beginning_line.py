"""The sessions that are to begin soon: as many in a turn of the loop as it has time for."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

import gevent

from caretaker.engine.active_session import ActiveSession
from caretaker.engine.timer import Timer

BEGIN_SECONDS = 0.005
"""Of one turn of the loop, to begin sessions; the others begin in the next turn."""


class BeginningLine:
    """
    Begins sessions in the order in which they were added.

    Args:
        clock: seconds, going forward.
        begin: begins a session; called in the loop itself.
        begun: called after those of a turn.
    """

    def __init__(
        self,
        clock: Callable[[], float],
        begin: Callable[[ActiveSession], None],
        begun: Callable[[], None],
    ) -> None:
        self._clock = clock
        self._begin = begin
        self._begun = begun
        self._sessions: deque[ActiveSession] = deque()
        self._has_turn = False
        """Whether a turn is to come."""
        self._next_turn = Timer(clock, self._turn)

    def __len__(self) -> int:
        """How many are to begin."""
        return len(self._sessions)

    def add(self, active: ActiveSession) -> None:
        """Have a session begin, after all that are in the line."""
        self._sessions.append(active)
        if not self._has_turn:
            # Not at once: the answer to a Connection Request comes before its session.
            self._has_turn = True
            gevent.get_hub().loop.run_callback(self._turn)

    def stop(self) -> None:
        """Set no turn any more for those that are left."""
        self._next_turn.stop()

    def _turn(self) -> None:
        until = time.perf_counter() + BEGIN_SECONDS
        while self._sessions:
            self._begin(self._sessions.popleft())
            if self._sessions and time.perf_counter() >= until:
                self._next_turn.set(self._clock())
                break
        else:
            self._has_turn = False
        self._begun()
