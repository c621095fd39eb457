"""The worker's side of the ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest
from helpers.leases import ELSEWHERE

from caretaker.index_set import Ranges
from caretaker.swarm.index_lease import IndexLease
from caretaker.swarm.index_ledger import IndexLedger
from caretaker.swarm.worker_messages import LeaseRenewal
from caretaker.testing import Clock


class Master:
    """Answers at once, or when told."""

    def __init__(self, *, slow: bool = False, limit: int = 1000) -> None:
        self.clock = Clock(0.0)
        self.ledger = IndexLedger(5.0)
        self.renewals: list[LeaseRenewal] = []
        self.slow = slow
        self.limit = limit
        self.losses: list[Ranges] = []
        self.lease = IndexLease(
            self.receive, ELSEWHERE, lambda: self.losses.append(self.lease.held.ranges), self.clock
        )

    @property
    def messages(self) -> list[tuple[int, Ranges]]:
        return [(renewal.want, renewal.returned) for renewal in self.renewals]

    def receive(self, renewal: LeaseRenewal) -> None:
        self.renewals.append(renewal)
        if not self.slow:
            self.answer()

    def answer(self) -> None:
        """Answer the newest renewal."""
        answer = self.ledger.renew("w", self.renewals[-1], self.clock.now, self.limit)
        assert answer is not None
        self.lease.answered(answer)


def turn() -> None:
    """Let all greenlets go on that can."""
    for _ in range(3):
        gevent.sleep(0)


@pytest.fixture
def later(monkeypatch: pytest.MonkeyPatch) -> list[Callable[[], None]]:
    """What is to be done after a while."""
    kept: list[Callable[[], None]] = []

    def keep(_: float, function: Callable[[], None]) -> Callable[[], None]:
        kept.append(function)
        return function

    monkeypatch.setattr(gevent, "spawn_later", keep)
    return kept


def test_users_that_start_together_are_served_by_one_message() -> None:
    master = Master()
    users = [gevent.spawn(master.lease.take, 2) for _ in range(3)]
    gevent.joinall(users, timeout=60)
    assert [user.value for user in users] == [(1, [(0, 2)]), (1, [(2, 4)]), (1, [(4, 6)])]
    assert master.messages == [(6, [])]
    assert len(master.lease.held) == 6


def test_users_that_stop_give_back_in_few_messages(later: list[Callable[[], None]]) -> None:
    master = Master()
    master.lease.take(4)
    for index in (0, 1, 3):
        master.lease.give_back(1, [(index, index + 1)])
        gevent.sleep(0)
    assert master.messages[1:] == []
    (send,) = later
    send()
    assert master.messages[1:] == [(0, [(0, 2), (3, 4)])]


@pytest.mark.usefixtures("later")
def test_indices_go_back_in_one_message() -> None:
    master = Master()
    term, [(start, stop)] = master.lease.take(4)
    for index in range(start, stop):
        master.lease.give_back(term, [(index, index + 1)])
    gevent.sleep(0)
    assert master.messages[1:] == [(0, [(0, 4)])]
    assert (len(master.lease.held), master.ledger.total) == (0, 0)


@pytest.mark.parametrize("granted", [False, True])
def test_a_user_that_is_stopped_while_it_waits_leaves_nothing_behind(granted: bool) -> None:
    master = Master(slow=True)
    user: gevent.Greenlet[Any, Any] = gevent.spawn(master.lease.take, 3)
    turn()
    if granted:  # the stop reaches the user just before the indices do
        gevent.get_hub().loop.run_callback(user.throw, gevent.GreenletExit)
        master.answer()
        user.join(60)
    else:
        user.kill()
        master.answer()
    turn()
    master.slow = False
    master.lease.renew()
    turn()
    assert (len(master.lease.held), master.ledger.total) == (0, 0)


def test_a_grant_in_parts_serves_who_it_can_and_asks_again(
    later: list[Callable[[], None]],
) -> None:
    master = Master(limit=3)
    users = [gevent.spawn(master.lease.take, 2) for _ in range(2)]
    turn()
    assert [user.ready() for user in users] == [True, False]
    master.limit = 4
    later.pop()()
    turn()
    assert users[1].value == (1, [(2, 4)])
    assert master.messages == [(4, []), (1, [])]


def test_a_renewal_goes_out_again_until_it_is_answered() -> None:
    master = Master(slow=True)
    user = gevent.spawn(master.lease.take, 2)
    turn()
    master.clock.now += 1.0
    master.lease.renew()
    assert [(r.number, r.want, r.sent) for r in master.renewals] == [(1, 2, 0.0), (1, 2, 1.0)]
    master.answer()
    turn()
    assert user.value == (1, [(0, 2)])
    assert master.lease.until == 6.0


def test_a_lease_is_over_when_no_renewal_of_late_was_answered() -> None:
    master = Master()
    assert not master.lease.is_over()
    master.lease.take(2)
    master.clock.now = 4.9
    assert not master.lease.is_over()
    master.clock.now = 5.0
    assert master.lease.is_over()
    master.lease.renew()
    assert not master.lease.is_over()
    assert master.losses == []


def test_an_answer_that_comes_too_late_says_nothing() -> None:
    master = Master(slow=True)
    user = gevent.spawn(master.lease.take, 2)
    turn()
    master.clock.now = 5.0
    master.answer()
    turn()
    assert not user.ready()
    user.kill()


def test_a_worker_that_has_lost_its_indices_begins_anew_without_any() -> None:
    master = Master()
    master.lease.take(2)
    master.clock.now = 20.0
    master.ledger.expire(20.0)
    master.lease.renew()
    assert (master.losses, master.lease.term, master.lease.is_over()) == ([[]], 2, True)
    assert master.lease.take(2) == (2, [(0, 2)])
    assert not master.lease.is_over()


def test_indices_that_are_lost_before_their_user_has_them_are_leased_again() -> None:
    master = Master()
    user = gevent.spawn(master.lease.take, 2)
    gevent.sleep(0)  # the user waits
    master.lease.renew()  # it is served, and has not had its turn yet
    master.clock.now = 20.0
    master.ledger.expire(20.0)
    master.lease.renew()
    turn()
    assert user.value == (2, [(0, 2)])


def test_indices_of_an_earlier_term_do_not_go_back() -> None:
    master = Master()
    term, ranges = master.lease.take(2)
    master.ledger.expire(20.0)
    master.lease.renew()
    master.lease.take(2)
    master.lease.give_back(term, ranges)
    assert master.lease.held.ranges == [(0, 2)]
