"""Who is admitted to a run: both sides of the handshake, and everyone who has no part in it."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgpack
import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, precondition, rule

from caretaker.errors import InputError, NotAdmitted
from caretaker.run_token import RunToken
from caretaker.swarm.joining import (
    MAX_JOIN_BYTES,
    TO_MASTER,
    TO_WORKER,
    Admissions,
    JoinAnswer,
    JoinChallenge,
    Joining,
    JoinMessage,
    JoinRefused,
    JoinRequest,
    JoinVerdict,
    ProcessFacts,
    read_message,
)
from caretaker.swarm.worker_messages import Message

TOKEN, OTHER = RunToken("of-the-whole-run"), RunToken("of-some-other-run")
FACTS = ProcessFacts("1.2.3", "ab" * 32, "3.11.2", "loadgen-0", 7)
HASHES = "another locustfile (SHA-256 cdcdcdcdcdcd..., the master's abababababab...)"
CASES = (
    JoinRequest(b"n"),
    JoinChallenge(b"c"),
    JoinAnswer(b"n", b"{}", b"p"),
    JoinVerdict("no", b"p"),
    JoinRefused(was_asked=True),
)


def wire(message: Message) -> bytes:
    """As Locust sends it."""
    made: bytes = msgpack.packb((message.NAME, message.to_wire(), "anybody"))
    return made


class Worker:
    """One that joins, under a name of its own."""

    def __init__(self, name: str = "w1", token: RunToken = TOKEN, **facts: Any) -> None:
        self.name = name
        self.side = Joining(token, replace(FACTS, **facts), "the master")

    def hear(self, message: Message) -> Message | None:
        """Hear something of who may be the master."""
        return self.side.receive(*read_message(wire(message)))

    def join(self, master: Admissions) -> tuple[str, str]:
        """Join; returns the complaint and the refusal of the master."""
        message: Message | None = self.side.request(self.name)
        while message is not None:
            complaint = refused = ""
            _, complaint, refused = reply = master.receive(self.name, wire(message))
            message = self.hear(reply.message) if reply.message is not None else None
        return complaint, refused


def admissions(token: RunToken = TOKEN) -> Admissions:
    return Admissions(token, FACTS)


def test_a_worker_with_the_token_and_the_same_program_is_admitted() -> None:
    master, worker = admissions(), Worker(python="3.13.0", host="loadgen-1", pid=9)
    assert worker.join(master) == ("", "")
    assert worker.side.is_admitted
    assert master.is_admitted("w1")
    assert not master.is_admitted("w2")


def test_one_with_another_token_is_told_so_and_learns_nothing() -> None:
    master, worker = admissions(), Worker(token=OTHER)
    cure = "give the token of its master in CARETAKER_RUN_TOKEN or with --run-token-file"
    with pytest.raises(InputError, match=f"^the master has another run token; {cure}$"):
        worker.join(master)
    assert not worker.side.is_admitted
    assert not master.is_admitted("w1")
    answer = worker.hear(JoinChallenge(b"c" * 32))
    assert answer is not None
    reply = master.receive("w1", wire(answer))
    assert reply == (JoinRefused(was_asked=True), f"it has another run token; {cure}", "")


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (
            {"version": "1.2.4"},
            "Caretaker 1.2.4, and the master has 1.2.3; install the same version on all machines",
        ),
        ({"locustfile": "cd" * 32}, f"{HASHES}; copy the master's to all machines"),
    ],
)
def test_another_version_or_locustfile_is_refused_at_both_ends(
    facts: dict[str, Any], reason: str
) -> None:
    master, worker = admissions(), Worker(**facts)
    with pytest.raises(InputError) as refused:
        worker.join(master)
    assert str(refused.value) == f"the master refuses this worker: {reason}"
    assert not worker.side.is_admitted
    assert not master.is_admitted("w1")
    answer = worker.hear(master._challenge("w1", worker.side.request("w1").nonce))
    assert answer is not None
    assert master.receive("w1", wire(answer)).refused == reason


def test_a_stranger_that_answers_on_the_port_is_not_believed() -> None:
    worker = Worker()
    worker.side.request("w1")
    assert worker.hear(JoinVerdict("", b"p" * 32)) is None  # nothing was asked yet
    worker.hear(JoinChallenge(b"c" * 32))
    with pytest.raises(InputError, match="another run token"):
        worker.hear(JoinVerdict("", b"p" * 32))
    assert not worker.side.is_admitted


def test_what_a_worker_has_shown_admits_nobody_else() -> None:
    """Neither under another name, nor at another master, nor as the master's own proof."""
    master, worker = admissions(), Worker()
    challenge = master.receive("w1", wire(worker.side.request("w1"))).message
    assert isinstance(challenge, JoinChallenge)
    answer = worker.hear(challenge)
    assert isinstance(answer, JoinAnswer)
    for other, name in ((master, "w2"), (admissions(), "w1")):
        assert other.receive(name, wire(answer)).message == JoinRefused(was_asked=True)
        assert not other.is_admitted(name)
    with pytest.raises(InputError, match="another run token"):
        worker.hear(JoinVerdict("", answer.proof))


def test_messages_that_come_again_change_nothing() -> None:
    master, worker = admissions(), Worker()
    for _ in range(3):
        assert worker.join(master) == ("", "")
    assert worker.side.is_admitted


@pytest.mark.parametrize("size", [1, MAX_JOIN_BYTES])
def test_a_worker_of_a_master_that_was_started_again_is_told_so(size: int) -> None:
    worker = Worker()
    worker.join(admissions())
    again = admissions()
    reply = again.receive("w1", msgpack.packb(("stats", {"stats": "x" * size}, "w1")))
    assert reply.message == JoinRefused(was_asked=False)
    assert (reply.complaint, reply.refused) == ("it has not joined this run", "")
    with pytest.raises(NotAdmitted, match=r"^the master has been started again, .*; start it"):
        worker.hear(reply.message)


def test_a_worker_that_still_joins_waits_when_it_is_not_known() -> None:
    assert Worker().hear(JoinRefused(was_asked=False)) is None


def test_what_is_too_long_for_the_handshake_is_not_read() -> None:
    long = msgpack.packb(("caretaker_join", {"nonce": b"x" * MAX_JOIN_BYTES}, "w1"))
    assert read_message(long) == ("", None)
    assert admissions().receive("w1", long).message == JoinRefused(was_asked=False)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xc1",
        b"GET / HTTP/1.1\r\n\r\n",
        msgpack.packb(["stats"]),
        msgpack.packb([1, {}, "w1"]),
        msgpack.packb([["stats"], {}, "w1"]),
        msgpack.packb(["caretaker_join", {"nonce": "text"}, "w1"]),
        msgpack.packb(["caretaker_join", None, "w1"]),
        msgpack.packb(["caretaker_join_answer", {"nonce": b"n"}, "w1"]),
        b"\x91" * 4000,
    ],
)
def test_what_no_worker_sends_gets_no_answer(data: bytes) -> None:
    master = admissions()
    assert master.receive("w1", data) == (None, "it sends what no worker sends", "")
    assert not master.is_admitted("w1")


def test_facts_that_the_token_vouches_for_must_be_facts_all_the_same() -> None:
    master, worker = admissions(), Worker()
    worker.side._facts = b'"nothing"'
    assert worker.join(master) == ("it sends what no worker sends", "")


def test_what_later_versions_add_is_ignored() -> None:
    assert JoinRequest.from_wire({"nonce": b"n", "new": 1}) == JoinRequest(b"n")
    later = json.dumps({**json.loads(FACTS.to_bytes()), "new": 1}).encode()
    assert ProcessFacts.from_bytes(later) == FACTS


@pytest.mark.parametrize("message", CASES)
def test_a_message_is_read_as_it_was_written(message: JoinMessage) -> None:
    kind, content = read_message(wire(message))
    assert (kind, type(message).from_wire(content)) == (message.NAME, message)


def test_every_message_is_to_one_side() -> None:
    assert {type(case) for case in CASES} == set(JoinMessage.__subclasses__())
    assert {case.NAME for case in CASES} == TO_MASTER | TO_WORKER
    assert not TO_MASTER & TO_WORKER


def test_a_locustfile_is_known_by_its_content(tmp_path: Path) -> None:
    one, two, same = (tmp_path / name for name in ("one.py", "two.py", "three.py"))
    one.write_text("a")
    two.write_text("b")
    same.write_text("a")
    hashes = [
        ProcessFacts.own(map(str, files)).locustfile
        for files in ([one], [same], [two], [one, two], [two, same], [])
    ]
    assert hashes[0] == hashes[1]
    assert hashes[3] == hashes[4]
    assert len(set(hashes)) == 4
    with pytest.raises(InputError, match=r"gone\.py: No such file"):
        ProcessFacts.own([str(tmp_path / "gone.py")])


class Handshake(RuleBasedStateMachine):
    """
    Workers of all kinds join over a network that loses, repeats and mixes up messages.

    A stranger sees all that is sent, sends it again under any name, and makes up what it can.
    """

    WORKERS = ("right", "token", "version", "locustfile")

    def __init__(self) -> None:
        super().__init__()
        self.master = admissions()
        self.impostor = admissions(OTHER)
        self.workers = {
            "right": Worker("right"),
            "token": Worker("token", OTHER),
            "version": Worker("version", version="9.9"),
            "locustfile": Worker("locustfile", locustfile="0"),
        }
        self.ended: set[str] = set()
        self.seen: list[Message] = []
        """All that was sent so far; whoever sends or loses takes from here."""

    @rule(name=st.sampled_from(WORKERS))
    def request(self, name: str) -> None:
        self.seen.append(self.workers[name].side.request(name))

    @precondition(lambda self: self.seen)
    @rule(name=st.sampled_from((*WORKERS, "stranger")), data=st.data(), right=st.booleans())
    def to_master(self, name: str, data: st.DataObject, right: bool) -> None:
        message = data.draw(st.sampled_from(self.seen))
        side = self.master if right else self.impostor
        reply = side.receive(name, wire(message))
        if reply.message is not None:
            self.seen.append(reply.message)

    @precondition(lambda self: self.seen)
    @rule(name=st.sampled_from(WORKERS), data=st.data())
    def to_worker(self, name: str, data: st.DataObject) -> None:
        if name in self.ended:
            return
        message = data.draw(st.sampled_from(self.seen))
        try:
            answer = self.workers[name].hear(message)
        except (InputError, NotAdmitted):
            self.ended.add(name)
        else:
            self.seen.extend([answer] if answer is not None else [])

    @rule(nonce=st.binary(max_size=40), facts=st.sampled_from([b"", FACTS.to_bytes()]))
    def make_up(self, nonce: bytes, facts: bytes) -> None:
        self.seen += [
            JoinChallenge(nonce),
            JoinAnswer(nonce, facts, OTHER.proof("worker", nonce, facts)),
            JoinVerdict("", nonce),
        ]

    @invariant()
    def only_the_right_one_is_admitted(self) -> None:
        names = (*self.WORKERS, "stranger")
        assert {name for name in names if self.master.is_admitted(name)} <= {"right"}
        assert not any(self.impostor.is_admitted(name) for name in names if name != "token")

    @invariant()
    def a_worker_believes_only_who_has_admitted_it(self) -> None:
        believing = {name for name, worker in self.workers.items() if worker.side.is_admitted}
        assert believing <= {"right", "token"}
        assert "right" not in believing or self.master.is_admitted("right")
        assert "token" not in believing or self.impostor.is_admitted("token")

    def teardown(self) -> None:
        if "right" not in self.ended:
            worker = self.workers["right"]
            assert worker.join(self.master) == ("", "")
            assert worker.side.is_admitted


TestHandshake = Handshake.TestCase
TestHandshake.settings = settings(stateful_step_count=30)
