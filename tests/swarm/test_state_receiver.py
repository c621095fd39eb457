"""Records that come with a grant, and the CPEs that get them."""

from __future__ import annotations

import pytest
from helpers.cpes import cpe, run
from helpers.shards import ShardBench, settle

from caretaker.cwmp import messages as m
from caretaker.device.persistent_state import state_of
from caretaker.stats.results import Results
from caretaker.swarm.state_file import StoredCPE
from caretaker.swarm.state_receiver import StateReceiver


@pytest.fixture
def record() -> bytes:
    """Of a CPE that has had its first contact, and a ParameterKey."""
    box = cpe()
    run(box, 0.0, m.SetParameterValues((), "key"))
    return state_of(box).to_bytes()


@pytest.mark.parametrize(
    ("is_running", "acs_is_new", "events"),
    [
        (False, False, [("1 BOOT",)]),
        (False, True, [("0 BOOTSTRAP", "1 BOOT")]),
        (True, False, []),
    ],
)
def test_a_cpe_comes_back_with_what_it_had(
    record: bytes, *, is_running: bool, acs_is_new: bool, events: list[tuple[str, ...]]
) -> None:
    bench, receiver, results = ShardBench(), StateReceiver(), Results()
    unsaved = bench.shard.context.unsaved = set()
    receiver.received([StoredCPE(4, record, acs_is_new)])
    assert receiver.take_up(4, bench.shard, results, is_running=is_running)
    assert bench.shard.cpes[4].management_value("ParameterKey", 100.0) == "key"
    assert unsaved == ({4} if acs_is_new else set())
    bench.shard.start()
    settle()
    assert bench.informed == events
    assert results.counters["state.taken_up"] == 1


def test_a_cpe_without_a_record_is_left_to_its_caller(record: bytes) -> None:
    bench, receiver = ShardBench(), StateReceiver()
    receiver.received([StoredCPE(4, record), StoredCPE(5, record)])
    receiver.discard([(5, 6)])
    assert not receiver.take_up(5, bench.shard, Results(), is_running=False)
    assert receiver.take_up(4, bench.shard, Results(), is_running=False)
    assert not receiver.take_up(4, bench.shard, Results(), is_running=False)


def test_a_record_that_can_not_be_read_is_said_once_and_counted(
    caplog: pytest.LogCaptureFixture,
) -> None:
    bench, receiver, results = ShardBench(), StateReceiver(), Results()
    receiver.received([StoredCPE(0, b"\x09broken"), StoredCPE(1, b"")])
    for index in (0, 1):
        assert not receiver.take_up(index, bench.shard, results, is_running=False)
    assert [record.message for record in caplog.records] == [
        "FLEET-000001 starts from the factory: the state of a CPE has version 9, not 1"
    ]
    assert results.counters["state.unreadable"] == 2


@pytest.mark.parametrize(
    ("stored", "parts"),
    [
        ((), [(10, 13), (13, 16), (16, 18)]),
        ((10, 14, 15, 99), [(10, 11), (11, 14), (14, 15), (15, 16), (16, 18)]),
        ((12, 17), [(10, 12), (12, 13), (13, 16), (16, 17), (17, 18)]),
    ],
)
def test_those_without_records_are_switched_on_together(
    stored: tuple[int, ...], parts: list[tuple[int, int]]
) -> None:
    receiver = StateReceiver()
    receiver.received([StoredCPE(index, b"") for index in stored])
    assert list(receiver.parts(range(10, 18), 3)) == [range(*part) for part in parts]
