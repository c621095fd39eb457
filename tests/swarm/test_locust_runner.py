"""What Locust's runner tells of its workers, its users and their failures."""

from __future__ import annotations

import logging
import os
import sys
import termios
from collections.abc import Callable
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import gevent
import pytest
from helpers.run_states import FakeRunner
from locust import User, runners
from locust.dispatch import UsersDispatcher
from locust.input_events import UnixKeyPoller
from locust.runners import (
    STATE_MISSING,
    STATE_RUNNING,
    STATE_SPAWNING,
    LocalRunner,
    MasterRunner,
    WorkerNode,
    WorkerNodes,
    WorkerRunner,
)

from caretaker.errors import InputError
from caretaker.swarm.locust_runner import (
    LAST_HEARTBEATS,
    LOCAL,
    LocustRunner,
    add_key,
    allow_fast_spawning,
    forget_wall_clock,
    forgive_lost_terminal,
)
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


def test_users_are_asked_for_when_they_are_dispatched_and_only_those_with_cpes_count() -> None:
    portal = type("Portal", (User,), {})
    assert locust(CPEUser, portal).users_asked_for() == 4  # there is no dispatcher yet: all
    assert locust(CPEUser, _users_dispatcher=None, target_user_count=9).users_asked_for() == 9
    nodes = [WorkerNode(f"vm_{name}") for name in "ab"]
    dispatcher = UsersDispatcher(nodes, [CPEUser, portal])
    one = locust(CPEUser, portal, _users_dispatcher=dispatcher)
    dispatcher.new_dispatch(12, 4)
    asked = [one.users_asked_for() for _ in dispatcher]
    assert asked == [2, 4, 6]
    dispatcher.remove_worker(nodes[0])
    assert one.users_asked_for() == 6  # the other worker is to have them


def clients(**states: str) -> WorkerNodes:
    """The workers that Locust knows, in these states."""
    made = WorkerNodes()
    for name, state in states.items():
        made[name] = WorkerNode(name, state)
    return made


def test_no_worker_is_ready_before_it_is_time() -> None:
    nodes, times = clients(a_1="ready", a_2=STATE_RUNNING), [False, True]
    runner = SimpleNamespace(clients=nodes)
    LocustRunner(SimpleNamespace(runner=runner)).hold_back(lambda: times.pop(0))  # type: ignore[arg-type]
    assert (runner.clients.ready, len(runner.clients.running)) == ([], 1)
    assert [node.id for node in runner.clients.ready] == ["a_1"]
    assert LocustRunner(SimpleNamespace(runner=runner)).host("load_gen_0b1c") == "load_gen"  # type: ignore[arg-type]


def test_no_more_users_are_started_than_a_check_lets_pass(
    caplog: pytest.LogCaptureFixture,
) -> None:
    runner = FakeRunner()

    def check(users: int) -> None:
        if users > 4:
            raise InputError("4 devices, and the run has 5 CPEs")

    LocustRunner(SimpleNamespace(runner=runner)).check_starts(check)  # type: ignore[arg-type]
    runner.start(5, 1.0)
    runner.start(4, 1.0)
    assert (runner.starts, caplog.messages) == ([(4, 1.0)], ["4 devices, and the run has 5 CPEs"])


def test_a_worker_that_has_died_is_missing_at_the_next_look_of_locust() -> None:
    known = clients(dead=STATE_RUNNING, silent=STATE_MISSING, well=STATE_RUNNING)
    before = {name: node.heartbeat for name, node in known.items()}
    one = locust(clients=known)
    for name in ("dead", "silent", "gone"):
        one.declare_missing(name)
    assert {name: node.heartbeat for name, node in known.items()} == {**before, "dead": -1}
    locust().declare_missing("dead")  # of a local run, which has no workers


def test_locust_forgets_no_worker_that_is_missing() -> None:
    known = clients(missing=STATE_MISSING, new=STATE_MISSING, well=STATE_RUNNING)
    known["missing"].heartbeat, known["well"].heartbeat = -60, -2
    known["new"].heartbeat = 0
    locust(clients=known).remember_missing()
    assert [known[name].heartbeat for name in ("missing", "new", "well")] == [-1, 0, -2]
    locust().remember_missing()


def test_a_worker_has_left_when_locust_does_not_know_it_any_more() -> None:
    one = locust(clients=clients(silent=STATE_MISSING, well=STATE_RUNNING))
    assert [one.has_left(name) for name in ("silent", "well", "gone")] == [False, False, True]
    assert not locust().has_left(LOCAL)


class EndOfLooksError(Exception):
    """Enough of a loop of Locust's that has no end."""


class SilentRunner(FakeRunner):
    """A master of Locust's with two workers, of which nothing is heard."""

    connection_broken = False
    state = STATE_RUNNING
    _users_dispatcher = None
    worker_count = MasterRunner.worker_count

    def __init__(self) -> None:
        super().__init__()
        self.clients = WorkerNodes()
        for name in ("one", "two"):
            self.clients[name] = WorkerNode(name, STATE_RUNNING)

    def check_stopped(self) -> None:
        pass


@pytest.fixture
def silent(monkeypatch: pytest.MonkeyPatch) -> SilentRunner:
    made = SilentRunner()
    monkeypatch.setattr(runners, "MASTER_HEARTBEAT_TIMEOUT", runners.MASTER_HEARTBEAT_TIMEOUT)
    return made


def looks(monkeypatch: pytest.MonkeyPatch, number: int, each: Callable[[], object]) -> None:
    """Have Locust's loops sleep so often, and do this instead."""
    left = iter(range(number))

    def sleep(_: float) -> None:
        if next(left, None) is None:
            raise EndOfLooksError
        each()

    monkeypatch.setattr(gevent, "sleep", sleep)


@pytest.mark.parametrize("is_kept", [False, True])
def test_locust_ends_a_test_whose_workers_are_all_silent_unless_they_are_kept(
    silent: SilentRunner, is_kept: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = LocustRunner(SimpleNamespace(runner=silent))  # type: ignore[arg-type]
    looks(monkeypatch, 10, lambda: is_kept and one.keep_silent(()))
    with pytest.raises(EndOfLooksError):
        MasterRunner.heartbeat_worker(silent)  # type: ignore[arg-type]
    assert silent.ends == ([] if is_kept else ["stop"])


def test_a_silent_worker_is_missing_while_another_is_heard_of(
    silent: SilentRunner, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = LocustRunner(SimpleNamespace(runner=silent))  # type: ignore[arg-type]

    def look() -> None:
        silent.clients["two"].heartbeat = 3
        assert not one.keep_silent(())

    looks(monkeypatch, 10, look)
    with pytest.raises(EndOfLooksError):
        MasterRunner.heartbeat_worker(silent)  # type: ignore[arg-type]
    assert one.workers() == {"two"}


def test_the_dead_are_not_kept(silent: SilentRunner) -> None:
    one = LocustRunner(SimpleNamespace(runner=silent))  # type: ignore[arg-type]
    for client in silent.clients.all:
        client.heartbeat = -1
    assert one.keep_silent({"one"})
    assert [client.heartbeat for client in silent.clients.all] == [-1, LAST_HEARTBEATS]
    assert not one.keep_silent({"one", "two"})


@pytest.mark.parametrize("is_forgotten", [False, True])
def test_a_worker_whose_clock_jumps_ends_by_locust_unless_it_is_forgotten(
    silent: SilentRunner, is_forgotten: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    vars(silent)["last_heartbeat_timestamp"] = 1.0  # long ago
    if is_forgotten:
        forget_wall_clock()
    looks(monkeypatch, 1, lambda: None)
    with pytest.raises(EndOfLooksError):
        WorkerRunner.heartbeat_timeout_checker(silent)  # type: ignore[arg-type]
    assert silent.ends == ([] if is_forgotten else ["quit"])


@pytest.mark.parametrize(("kinds", "warnings"), [([CPEUser], 0), ([CPEUser, User], 1)])
def test_fast_spawning_is_warned_of_where_others_than_cpes_are_spawned(
    kinds: list[type[User]], warnings: int, caplog: pytest.LogCaptureFixture
) -> None:
    log = logging.getLogger("locust.runners")
    environment: Any = SimpleNamespace(user_classes=kinds)
    runner: Any = SimpleNamespace()
    allow_fast_spawning(environment)
    try:
        with pytest.raises(AttributeError):  # it begins with the warning, and has nothing to spawn
            LocalRunner.start(runner, 1, 101)
        log.warning("other news")
    finally:
        for made in list(log.filters):
            log.removeFilter(made)
    assert len(caplog.messages) == warnings + 1


@pytest.mark.skipif(sys.platform == "win32", reason="its terminals have no modes")
def test_a_terminal_that_is_gone_has_no_modes_to_be_given_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(UnixKeyPoller, "cleanup", UnixKeyPoller.cleanup)
    poller: Any = object.__new__(UnixKeyPoller)
    with Path(os.devnull).open() as nothing:
        poller.stdin, poller.tattr = nothing.fileno(), [0, 0, 0, 0, 0, 0, [0] * 32]
        with pytest.raises(termios.error):
            poller.cleanup()
        forgive_lost_terminal()
        poller.cleanup()


@pytest.mark.parametrize("is_dispatching", [False, True])
def test_a_worker_that_goes_while_users_are_moved_has_its_own_moved_next(
    silent: SilentRunner, is_dispatching: bool
) -> None:
    dispatcher = UsersDispatcher(list(silent.clients.all), [CPEUser])
    dispatcher.new_dispatch(4, 4)
    list(dispatcher)
    vars(silent).update(
        _users_dispatcher=dispatcher, spawning_completed=not is_dispatching, spawn_rate=4
    )
    one = LocustRunner(SimpleNamespace(runner=silent))  # type: ignore[arg-type]
    one.begin_missed_dispatch()
    gevent.sleep(0)
    assert silent.starts == []
    dispatcher.remove_worker(silent.clients["one"])
    one.begin_missed_dispatch()
    gevent.sleep(0)
    assert silent.starts == ([] if is_dispatching else [(4, 4)])


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


def test_a_key_of_ours_is_heard_beside_locusts(monkeypatch: pytest.MonkeyPatch) -> None:
    heard: list[str] = []
    monkeypatch.setattr("locust.main.input_listener", lambda actions: lambda: actions)
    add_key("q", lambda: heard.append("ours"))
    main: Any = sys.modules["locust.main"]
    actions = main.input_listener({"w": lambda: heard.append("Locust's")})()
    for key in "wq":
        actions[key]()
    assert heard == ["Locust's", "ours"]
