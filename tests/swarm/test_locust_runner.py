"""What Locust's runner tells of its workers, its users and their failures."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from helpers.run_states import FakeRunner
from locust import User
from locust.dispatch import UsersDispatcher
from locust.runners import (
    STATE_MISSING,
    STATE_RUNNING,
    STATE_SPAWNING,
    WorkerNode,
    WorkerNodes,
)

from caretaker.swarm.locust_runner import LOCAL, LocustRunner
from caretaker.swarm.user import CPEUser


def locust(*user_classes: type[User], **changes: Any) -> LocustRunner:
    runner = FakeRunner()
    vars(runner).update(changes)
    environment: Any = SimpleNamespace(runner=runner, user_classes=user_classes)
    return LocustRunner(environment)


@pytest.mark.parametrize(
    ("state", "started", "missing"),
    [({"state": STATE_RUNNING}, 1, 0), ({"state": STATE_SPAWNING}, 1, 3),
     ({"spawning_completed": False}, 1, 3), ({"spawning_completed": False}, 4, 0),
     ({"spawning_completed": True}, 1, 0)],
)  # fmt: skip
def test_users_that_are_still_to_be_started_count_while_locust_starts_them(
    state: dict[str, Any], started: int, missing: int
) -> None:
    assert locust(**state, user_count=started).users_not_started() == missing


def test_workers_that_are_missing_are_not_there() -> None:
    assert locust().workers() == {LOCAL}
    clients = WorkerNodes()
    clients["one"] = WorkerNode("one", STATE_RUNNING)
    clients["two"] = WorkerNode("two", STATE_MISSING)
    assert locust(clients=clients).workers() == {"one"}


def test_a_dispatch_that_moved_users_is_over_when_they_are_spawned() -> None:
    nodes = [WorkerNode(f"vm_{name}") for name in "abc"]
    dispatcher = UsersDispatcher(nodes[:1], [CPEUser])
    one = locust(_users_dispatcher=dispatcher)
    for late in nodes[1:]:
        dispatcher.new_dispatch(6, 6)
        list(dispatcher)
        one.end_dispatch()
        assert not dispatcher.dispatch_in_progress  # so Locust begins one when a worker joins
        dispatcher.add_worker(late)
    dispatcher.new_dispatch(6, 6)
    users = list(dispatcher)[-1]
    assert [counts["CPEUser"] for counts in users.values()] == [2, 2, 2]


def test_without_a_dispatcher_there_is_no_dispatch_to_end() -> None:
    locust().end_dispatch()
    locust(_users_dispatcher=None).end_dispatch()


def test_only_users_with_cpes_are_wanted_once_the_first_are_spawned() -> None:
    portal = type("Portal", (User,), {})
    assert locust(CPEUser, portal).wanted_users() == 4
    spawned = {"CPEUser": 3, "Portal": 1}
    assert locust(CPEUser, portal, target_user_classes_count=spawned).wanted_users() == 3


def test_failures_outside_of_our_cpes_are_counted() -> None:
    errors = {
        "ours": SimpleNamespace(method="CWMP", occurrences=5),
        "theirs": SimpleNamespace(method="GET", occurrences=2),
    }
    failed = locust(errors=errors, exceptions={"bug": {"count": 3}})
    assert failed.other_failures() == [
        "2 requests of other users failed",
        "3 exceptions in users",
    ]
    assert locust().other_failures() == []
