"""The worker's side of the ledger: indices for the CPEs of its users, and until when."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable, Iterable
from functools import partial
from math import inf

import gevent
from gevent.event import Event

from caretaker.index_set import IndexSet, Ranges
from caretaker.swarm.worker_messages import LeaseRenewal, LeaseRenewed, WorkerProcess

RENEWAL_SECONDS = 1.0
"""How often a lease is renewed; what is not answered by then is sent again."""
RETURN_SECONDS = 0.25
"""How long indices that go back are collected, so that thousands of users need few messages."""
RETRY_SECONDS = 0.25
"""After how long a worker asks again for indices that it still lacks."""

lease_clock: Callable[[], float] = (
    partial(time.clock_gettime, time.CLOCK_BOOTTIME)
    if hasattr(time, "CLOCK_BOOTTIME")
    else time.monotonic
)
"""Seconds, going forward; where there is such a clock, also while the machine sleeps."""


class _Waiter:
    """A user that waits for its indices."""

    def __init__(self, count: int) -> None:
        self.count = count
        self.ranges: Ranges = []
        self.term = 0
        self.served = Event()


class IndexLease:
    """
    What a worker holds of the fleet's indices, and until when it may use them.

    Users start by the hundred; what they need is asked for in one message, and so is what they
    give back. One renewal at a time is under way, so that each is acted upon once, and in order.

    Args:
        send: a renewal to the master.
        process: this process, as the master is told.
        on_lost: called when the master has freed the indices; ``held`` is empty then.
        clock: seconds, going forward.
    """

    def __init__(
        self,
        send: Callable[[LeaseRenewal], None],
        process: WorkerProcess,
        on_lost: Callable[[], None] = lambda: None,
        clock: Callable[[], float] = lease_clock,
    ) -> None:
        self.held = IndexSet()
        self.term = 1
        """How often the worker has begun to hold indices; what it held in an earlier term is not
        its own any more."""
        self.until = inf
        """Until when it may use its indices; without end while it never had any."""
        self.fleet_total = 0
        """How many CPEs the whole fleet has."""
        self._send = send
        self._process = process
        self._on_lost = on_lost
        self._clock = clock
        self._lease = 0
        self._number = 0
        self._asked: tuple[int, Ranges] | None = None
        """What the renewal that is under way wants and returns."""
        self._spare = IndexSet()  # granted, but not taken by a user yet
        self._waiting: deque[_Waiter] = deque()
        self._returned = IndexSet()
        self._has_news = False
        self._planned = False
        self._timer: gevent.Greenlet[..., None] | None = None

    def take(self, count: int) -> tuple[int, Ranges]:
        """That many indices, and the term that they belong to; waits until there are so many."""
        waiter = _Waiter(count)
        while waiter.term != self.term:  # else they were lost before the user had its turn
            waiter.served.clear()
            self._waiting.append(waiter)
            self._plan()
            try:
                waiter.served.wait()
            except BaseException:  # the user was stopped while it waited
                self._abandon(waiter)
                raise
        return waiter.term, waiter.ranges

    def give_back(self, term: int, ranges: Iterable[tuple[int, int]]) -> None:
        """These are not used any more; those of an earlier term have been freed already."""
        if term != self.term:
            return
        for start, stop in ranges:
            self.held.discard(start, stop)
            self._returned.add(start, stop)
        if self._returned:
            self._plan(RETURN_SECONDS if self.held else 0.0)

    def is_over(self) -> bool:
        """Whether the indices may not be used, as the master may have freed them."""
        return self._clock() >= self.until

    @property
    def seconds_left(self) -> float:
        """How long it may use its indices from now on; negative when it may not."""
        return self.until - self._clock()

    def renew(self) -> None:
        """Send a renewal: once more the one that is under way, or else the next."""
        if self._asked is None:
            lacking = sum(waiter.count for waiter in self._waiting) - len(self._spare)
            self._number += 1
            self._asked = (max(0, lacking), self._returned.ranges)
            self._returned = IndexSet()
            self._has_news = False
        want, returned = self._asked
        self._send(
            LeaseRenewal(
                sent=self._clock(),
                term=self.term,
                lease=self._lease,
                number=self._number,
                want=want,
                returned=returned,
                process=self._process,
            )
        )

    def answered(self, answer: LeaseRenewed) -> None:
        """The master's answer has come; one that is too old to hold says nothing."""
        until = answer.sent + answer.seconds
        if answer.term != self.term or until <= self._clock():
            return
        if not answer.still_yours:
            self._begin_anew()
            return
        self.until = until if self.until == inf else max(self.until, until)
        self.fleet_total = answer.total
        if self._asked is not None and answer.number == self._number:
            self._asked = None
            self._lease = answer.lease
            self._take_up(answer.granted)

    def _take_up(self, granted: Ranges) -> None:
        for start, stop in granted:
            self._spare.add(start, stop)
        while self._waiting and len(self._spare) >= self._waiting[0].count:
            waiter = self._waiting.popleft()
            waiter.ranges, waiter.term = self._spare.take(waiter.count), self.term
            for start, stop in waiter.ranges:
                self.held.add(start, stop)
            waiter.served.set()
        if not self._waiting and self._spare:
            self._return_spare()
        if self._has_news:
            self._plan()
        elif self._waiting:
            self._plan(RETRY_SECONDS)

    def _begin_anew(self) -> None:
        self.term += 1
        self.until = -inf
        self._lease = self._number = 0
        self._asked = None
        self.held, self._spare, self._returned = IndexSet(), IndexSet(), IndexSet()
        self._plan()
        self._on_lost()

    def _abandon(self, waiter: _Waiter) -> None:
        if waiter.served.is_set():
            self.give_back(waiter.term, waiter.ranges)
        else:
            self._waiting.remove(waiter)

    def _return_spare(self) -> None:
        for start, stop in self._spare.ranges:
            self._returned.add(start, stop)
        self._spare = IndexSet()
        self._plan()

    def _plan(self, seconds: float = 0.0) -> None:
        """Send when this turn of the loop is over, so that all users of it are in the message."""
        self._has_news = True
        if seconds and self._timer is None:
            self._timer = gevent.spawn_later(seconds, self._flush)
        elif not seconds and not self._planned:
            self._planned = True
            gevent.spawn(self._flush)

    def _flush(self) -> None:
        self._planned, self._timer = False, None
        if self._has_news and self._asked is None:
            self.renew()
