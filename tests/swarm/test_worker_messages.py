"""The messages between master and workers: what is on the wire, and that it is read again."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.leases import ELSEWHERE, renewal, renewed
from helpers.snapshots import worker_snapshot

from caretaker.swarm import worker_messages
from caretaker.swarm.state_file import StoredCPE
from caretaker.swarm.worker_messages import (
    ACSCheck,
    ACSChecked,
    CRServerAddress,
    Drain,
    Drained,
    FleetAction,
    LeaseRenewal,
    LeaseRenewed,
    Message,
    ProfilePart,
    ProfilePartRequest,
    Refusal,
    RunSecrets,
    StateKept,
    StateRecords,
    StoredCPEs,
    WorkerAnswer,
    WorkerProcess,
    WorkerQuery,
    WorkerWaits,
)

WIRES: list[tuple[Message, dict[str, Any] | None]] = [
    (CRServerAddress("http://127.0.0.1:7"), {"url": "http://127.0.0.1:7"}),
    (renewal(want=5, returned=[(0, 2)]),
     {"sent": 0.0, "term": 1, "lease": 0, "number": 1, "want": 5, "returned": [(0, 2)],
      "process": ELSEWHERE}),
    (renewed(granted=[(0, 5)], total=7),
     {"sent": 0.0, "term": 1, "number": 1, "lease": 1, "still_yours": True, "seconds": 5.0,
      "granted": [(0, 5)], "total": 7}),
    (StateRecords(3, [(7, b"x")]), {"number": 3, "records": [(7, b"x")]}),
    (StateKept(3), {"number": 3}),
    (StoredCPEs([StoredCPE(7, b"x")]), {"cpes": [(7, b"x", False)]}),
    (RunSecrets({"acs_password": "x"}), {"values": {"acs_password": "x"}}),
    (ACSCheck(["--brief"], "serial\nA1\n", "x"),
     {"arguments": ["--brief"], "device": "serial\nA1\n", "acs_password": "x"}),
    (ACSChecked(1, "check failed"), {"exit_code": 1, "line": "check failed"}),
    (ProfilePartRequest("4f", 5), {"digest": "4f", "offset": 5}),
    (ProfilePart("4f", 5, b"x"), {"digest": "4f", "offset": 5, "data": b"x"}),
    (WorkerWaits("reads profile tr181"), {"what": "reads profile tr181"}),
    (FleetAction("outage", {"seconds": 3.0}, 2),
     {"name": "outage", "arguments": {"seconds": 3.0}, "nth": 2}),
    (WorkerQuery(1, "device", {"serial": "S"}), {"id": 1, "what": "device", "serial": "S"}),
    (WorkerAnswer(1, None), {"id": 1, "answer": None}),
    (Drain(waits=False), {"waits": False}),
    (Drained(None), None),
    (Refusal("no port is free"), {"reason": "no port is free"}),
]  # fmt: skip


@pytest.mark.parametrize(("message", "wire"), WIRES)
def test_what_is_on_the_wire(message: Message, wire: dict[str, Any] | None) -> None:
    assert message.to_wire() == wire


@pytest.mark.parametrize("message", [message for message, _ in WIRES])
def test_a_message_is_read_as_it_was_written(message: Message) -> None:
    wire: Any = message.to_wire()
    assert type(message).from_wire(wire) == message


def test_ranges_are_pairs_again_though_the_wire_makes_lists_of_them() -> None:
    wire: Any = renewed().to_wire()
    assert LeaseRenewed.from_wire({**wire, "granted": [[0, 5]]}).granted == [(0, 5)]
    wire = renewal().to_wire()
    read = LeaseRenewal.from_wire({**wire, "returned": [[0, 5]], "process": ["host", 2, 1]})
    assert (read.returned, read.process) == ([(0, 5)], WorkerProcess("host", 2, 1))


def test_the_state_of_many_cpes_comes_in_messages_of_bounded_size(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(worker_messages, "MAX_RECORD_BYTES", 100)
    cpes = [StoredCPE(index, b"x" * 60) for index in range(5)]
    messages = list(StoredCPEs.of(cpes))
    assert [len(message.cpes) for message in messages] == [2, 2, 1]
    assert [each for message in messages for each in message.cpes] == cpes
    assert list(StoredCPEs.of(())) == []


def test_the_last_snapshot_comes_with_the_word_that_all_has_ended() -> None:
    last = worker_snapshot(final=True, cpes=3)
    read = Drained.from_wire(Drained(last).to_wire()).snapshot
    assert read is not None
    assert (read.cpes, read.final) == (3, True)


def test_every_message_has_a_name_of_its_own() -> None:
    own = [kind for kind in vars(worker_messages).values() if isinstance(kind, type)]
    kinds = [kind for kind in own if issubclass(kind, Message) and kind is not Message]
    assert {kind.NAME for kind in kinds} == {message.NAME for message, _ in WIRES}
    assert len({kind.NAME for kind in kinds}) == len(kinds)
