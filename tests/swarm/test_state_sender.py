"""A worker's side of ``--state``: which records it sends, and when again."""

from __future__ import annotations

import pytest
from helpers.cpes import cpe, run

from caretaker.cwmp import messages as m
from caretaker.device.cpe import CPE
from caretaker.device.persistent_state import PersistentState
from caretaker.swarm import state_sender
from caretaker.swarm.state_sender import ANSWER_SECONDS, MAX_UNANSWERED, StateSender
from caretaker.swarm.worker_messages import StateRecords
from caretaker.testing import Clock

KEY = "Device.ManagementServer.ParameterKey"


class Bench:
    """A sender, its CPEs, and the messages that it has sent."""

    def __init__(self, count: int = 1) -> None:
        self.clock = Clock()
        self.sent: list[StateRecords] = []
        self.unsaved: set[int] = set()
        self.cpes: dict[int, CPE] = {}
        for index in range(count):
            box = self.cpes[index] = cpe("tr181", index)
            run(box, 0.0)
            box.context.unsaved = self.unsaved
        self.sender = StateSender(self.cpes, self.unsaved, self.sent.append, self.clock)

    def set(self, index: int, value: str) -> None:
        """Have the ACS set something on a CPE."""
        self.cpes[index].answer(m.SetParameterValues((), value), 1.0)

    def values(self) -> list[dict[int, str]]:
        """What was set, by CPE, in each message."""
        return [
            {index: PersistentState.from_bytes(each).values[KEY] for index, each in one.records}
            for one in self.sent
        ]


def test_what_has_changed_is_sent_once() -> None:
    bench = Bench(3)
    bench.set(0, "a")
    bench.set(2, "b")
    bench.set(2, "c")
    bench.sender.send_changes()
    bench.sender.send_changes()
    assert bench.values() == [{0: "a", 2: "c"}]
    assert bench.unsaved == set()


def test_a_cpe_in_a_session_is_sent_after_it() -> None:
    bench = Bench()
    bench.set(0, "a")
    bench.cpes[0].in_session = True
    bench.sender.send_changes()
    assert bench.sent == []
    bench.cpes[0].in_session = False
    bench.sender.send_changes()
    assert bench.values() == [{0: "a"}]


def test_a_cpe_that_is_in_a_session_at_two_looks_is_sent_within_and_after_it() -> None:
    """What a lost worker loses does not depend on how long the sessions at a slow ACS last."""
    bench = Bench()
    bench.set(0, "a")
    bench.cpes[0].in_session = True
    for _ in range(5):
        bench.sender.send_changes()
    assert bench.values() == [{0: "a"}]
    bench.set(0, "b")  # in the same session
    bench.sender.send_changes()
    bench.sender.send_changes()
    bench.cpes[0].in_session = False
    for _ in range(5):
        bench.sender.send_changes()
    assert bench.values() == [{0: "a"}, {0: "b"}, {0: "b"}]
    assert bench.unsaved == set()


def test_the_end_takes_those_in_sessions_too() -> None:
    bench = Bench()
    bench.set(0, "a")
    bench.cpes[0].in_session = True
    bench.sender.end()
    assert bench.values() == [{0: "a"}]


def test_a_cpe_that_leaves_is_in_the_next_message() -> None:
    bench = Bench(2)
    bench.set(0, "a")
    bench.sender.add(0)
    bench.sender.add(1)  # nothing has changed there
    del bench.cpes[0]
    bench.sender.send()
    bench.sender.send()
    assert bench.values() == [{0: "a"}]


def test_a_message_ends_when_it_is_full(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_sender, "MAX_RECORD_BYTES", 1)
    bench = Bench(2)
    bench.set(0, "a")
    bench.set(1, "b")
    bench.sender.send_changes()
    assert bench.values() == [{0: "a"}, {1: "b"}]


def test_only_so_many_messages_wait_for_their_answer(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(state_sender, "MAX_RECORD_BYTES", 1)
    bench = Bench(MAX_UNANSWERED + 2)
    for index in bench.cpes:
        bench.set(index, "a")
    bench.sender.send_changes()
    assert len(bench.sent) == MAX_UNANSWERED
    assert len(bench.unsaved) == 2
    bench.sender.kept(bench.sent[0].number)
    bench.sender.send_changes()
    assert len(bench.sent) == MAX_UNANSWERED + 1


def test_a_message_without_an_answer_is_sent_again_as_things_are_now() -> None:
    bench = Bench(2)
    bench.set(0, "old")
    bench.set(1, "left")
    bench.sender.send_changes()
    del bench.cpes[1]
    bench.set(0, "new")
    bench.clock.now += ANSWER_SECONDS + 1
    bench.sender.send_changes()
    assert bench.values()[1:] == [{0: "new", 1: "left"}]
    bench.sender.kept(bench.sent[1].number)
    bench.clock.now += ANSWER_SECONDS + 1
    bench.sender.send_changes()
    assert len(bench.sent) == 2
