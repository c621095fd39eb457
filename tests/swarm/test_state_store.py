"""The master's side of ``--state``: what waits, what is written, and what could not be."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from helpers.options import parse

from caretaker.errors import InputError
from caretaker.reporting.summary_types import StateSection
from caretaker.swarm import state_store
from caretaker.swarm.options import Settings
from caretaker.swarm.state_file import EMBEDDED_ACS, StateFile, StoredCPE
from caretaker.swarm.state_store import StateStore, fleet_facts

FACTS = {"--seed": "1"}
OF_WORKERS: StateSection = {
    "kept": 0, "taken_up": 4, "unreadable": 1, "outdated": 0, "unwritten": 0,
}  # fmt: skip


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "fleet.db"


@pytest.fixture
def store(path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[StateStore]:
    monkeypatch.setattr(state_store, "WRITE_SECONDS", 1e6)  # only when a test says so
    store = StateStore(path)
    store.agree(FACTS, EMBEDDED_ACS)
    yield store
    store.close()


def full(store: StateStore, *, is_full: bool) -> None:
    [(pages,)] = store._in_thread(lambda: store._file._do("PRAGMA page_count"))
    most = pages if is_full else 1_000_000
    store._in_thread(lambda: store._file._do(f"PRAGMA max_page_count = {most}"))


def big(*indices: int) -> list[tuple[int, bytes]]:
    return [(index, b"x" * 9000) for index in indices]


def test_a_worker_is_told_when_its_records_are_in_the_file(store: StateStore, path: Path) -> None:
    told: list[str] = []
    store.put([(0, b"zero")], lambda: told.append("first"))
    assert told == []
    store.write()
    assert told == ["first"]
    store.close()
    with StateFile(path) as file:
        assert file.read([(0, 1)])[0].record == b"zero"


def test_what_waits_is_read_as_if_it_were_written(store: StateStore) -> None:
    store.put([(0, b"old"), (1, b"one")], lambda: None)
    store.write()
    store.put([(0, b"new"), (7, b"other")], lambda: None)
    assert store.read([(0, 2)]) == [StoredCPE(0, b"new"), StoredCPE(1, b"one")]
    assert store.read([]) == []


def test_a_full_disk_stops_nothing_and_is_counted(
    store: StateStore, caplog: pytest.LogCaptureFixture
) -> None:
    told: list[str] = []
    full(store, is_full=True)
    store.put(big(0, 1, 2), lambda: told.append("first"))
    store.write()
    store.write()
    assert told == []
    assert store.section(OF_WORKERS)["unwritten"] == 3
    assert [record.message for record in caplog.records].count(
        f"--state {store._path}: database or disk is full; the run goes on"
    ) == 1  # fmt: skip
    assert len(store.read([(0, 3)])) == 3


def test_what_could_not_be_written_is_when_there_is_room(store: StateStore) -> None:
    told: list[str] = []
    full(store, is_full=True)
    store.put(big(0, 1), lambda: told.append("first"))
    store.write()
    store.put([(0, b"newer")], lambda: told.append("second"))
    full(store, is_full=False)
    store.flush()
    assert told == ["second"]
    assert store.read([(0, 1)]) == [StoredCPE(0, b"newer")]
    assert (store.section(OF_WORKERS)["kept"], store.section(OF_WORKERS)["unwritten"]) == (2, 0)


def test_more_than_a_transaction_is_written(
    store: StateStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(state_store, "TRANSACTION", 2)
    store.put(big(*range(5)), lambda: None)
    store.flush()
    assert store.section(OF_WORKERS)["kept"] == 5


def test_the_summary_has_what_workers_count_and_old_records(store: StateStore) -> None:
    store.refuse(2)
    assert store.section(OF_WORKERS) == OF_WORKERS | {"outdated": 2}


def test_a_contradiction_is_an_error_of_the_caller(store: StateStore) -> None:
    with pytest.raises(InputError, match="has --seed 1"):
        store.agree({"--seed": "2"}, EMBEDDED_ACS)


def test_the_facts_of_a_fleet_are_those_of_its_options() -> None:
    settings = Settings.of(parse("--seed", "7", "--cpes-per-user", "10"))
    assert fleet_facts(settings, 5) == {
        "--seed": "7",
        "--serial-prefix": "FLEET",
        "--devices": "none",
        "--profile": "tr181, tr098",
        "--users x --cpes-per-user =": "50",
    }
    assert len(fleet_facts(settings, None)) == 4
