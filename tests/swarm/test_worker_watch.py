"""What the master sees of workers that die, leave or fall silent."""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any

import pytest
from helpers.leases import renewal
from helpers.run_states import FakeRunner
from locust.runners import STATE_RUNNING, WorkerNode, WorkerNodes

from caretaker.swarm import fleet_leases, worker_watch
from caretaker.swarm.fleet_leases import FleetLeases
from caretaker.swarm.locust_runner import LocustRunner
from caretaker.swarm.worker_reports import WorkerReports
from caretaker.swarm.worker_watch import WorkerWatch


class Scene:
    """Two workers with five CPEs each."""

    def __init__(self) -> None:
        self.now = 0.0
        runner: Any = FakeRunner()
        runner.clients = self.clients = WorkerNodes()
        environment: Any = SimpleNamespace(runner=runner, user_classes=[])
        self.leases = FleetLeases(5.0, lambda: self.now)
        self.reports = WorkerReports(1)
        self.watch = WorkerWatch(LocustRunner(environment), self.leases)
        for name in ("one", "two"):
            self.clients[name] = WorkerNode(name, STATE_RUNNING)
            self.leases.renew(name, renewal(want=5), 10)

    def look(self) -> list[tuple[str, str]]:
        return self.watch.look(self.reports, has_run=True)


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_nothing_is_told_of_workers_that_are_well(scene: Scene) -> None:
    assert scene.look() == []
    assert not scene.watch.is_alone()
    assert scene.watch.present() == {"one", "two"}


def test_what_a_dead_worker_had_is_free_at_once(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(fleet_leases, "has_died", lambda _: True)
    del scene.clients["two"]  # it has left with a word, so nobody mourns it
    assert scene.look() == [("one", "has died with 5 CPEs")]
    assert scene.leases.ledger.counts() == {"two": 5}
    assert scene.watch.present() == set()
    assert scene.watch.is_alone()


def test_what_a_worker_had_that_has_left_is_free_when_its_run_has_ended(scene: Scene) -> None:
    del scene.clients["two"]
    assert scene.look() == []
    assert scene.leases.ledger.counts() == {"one": 5, "two": 5}
    scene.reports.end("two")
    assert scene.look() == []
    assert scene.leases.ledger.counts() == {"one": 5}


def test_what_a_silent_worker_had_is_free_after_its_lease(scene: Scene) -> None:
    for _ in range(int(5.5 / fleet_leases.LOOK_SECONDS)):
        scene.now += fleet_leases.LOOK_SECONDS
        assert scene.look() == []
    scene.leases.renew("one", renewal(number=2), 10)
    news: list[tuple[str, str]] = []
    while not news:
        scene.now += fleet_leases.LOOK_SECONDS
        news = scene.look()
    assert news == [("two", "is silent: others may have its 5 CPEs")]
    assert 6.0 <= scene.now <= 6.0 + 2 * fleet_leases.LOOK_SECONDS
    assert scene.leases.ledger.counts() == {"one": 5}


def test_a_silence_of_all_is_waited_for(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker_watch, "PATIENCE_SECONDS", 2 * fleet_leases.LOOK_SECONDS)
    for node in scene.clients.all:
        node.heartbeat = 0
    assert [scene.watch.is_alone() for _ in range(3)] == [False, False, True]
    scene.watch.begin()
    assert not scene.watch.is_alone()
