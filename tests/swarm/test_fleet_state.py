"""Who may write to the file of a fleet's state, and who is told what is in it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from helpers.leases import renewal

from caretaker.index_set import Ranges
from caretaker.swarm.fleet_state import FleetState
from caretaker.swarm.index_ledger import IndexLedger
from caretaker.swarm.state_file import StoredCPE
from caretaker.swarm.worker_messages import Message, StateKept, StateRecords, StoredCPEs


class Store:
    """A file in memory."""

    def __init__(self) -> None:
        self.records: dict[int, bytes] = {}
        self.refused = 0

    def refuse(self, number: int) -> None:
        self.refused += number

    def put(self, records: list[tuple[int, bytes]], told: Callable[[], None]) -> None:
        self.records.update(records)
        told()

    def read(self, indices: Ranges) -> list[StoredCPE]:
        wanted = [index for start, stop in indices for index in range(start, stop)]
        return [StoredCPE(i, self.records[i]) for i in wanted if i in self.records]


class Scene:
    """A worker with the CPEs 0 to 2, and what it is sent."""

    def __init__(self) -> None:
        ledger, self.store = IndexLedger(5.0), Store()
        ledger.renew("one", renewal(want=3), 0.0, 3)
        self.sent: list[tuple[str, Message]] = []
        store: Any = self.store
        self.state = FleetState(store, ledger, lambda message, to: self.sent.append((to, message)))


@pytest.fixture
def scene() -> Scene:
    return Scene()


def test_records_of_cpes_that_a_worker_holds_are_kept_and_it_is_told(scene: Scene) -> None:
    scene.state.keep("one", StateRecords(7, [(0, b"a"), (2, b"c")]))
    assert scene.store.records == {0: b"a", 2: b"c"}
    assert scene.sent == [("one", StateKept(7))]
    assert scene.store.refused == 0


def test_records_of_cpes_that_others_have_by_now_are_old(scene: Scene) -> None:
    scene.state.keep("two", StateRecords(1, [(0, b"old")]))
    scene.state.keep("one", StateRecords(1, [(3, b"old"), (1, b"b")]))
    assert scene.store.records == {1: b"b"}
    assert scene.store.refused == 2


def test_who_gets_cpes_is_told_what_they_had(scene: Scene) -> None:
    scene.state.keep("one", StateRecords(1, [(0, b"a"), (1, b"b")]))
    scene.sent.clear()
    scene.state.tell("two", [(1, 3)])
    assert scene.sent == [("two", StoredCPEs([StoredCPE(1, b"b")]))]
