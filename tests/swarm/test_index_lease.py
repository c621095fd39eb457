"""The worker's side of the ledger."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import gevent
import pytest

from caretaker.index_set import Ranges
from caretaker.swarm.index_lease import IndexLease
from caretaker.swarm.index_ledger import IndexLedger


class Master:
    """Grants at once, or when told."""

    def __init__(self, *, slow: bool = False) -> None:
        self.ledger = IndexLedger()
        self.messages: list[tuple[int, Ranges]] = []
        self.slow = slow
        self.lease = IndexLease(self.receive)

    def receive(self, want: int, returned: Ranges) -> None:
        self.messages.append((want, returned))
        self.ledger.release("w", returned)
        if want and not self.slow:
            self.lease.granted(self.ledger.lease("w", want))

    def grant(self) -> None:
        want = sum(count for count, _ in self.messages)
        self.lease.granted(self.ledger.lease("w", want))


def test_users_that_start_together_are_served_by_one_message() -> None:
    master = Master()
    users = [gevent.spawn(master.lease.take, 2) for _ in range(3)]
    gevent.joinall(users, timeout=60)
    assert [user.value for user in users] == [[(0, 2)], [(2, 4)], [(4, 6)]]
    assert master.messages == [(6, [])]
    assert len(master.lease.held) == 6


def test_users_that_stop_give_back_in_few_messages(monkeypatch: pytest.MonkeyPatch) -> None:
    later: list[Callable[[], None]] = []

    def keep(_: float, function: Callable[[], None]) -> Callable[[], None]:
        later.append(function)
        return function

    monkeypatch.setattr(gevent, "spawn_later", keep)
    master = Master()
    master.lease.take(4)
    for index in (0, 1, 3):
        master.lease.give_back([(index, index + 1)])
        gevent.sleep(0)
    assert master.messages[1:] == []
    (send,) = later
    send()
    assert master.messages[1:] == [(0, [(0, 2), (3, 4)])]


def test_indices_go_back_in_one_message() -> None:
    master = Master()
    (start, stop), *others = master.lease.take(4)
    assert not others
    for index in range(start, stop):
        master.lease.give_back([(index, index + 1)])
    gevent.sleep(0)
    assert master.messages[1:] == [(0, [(0, 4)])]
    assert (len(master.lease.held), master.ledger.total) == (0, 0)


@pytest.mark.parametrize("granted", [False, True])
def test_a_user_that_is_stopped_while_it_waits_leaves_nothing_behind(granted: bool) -> None:
    master = Master(slow=True)
    user: gevent.Greenlet[Any, Any] = gevent.spawn(master.lease.take, 3)
    gevent.sleep(0)
    gevent.sleep(0)
    if granted:  # the stop reaches the user just before the indices do
        gevent.get_hub().loop.run_callback(user.throw, gevent.GreenletExit)
        master.grant()
        user.join(5)
    else:
        user.kill()
        master.grant()
    gevent.sleep(0)
    gevent.sleep(0)
    assert (len(master.lease.held), master.ledger.total) == (0, 0)


def test_a_grant_in_parts_serves_who_it_can() -> None:
    master = Master(slow=True)
    users = [gevent.spawn(master.lease.take, 2) for _ in range(2)]
    gevent.sleep(0)
    gevent.sleep(0)
    master.lease.granted([(0, 3)])
    gevent.sleep(0)
    assert [user.ready() for user in users] == [True, False]
    master.lease.granted([(7, 8)])
    gevent.joinall(users, timeout=60)
    assert users[1].value == [(2, 3), (7, 8)]
