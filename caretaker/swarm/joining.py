"""
How a worker is admitted to a run: the handshake of both sides, without a network.

::

    worker                                       master
    JoinRequest(nonce)                  ->
                                        <-       JoinChallenge(challenge)
    JoinAnswer(nonce, facts, proof)     ->       right token? same version, same locustfile?
    right token?                        <-       JoinVerdict(refusal, proof)

A proof is an HMAC of the run token over all that was said, so each side shows that it has the
token, and nobody learns it. Until then the master takes nothing else from the worker, and the
worker nothing else from the master. The master keeps nothing of a worker that it has not admitted:
the challenge follows from the request, and comes back in the proof.
"""

from __future__ import annotations

import hmac
import json
import os
import platform
import secrets
import socket
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, fields
from hashlib import sha256
from pathlib import Path
from typing import Any, ClassVar, NamedTuple, Self

import msgpack

from caretaker import __version__
from caretaker.errors import InputError, NotAdmitted
from caretaker.quoting import quoted
from caretaker.run_token import FLAG, VARIABLE, RunToken
from caretaker.swarm.worker_messages import Message

MAX_JOIN_BYTES = 4096
"""Of a message of who is not admitted."""
_NONCE_BYTES = 32
_CURE = f"give the token of its master in {VARIABLE} or with {FLAG}"


class JoinMessage(Message):
    """A message of the handshake, which anybody may have sent."""

    @classmethod
    def from_wire(cls, wire: Any) -> Self:
        """
        What ``to_wire`` made; keys beside the fields, of later versions, are ignored.

        Raises:
            ValueError: it is something else.
        """
        content = wire if isinstance(wire, Mapping) else {}
        values = {field.name: content.get(field.name) for field in fields(cls)}
        if any(type(values[each.name]).__name__ != each.type for each in fields(cls)):
            raise ValueError("a field is missing or of another type")
        return cls(**values)


@dataclass(frozen=True)
class JoinRequest(JoinMessage):
    """
    Worker to master: it wants to join.

    Args:
        nonce: chosen by the worker, once in its life.
    """

    NAME: ClassVar = "caretaker_join"
    nonce: bytes


@dataclass(frozen=True)
class JoinChallenge(JoinMessage):
    """
    Master to worker: what to prove the token with.

    Args:
        challenge: chosen by the master.
    """

    NAME: ClassVar = "caretaker_challenge"
    challenge: bytes


@dataclass(frozen=True)
class JoinAnswer(JoinMessage):
    """
    Worker to master: it has the run token.

    Args:
        nonce: of its request.
        facts: of the worker, as ``ProcessFacts.to_bytes`` makes them.
        proof: of the token, over name, nonce, challenge and facts.
    """

    NAME: ClassVar = "caretaker_join_answer"
    nonce: bytes
    facts: bytes
    proof: bytes


@dataclass(frozen=True)
class JoinVerdict(JoinMessage):
    """
    Master to worker: it has the run token, too, and whether the worker is admitted.

    Args:
        refusal: why the worker can't take part; empty if it is admitted.
        proof: of the token, over name, nonce, challenge and refusal.
    """

    NAME: ClassVar = "caretaker_join_verdict"
    refusal: str
    proof: bytes


@dataclass(frozen=True)
class JoinRefused(JoinMessage):
    """
    Master to who has not shown that it has the token: it is not listened to.

    Args:
        was_asked: whether it was asked for the token, and had another.
    """

    NAME: ClassVar = "caretaker_not_admitted"
    was_asked: bool


@dataclass(frozen=True)
class ProcessFacts:
    """
    What a process is: of a worker as it joins, and of its master.

    Args:
        version: of Caretaker; must be the same.
        locustfile: the hash of its content; must be the same.
        python: the version of Python.
        host: the name of the machine.
        pid: its process id there.
    """

    version: str
    locustfile: str
    python: str
    host: str
    pid: int

    @classmethod
    def own(cls, locustfiles: Iterable[str]) -> Self:
        """
        Those of this process.

        Args:
            locustfiles: the files that it has loaded.

        Raises:
            InputError: one of them can't be read any more.
        """
        try:
            hashes = sorted(sha256(Path(name).read_bytes()).hexdigest() for name in locustfiles)
        except OSError as error:
            raise InputError(f"{error.filename}: {error.strerror}") from error
        content = sha256("".join(hashes).encode()).hexdigest()
        python = platform.python_version()
        return cls(__version__, content, python, socket.gethostname(), os.getpid())

    def to_bytes(self) -> bytes:
        """As JSON, in the bytes that the proof is of."""
        return json.dumps(asdict(self)).encode()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """
        What ``to_bytes`` made; facts that a later version adds are ignored.

        Raises:
            ValueError: it is something else.
        """
        try:
            made: dict[str, Any] = json.loads(data)
            return cls(**{field.name: made[field.name] for field in fields(cls)})
        except (TypeError, KeyError, RecursionError) as error:
            raise ValueError("these are no facts of a process") from error

    def refusal(self, worker: ProcessFacts) -> str:
        """Why this master can't have this worker; empty if it can."""
        if worker.version != self.version:
            return (
                f"Caretaker {quoted(str(worker.version))}, and the master has {self.version}; "
                "install the same version on all machines"
            )
        if worker.locustfile != self.locustfile:
            return (
                f"another locustfile (SHA-256 {quoted(str(worker.locustfile)[:12])}..., the "
                f"master's {self.locustfile[:12]}...); copy the master's to all machines"
            )
        return ""


TO_MASTER = frozenset({JoinRequest.NAME, JoinAnswer.NAME})
TO_WORKER = frozenset({JoinChallenge.NAME, JoinVerdict.NAME, JoinRefused.NAME})
"""The messages of the handshake, which Locust does not see."""


class Reply(NamedTuple):
    """
    What the master does about a message that it has taken itself.

    Args:
        message: what it answers; None for nothing.
        complaint: about who has sent it, for the log; empty for none.
        refused: why a worker that has the run token can't take part; empty otherwise.
    """

    message: Message | None
    complaint: str = ""
    refused: str = ""


class Admissions:
    """
    The master's side: which workers are admitted.

    Args:
        token: of the run.
        facts: of the master.
    """

    def __init__(self, token: RunToken, facts: ProcessFacts) -> None:
        self.token = token
        self._facts = facts
        self._key = secrets.token_bytes(_NONCE_BYTES)
        self._admitted: set[str] = set()

    def is_admitted(self, worker: str) -> bool:
        """Whether a worker, by Locust's name of it, takes part."""
        return worker in self._admitted

    def receive(self, worker: str, data: bytes) -> Reply:
        """
        Take a message of the handshake, or any of a worker that is not admitted.

        Args:
            worker: the name that its connection has.
            data: of the message.
        """
        try:
            kind, content = read_message(data)
            if kind == JoinRequest.NAME:
                return Reply(self._challenge(worker, JoinRequest.from_wire(content).nonce))
            if kind == JoinAnswer.NAME:
                return self._judge(worker, JoinAnswer.from_wire(content))
        except ValueError:
            return Reply(None, "it sends what no worker sends")
        return Reply(JoinRefused(was_asked=False), "it has not joined this run")

    def _challenge(self, worker: str, nonce: bytes) -> JoinChallenge:
        return JoinChallenge(hmac.digest(self._key, worker.encode() + nonce, "sha256"))

    def _judge(self, worker: str, answer: JoinAnswer) -> Reply:
        said = (worker.encode(), answer.nonce, self._challenge(worker, answer.nonce).challenge)
        expected = self.token.proof("worker", *said, answer.facts)
        if not hmac.compare_digest(answer.proof, expected):
            return Reply(JoinRefused(was_asked=True), f"it has another run token; {_CURE}")
        refusal = self._facts.refusal(ProcessFacts.from_bytes(answer.facts))
        if not refusal:
            self._admitted.add(worker)
        proof = self.token.proof("master", *said, refusal.encode())
        return Reply(JoinVerdict(refusal, proof), refused=refusal)


class Joining:
    """
    The worker's side: it joins a master.

    Args:
        token: of the run.
        facts: of the worker.
        master: what errors call the master.
    """

    def __init__(self, token: RunToken, facts: ProcessFacts, master: str) -> None:
        self.is_admitted = False
        self._token = token
        self._facts = facts.to_bytes()
        self._master = master
        self._name = b""
        self._nonce = secrets.token_bytes(_NONCE_BYTES)
        self._challenge: bytes | None = None

    def request(self, name: str) -> JoinRequest:
        """
        The first message; it may be sent again.

        Args:
            name: of the worker, as its connection has it.
        """
        self._name = name.encode()
        return JoinRequest(self._nonce)

    def receive(self, kind: str, content: Any) -> Message | None:
        """
        Take a message of who may be the master, and return the answer to it.

        Args:
            kind: the type of the message.
            content: of the message.

        Raises:
            InputError: the worker is refused.
            NotAdmitted: it was admitted, but not by the master that is there now.
        """
        try:
            if kind == JoinRefused.NAME:
                self._be_refused(JoinRefused.from_wire(content))
            if kind == JoinChallenge.NAME and not self.is_admitted:
                return self._answer(JoinChallenge.from_wire(content).challenge)
            if kind == JoinVerdict.NAME and not self.is_admitted:
                self._judge(JoinVerdict.from_wire(content))
        except ValueError:
            pass  # no master of ours
        return None

    def _answer(self, challenge: bytes) -> JoinAnswer:
        self._challenge = challenge
        proof = self._token.proof("worker", self._name, self._nonce, challenge, self._facts)
        return JoinAnswer(self._nonce, self._facts, proof)

    def _judge(self, verdict: JoinVerdict) -> None:
        if self._challenge is None:
            return
        said = (self._name, self._nonce, self._challenge, verdict.refusal.encode())
        if not hmac.compare_digest(verdict.proof, self._token.proof("master", *said)):
            raise InputError(f"{self._master} has another run token; {_CURE}")
        if verdict.refusal:
            raise InputError(f"{self._master} refuses this worker: {verdict.refusal}")
        self.is_admitted = True

    def _be_refused(self, message: JoinRefused) -> None:
        if self.is_admitted:
            raise NotAdmitted(
                f"{self._master} has been started again, and does not know this worker; "
                "start it again, too"
            )
        if message.was_asked:
            raise InputError(f"{self._master} has another run token; {_CURE}")


def read_message(data: bytes) -> tuple[str, Any]:
    """
    Type and content of a message between master and workers, which anybody may have sent.

    Both are empty for one that is too long for the handshake, such as a report.

    Raises:
        ValueError: it is none.
    """
    if len(data) > MAX_JOIN_BYTES:
        return "", None
    message = msgpack.unpackb(data, raw=False, strict_map_key=True)
    if not isinstance(message, list) or len(message) != 3 or not isinstance(message[0], str):
        raise ValueError("no message of Locust")
    return message[0], message[1]
