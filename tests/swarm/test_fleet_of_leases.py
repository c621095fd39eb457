"""
Ledger and leases over a network that loses, delays, repeats and reorders messages.

Workers are killed, frozen and cut off, and the master stalls. No index may ever be usable by two
workers at once, and in the end all of the fleet is there again, with the indices that it had.
"""

from __future__ import annotations

from typing import Any

import gevent
import pytest
from helpers.leases import ELSEWHERE
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from caretaker.index_set import IndexSet, Ranges
from caretaker.swarm.index_lease import IndexLease
from caretaker.swarm.index_ledger import MARGIN_SECONDS, IndexLedger
from caretaker.swarm.worker_messages import LeaseRenewal, LeaseRenewed

FENCE_SECONDS = 3.0
SIZE = 12
"""Users that the fleet is to have, each with one CPE."""
MOST_USERS = 2 * SIZE
"""Users of all workers while those of silent ones are started elsewhere."""


@pytest.fixture(autouse=True)
def _no_timers(monkeypatch: pytest.MonkeyPatch) -> None:
    """Time passes as the rules have it, and not otherwise."""
    monkeypatch.setattr(gevent, "spawn_later", lambda *_: object())


class SimulatedUser:
    """Holds one index, and asks for another one when it is lost."""

    def __init__(self, lease: IndexLease) -> None:
        self.lease = lease
        self.term = 0
        self.ranges: Ranges = []
        self.start()

    def start(self) -> None:
        self.ranges = []
        self.greenlet: gevent.Greenlet[Any, Any] = gevent.spawn(self._take)

    def _take(self) -> None:
        self.term, self.ranges = self.lease.take(1)

    def stop(self) -> None:
        self.greenlet.kill()
        self.lease.give_back(self.term, self.ranges)


class SimulatedWorker:
    """A worker whose clock is its own."""

    def __init__(self, name: str, fleet: FleetMachine) -> None:
        self.name = name
        self._fleet = fleet
        self._offset = 1000.0 * len(fleet.workers)
        self.frozen = False
        self.users: list[SimulatedUser] = []
        self.lease = IndexLease(self._send, ELSEWHERE, self._start_over, self._clock)

    def _clock(self) -> float:
        return self._fleet.now + self._offset

    def _send(self, renewal: LeaseRenewal) -> None:
        self._fleet.under_way.append((self.name, renewal))

    def _start_over(self) -> None:
        for user in self.users:
            if user.ranges:
                user.start()

    def end(self) -> None:
        """Nothing of it goes on."""
        for user in self.users:
            user.greenlet.kill()

    @property
    def usable(self) -> set[int]:
        """The indices that it would use now; a frozen one can't look whether it may."""
        return set() if self.frozen or self.lease.is_over() else set(self.lease.held)


class FleetMachine(RuleBasedStateMachine):
    """One master, some workers, and the messages that are under way between them."""

    def __init__(self) -> None:
        super().__init__()
        self.now = 0.0
        self.ledger = IndexLedger(FENCE_SECONDS)
        self.under_way: list[tuple[str, LeaseRenewal | LeaseRenewed]] = []
        self.workers: dict[str, SimulatedWorker] = {}
        self.joined = 0
        self.looked = 0.0
        for _ in range(3):
            self.join()
        for number in range(SIZE):
            self.start_user(number % 2)
        for _ in range(SIZE):
            self.start_user(2)
        self.exchange({0, 1, 2})

    @property
    def users(self) -> int:
        return sum(len(worker.users) for worker in self.workers.values())

    def pick(self, number: int) -> SimulatedWorker:
        return list(self.workers.values())[number % len(self.workers)]

    @rule()
    def join(self) -> None:
        self.joined += 1
        name = f"w{self.joined}"
        self.workers[name] = SimulatedWorker(name, self)

    @rule(number=st.integers(0, 3))
    def start_user(self, number: int) -> None:
        if self.users < MOST_USERS:
            worker = self.pick(number)
            worker.users.append(SimulatedUser(worker.lease))
            self.turn()

    @rule(number=st.integers(0, 3))
    def stop_user(self, number: int) -> None:
        worker = self.pick(number)
        if worker.users and not worker.frozen:
            worker.users.pop().stop()
            self.turn()

    @rule(number=st.integers(0, 3))
    def kill(self, number: int) -> None:
        if len(self.workers) > 1:
            worker = self.pick(number)
            del self.workers[worker.name]
            worker.end()

    @rule(number=st.integers(0, 3))
    def freeze_or_thaw(self, number: int) -> None:
        worker = self.pick(number)
        worker.frozen = not worker.frozen

    @rule(number=st.integers(0, 3))
    def renew(self, number: int) -> None:
        self.renew_worker(self.pick(number))

    def renew_worker(self, worker: SimulatedWorker) -> None:
        if not worker.frozen:
            worker.lease.renew()

    @rule(numbers=st.sets(st.integers(0, 3)))
    def exchange(self, numbers: set[int]) -> None:
        """All is well between the master and these workers."""
        for worker in {self.pick(number).name for number in numbers}:
            self.renew_worker(self.workers[worker])
            for name, message in [each for each in self.under_way if each[0] == worker]:
                self.under_way.remove((name, message))
                self._deliver(name, message)
            answers = [each for each in self.under_way if each[0] == worker]
            for name, message in answers:
                self.under_way.remove((name, message))
                self._deliver(name, message)

    @rule(place=st.integers(0, 99), again=st.booleans())
    def deliver(self, place: int, again: bool) -> None:
        if self.under_way:
            place %= len(self.under_way)
            name, message = self.under_way[place] if again else self.under_way.pop(place)
            self._deliver(name, message)

    @rule(place=st.integers(0, 99))
    def lose(self, place: int) -> None:
        if self.under_way:
            self.under_way.pop(place % len(self.under_way))

    @rule(halves=st.integers(1, 12), numbers=st.sets(st.integers(0, 3)))
    def time_passes(self, halves: int, numbers: set[int]) -> None:
        """That many half seconds; the others are cut off meanwhile."""
        for _ in range(halves):
            self.now += 0.5
            self.look()
            self.exchange(numbers)
            self.no_index_is_usable_by_two()

    @rule(number=st.integers(0, 3), late=st.integers(1, 7), silent=st.integers(0, 8))
    def answer_is_late(self, number: int, late: int, silent: int) -> None:
        """One worker's answer takes a while, and then nothing of it gets through; others do."""
        worker = self.pick(number)
        others = {place for place, name in enumerate(self.workers) if name != worker.name}
        self.under_way = [each for each in self.under_way if each[0] != worker.name]
        self.renew_worker(worker)
        for name, renewal in [each for each in self.under_way if each[0] == worker.name]:
            self.under_way.remove((name, renewal))
            self._deliver(name, renewal)
        self.time_passes(late, others)
        for name, answer in [each for each in self.under_way if each[0] == worker.name]:
            self.under_way.remove((name, answer))
            self._deliver(name, answer)
        self.no_index_is_usable_by_two()
        self.time_passes(silent, others)

    @rule(seconds=st.sampled_from([0.5, 2.5, 20.0]))
    def stall(self, seconds: float) -> None:
        """The master is frozen meanwhile."""
        self.now += seconds

    @rule()
    def look(self) -> None:
        if self.now - self.looked > 1.0:
            self.ledger.stalled(self.now - self.looked, self.now)
        self.looked = self.now
        self.ledger.expire(self.now)

    def _deliver(self, name: str, message: LeaseRenewal | LeaseRenewed) -> None:
        if isinstance(message, LeaseRenewal):
            answer = self.ledger.renew(name, message, self.now, SIZE)
            if answer is not None:
                self.under_way.append((name, answer))
        elif name in self.workers and not self.workers[name].frozen:
            self.workers[name].lease.answered(message)
            self.turn()

    def turn(self) -> None:
        for _ in range(4):
            gevent.sleep(0)

    @invariant()
    def no_index_is_usable_by_two(self) -> None:
        usable = [worker.usable for worker in self.workers.values()]
        assert sum(map(len, usable)) == len(set().union(*usable))

    @invariant()
    def no_other_serial_numbers_come(self) -> None:
        for worker in self.workers.values():
            assert all(index < SIZE for index in worker.lease.held)

    def teardown(self) -> None:
        """In good weather all users have their indices again, and the ledger has no others."""
        for worker in self.workers.values():
            worker.frozen = False
        while self.users < SIZE:
            self.start_user(0)
        while self.users > SIZE:
            next(worker for worker in self.workers.values() if worker.users).users.pop().stop()
        for _ in range(2 * int(FENCE_SECONDS + MARGIN_SECONDS) + 6):
            for worker in self.workers.values():
                worker.lease.renew()
            while self.under_way:
                self._deliver(*self.under_way.pop(0))
            self.now += 1.0
            self.look()
            self.no_index_is_usable_by_two()
        held = IndexSet()
        for worker in self.workers.values():
            for start, stop in worker.lease.held.ranges:
                held.add(start, stop)
            worker.end()
        assert held.ranges == [(0, SIZE)]
        assert self.ledger.total == SIZE


TestFleetMachine = FleetMachine.TestCase
TestFleetMachine.settings = settings(stateful_step_count=60)
