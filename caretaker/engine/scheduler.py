"""
Which session runs when: due times, and a queue for those beyond ``max_sessions``.

An idle CPE is its state and a due time. When the CPE is due, or a Connection Request makes it so,
the I/O engine carries its session, or a greenlet runs it and ends with it (decision D2). The
session owns the CPE meanwhile; the Connection Request server only adds an event and moves the due
time, without yielding. So there are no locks.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from math import inf
from typing import Protocol

import gevent
import gevent.event

from caretaker.cwmp.outcome import SUCCEEDED, Outcome
from caretaker.device.cpe import CPE
from caretaker.engine.active_session import ActiveSession
from caretaker.engine.cpe_store import CPEStore
from caretaker.engine.due_times import NOBODY, DueTimes
from caretaker.engine.resting_cpes import PeriodicRow
from caretaker.engine.session_runner import SessionRunner
from caretaker.engine.timer import Timer
from caretaker.engine.waiting_line import WaitingLine
from caretaker.errors import Blame
from caretaker.stats.timeline import Timeline

LONGEST_TURN = 0.005
"""Seconds for which sessions are launched in one turn of the loop."""


class Carrier(Protocol):
    """What carries sessions without greenlets: the I/O engine."""

    def takes(self, active: ActiveSession) -> bool:
        """Take a session that has begun; False if it is for a greenlet. Does not wait."""

    def catch_up(self, active: ActiveSession) -> None:
        """Take up what has happened in a session so far."""

    def drop(self, active: ActiveSession) -> None:
        """Leave a session where it is: nothing more is sent in it, or heard of it."""


class Scheduler:
    """
    Launches the session of each CPE that is due. All of it runs in one gevent loop.

    Args:
        cpes: the CPEs by index; others add CPEs and take them out.
        runner: runs a session.
        timeline: counts the sessions that were planned.
        clock: seconds, going forward.
        max_sessions: how many run at once, to protect this machine; further ones wait for a
            place, in order.
    """

    def __init__(
        self,
        cpes: CPEStore,
        runner: SessionRunner,
        timeline: Timeline,
        clock: Callable[[], float],
        max_sessions: int,
    ) -> None:
        self.active: dict[int, ActiveSession] = {}
        """The sessions that run, by the index of their CPE."""
        self.waiting = WaitingLine()
        """The CPEs that wait for a place."""
        self._not_begun = 0
        """How many still waited for a place when no more sessions were launched."""
        self._cpes = cpes
        self._runner = runner
        self._timeline = timeline
        self._clock = clock
        self._max_sessions = max_sessions
        self._due_times = DueTimes(cpes.dues_of)
        self.carrier: Carrier | None = None
        """Carries sessions; None: greenlets run them all."""
        self._idle = gevent.event.Event()
        self._idle.set()
        self._started = False
        self._timer = Timer(clock, self.launch_due)

    # Due times.

    def start(self) -> None:
        """Begin to launch sessions."""
        self._started = True
        self.launch_due()

    def stop(self) -> None:
        """Launch no more sessions; those that run go on, and those that wait stay due."""
        self._started = False
        self._timer.stop()
        self._not_begun += len(self.waiting)
        for indices, planned in self.waiting.lots():
            self._timeline.planned_together(planned)
            self._due_times.take_back(indices)
        self.waiting.clear()

    def suspend(self, reason: str) -> None:
        """
        End all sessions now and launch no more until ``start``; CPEs keep what is due.

        It is called in the loop itself and does not wait: after a freeze of this process, no
        session may go on with what has come for it meanwhile.

        Args:
            reason: why the sessions fail, as a limit of the generator.
        """
        self._started = False
        self._timer.stop()
        for indices, _ in self.waiting.lots():
            self._due_times.take_back(indices)
        self.waiting.clear()
        for active in list(self.active.values()):
            active.fail(reason, Blame.GENERATOR)
            self._drop(active)
            if active.greenlet is not None:
                active.greenlet.throw(gevent.GreenletExit)
            is_running = active.greenlet is not None and not active.greenlet.dead
            if not is_running:  # it is carried, or its greenlet had not begun
                gevent.spawn(self._end_unless_over, active)

    def clear(self) -> None:
        """Forget all due times."""
        self._due_times.clear()

    def schedule(self, cpe: CPE) -> None:
        """
        Keep the due time of a CPE; launch its session if it is due now.

        A CPE comes up at its earliest due time that was kept, and a later one is only looked up
        then. So hardly more is kept when an ACS has a CPE inform ever earlier.
        """
        due = cpe.due
        if self._started and due <= self._clock():
            self._launch(cpe)
        else:
            self._due_times.add(cpe.index, due)
            if self._started:
                self._timer.set(due)

    def schedule_all(self, indices: Sequence[int], due: Sequence[float]) -> None:
        """As ``schedule``, for CPEs that are rows."""
        for index, at in zip(indices, due, strict=True):
            self._due_times.add(index, at)
        self.launch_due()

    def launch_due(self) -> None:
        """
        Launch what is due, and set the timer to what is due next. Does not wait.

        When many are due at once, the rest has its turn after all else in the loop.
        """
        if not self._started:
            return
        due_times, now = self._due_times, self._clock()
        end = now + LONGEST_TURN
        while (index := due_times.pop(now)) != NOBODY:
            self._come_up(index, now)
            if self._clock() > end:
                break
        self._timer.set(due_times.next)

    def _come_up(self, index: int, now: float) -> None:
        """Launch the session of a CPE, if it is due; an object is only made of who has a place."""
        due = self._cpes.due_of(index)
        if due > now:
            self._due_times.add(index, due)
        elif self._is_full:
            self._wait(index, due, now)
        else:
            self._take_turn(self._begin_at(index, due, inf))

    # Places.

    @property
    def not_begun(self) -> int:
        """How many CPEs wait for a place, or did when no more sessions were launched."""
        return self._not_begun + len(self.waiting)

    @property
    def _is_full(self) -> bool:
        """Whether there is no place. Who waits goes first: else a CPE could keep its place."""
        return len(self.active) >= self._max_sessions or bool(self.waiting)

    def _wait(self, index: int, due: float, now: float) -> None:
        self.waiting.add(index, due, now)

    def _launch(self, cpe: CPE) -> None:
        if self._is_full:
            self._wait(cpe.index, cpe.due, self._clock())
            return
        self._take_turn(self._begin(cpe, cpe.due, inf))

    def _take_turn(self, active: ActiveSession | None) -> None:
        """Have a session that has begun, if it has, carried or run."""
        if active is not None and not self._is_carried(active):
            active.greenlet = gevent.spawn(self._run, active)

    def _is_carried(self, active: ActiveSession) -> bool:
        return self.carrier is not None and self.carrier.takes(active)

    def _begin_at(self, index: int, planned: float, queued: float) -> ActiveSession | None:
        """As ``_begin``, of the CPE of an index; if it rests, without an object if that will do."""
        if self.carrier is not None:
            active = self._runner.begin_resting(self._cpes, index, planned, queued)
            if active is not None:
                return self._begun(active, planned)
        return self._begin(self._cpes[index], planned, queued)

    def _begin(self, cpe: CPE, planned: float, queued: float) -> ActiveSession | None:
        """The session that begins now; None when nothing asks for one any more."""
        active = self._runner.begin(cpe, planned, queued)
        if active is None:
            self.schedule(cpe)
            return None
        return self._begun(active, planned)

    def _begun(self, active: ActiveSession, planned: float) -> ActiveSession:
        self._timeline.planned(planned)
        self._idle.clear()
        self.active[active.index] = active
        return active

    def _run(self, active: ActiveSession) -> None:
        """Run a session, then in the same greenlet the first that waits for a place, and so on."""
        following: ActiveSession | None = active
        while following is not None:
            active = following
            try:
                self._runner.run(active)
            finally:
                self._end(active)
            following = self._next_waiting()
            if following is not None:
                following.greenlet = active.greenlet
                if active.outcome is Outcome.ABANDONED:  # its killer waits for the greenlet
                    following.greenlet = gevent.spawn(self._run, following)
                    return

    def go_on(self, active: ActiveSession) -> None:
        """Go on in a greenlet with a session that was carried so far."""
        active.greenlet = gevent.spawn(self._run, active)

    def end_carried(self, active: ActiveSession, now: float) -> None:
        """Take the end of a session that was carried, and give its place to others."""
        self._end(active, now)
        self._launch_waiting()

    def _launch_waiting(self) -> None:
        """Launch sessions that wait for a place, as long as there are places."""
        while (following := self._next_waiting()) is not None:
            following.greenlet = gevent.spawn(self._run, following)

    def _end(self, active: ActiveSession, now: float | None = None) -> None:
        del self.active[active.index]
        row = active.row
        if row is not None and active.outcome is SUCCEEDED and now is not None:
            self._end_resting(active, row, now)
        else:
            cpe = active.cpe
            self._runner.end(active, self._clock() if now is None else now)
            if cpe.powered:
                self.schedule(cpe)
        if not self.active:
            self._idle.set()

    def _end_unless_over(self, active: ActiveSession) -> None:
        """As ``_end``, of a session that something else may have ended meanwhile."""
        if self.active.get(active.index) is active:
            self._end(active)

    def _end_resting(self, active: ActiveSession, row: PeriodicRow, now: float) -> None:
        due = self._cpes.end_session(row, now)
        self._runner.end_resting(active, now)
        if self._started and due <= now:
            self._come_up(active.index, now)
        else:
            self._due_times.add(active.index, due)
            if self._started:
                self._timer.set(due)

    def _next_waiting(self) -> ActiveSession | None:
        """
        The first of the sessions that wait for a place and need a greenlet; None without one.

        Those before it that are carried have been launched.
        """
        while self.waiting and self._started and len(self.active) < self._max_sessions:
            index, planned, queued = self.waiting.pop()
            active = self._begin_at(index, planned, queued)
            if active is not None and not self._is_carried(active):
                return active
        return None

    # Ends from outside.

    def cut(self, cpes: Iterable[CPE]) -> None:
        """End the sessions of CPEs that have lost their power, and give their places to others."""
        cut: list[ActiveSession] = []
        for cpe in cpes:
            self.waiting.discard(cpe.index)
            active = self.active.get(cpe.index)
            if active is not None:
                cut.append(active)
        if not cut:
            return
        for active in cut:
            self._drop(active)
        gevent.killall([active.greenlet for active in cut if active.greenlet is not None])
        for active in cut:
            self._end_unless_over(active)  # carried, or its greenlet not begun
        self._launch_waiting()

    def _drop(self, active: ActiveSession) -> None:
        if active.token and self.carrier is not None:
            self.carrier.drop(active)

    def catch_up(self, index: int) -> None:
        """Take up what has happened so far in the session of a CPE, if there is one."""
        active = self.active.get(index)
        if active is not None and active.token and self.carrier is not None:
            self.carrier.catch_up(active)

    def catch_up_all(self) -> None:
        """Take up what has happened so far in all sessions."""
        for index in self.active:
            self.catch_up(index)

    def wait_for_sessions(
        self, seconds: float, stop_waiting: gevent.event.Event | None = None
    ) -> None:
        """Wait until no session runs, for that many seconds at most, or until the event is set."""
        if stop_waiting is None:
            self._idle.wait(seconds)
        else:
            gevent.wait([self._idle, stop_waiting], seconds, 1)
