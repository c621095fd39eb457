"""
Locust's runners and sockets with the handshake of ``joining`` below them.

Locust sees a worker, its messages and its reports from when it is admitted, and a worker sees its
master from when that has shown the run token. So nothing above has to ask who has sent something.
"""

from __future__ import annotations

import logging
import sys
import time
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING, Any, NoReturn

import gevent
import locust.env
import zmq.green as zmq
from locust.exception import RPCError, RPCReceiveError
from locust.rpc import Message as LocustMessage
from locust.rpc import zmqrpc
from locust.runners import MasterRunner, WorkerRunner

from caretaker.errors import InputError, NotAdmitted
from caretaker.http.ip_addresses import bracketed
from caretaker.quoting import quoted
from caretaker.reporting.outcomes import BAD_INPUT, EXIT_CODES, RunOutcome
from caretaker.run_token import RunToken
from caretaker.swarm.joining import (
    TO_MASTER,
    TO_WORKER,
    Admissions,
    Joining,
    ProcessFacts,
    read_message,
)
from caretaker.swarm.master_address import joined_host
from caretaker.swarm.parsed_options import take_run_token
from caretaker.swarm.worker_messages import Message, Refusal

if TYPE_CHECKING:
    from locust import User
    from locust.env import Environment

_log = logging.getLogger(__name__)

MAX_MESSAGE_BYTES = 16 * 1024 * 1024
"""Of a message to the master; the largest are the last snapshots of workers."""
MAX_WAITING = 32
"""Messages of one connection that wait for the master; more wait at whoever sends them."""
MAX_NAMES = 1000
"""Of those who are not admitted, that are remembered to be complained about once."""
COMPLAINTS_PER_MINUTE = 20


def use_admission() -> None:
    """Have Locust make runners of ours from now on."""
    vars(locust.env).update(MasterRunner=FleetMasterRunner, WorkerRunner=FleetWorkerRunner)


class Complaints:
    """Complains of each that is not admitted once, and of so many only in a minute."""

    def __init__(self) -> None:
        self._names: set[str] = set()
        self._left = COMPLAINTS_PER_MINUTE
        self._minute = 0.0
        self._unsaid = 0

    def of(self, name: str, complaint: str) -> None:
        """Complain, unless it was done before, or there were too many."""
        if name in self._names:
            return
        if len(self._names) >= MAX_NAMES:
            self._names.clear()
        self._names.add(name)
        now = time.monotonic()
        if now - self._minute >= 60:
            self._minute, self._left = now, COMPLAINTS_PER_MINUTE
        if self._left <= 0:
            self._unsaid += 1
            return
        self._left -= 1
        more = f" (and {self._unsaid} others before)" if self._unsaid else ""
        self._unsaid = 0
        _log.warning("Not admitted: %s: %s%s", name, complaint, more)


class AdmittingServer(zmqrpc.Server):
    """
    The master's socket: what it receives is of workers that are admitted.

    Args:
        host: to bind.
        port: to bind; 0 for any free one.
        admissions: who they are.
    """

    def __init__(self, host: str, port: int, admissions: Admissions) -> None:
        ipv4_only = self.ipv4_only(host, port)
        zmqrpc.BaseSocket.__init__(self, zmq.ROUTER, ipv4_only)  # type: ignore[no-untyped-call]
        self.socket.setsockopt(zmq.MAXMSGSIZE, MAX_MESSAGE_BYTES)
        self.socket.setsockopt(zmq.RCVHWM, MAX_WAITING)
        self._admissions = admissions
        self._complaints = Complaints()
        self.port = self._bind(f"tcp://{host}", port)

    def _bind(self, address: str, port: int) -> int:
        if not port:
            return int(self.socket.bind_to_random_port(address))
        try:
            self.socket.bind(f"{address}:{port}")
        except zmq.ZMQError as error:
            raise RPCError(f"Socket bind failure: {error}") from error
        return port

    def recv_from_client(self) -> tuple[str, LocustMessage]:
        """The next message of a worker that is admitted, or the refusal of one that can't be."""
        while True:
            name, data = self._receive()
            if self._admissions.is_admitted(name):
                message = _read(name, data.bytes)
                if message.type not in TO_MASTER:
                    return name, message
            refused = self._answer(name, data)
            if refused:
                return name, _message(Refusal.NAME, Refusal(refused).to_wire(), name)
            gevent.sleep(0)  # one that floods leaves turns to others

    def _receive(self) -> tuple[str, zmq.Frame]:
        try:
            name, *_, data = self.socket.recv_multipart(copy=False)
        except zmq.ZMQError as error:
            raise RPCError("ZMQ network broken") from error
        return name.bytes.decode("utf-8", "backslashreplace"), data

    def _answer(self, name: str, data: zmq.Frame) -> str:
        """Answer who is not admitted; returns why a worker with the run token is refused."""
        reply = self._admissions.receive(name, data.bytes)
        if reply.message is not None:
            with suppress(zmq.ZMQError):
                self.socket.send_multipart([name.encode(), _wire(reply.message, name)], zmq.NOBLOCK)
        if reply.complaint:
            self._complaints.of(f"{quoted(name)} at {data.get('Peer-Address')}", reply.complaint)
        return reply.refused


class JoiningClient(zmqrpc.Client):
    """
    A worker's socket: it carries nothing but the handshake until the worker is admitted.

    Args:
        host: of the master.
        port: of the master.
        name: of the worker.
        joining: its side of the handshake, which outlives a connection.
    """

    def __init__(self, host: str, port: int, name: str, joining: Joining) -> None:
        super().__init__(host, port, name)  # type: ignore[no-untyped-call]
        self._joining = joining
        self._name = name
        self._ready: LocustMessage | None = None
        """Locust's own request to join, which waits for the end of the handshake."""

    def send(self, msg: LocustMessage) -> None:
        """Send a message; before the worker is admitted, its request to join alone."""
        if self._joining.is_admitted:
            super().send(msg)
        elif msg.type == "client_ready":
            self._ready = msg
            self._say(self._joining.request(self._name))

    def recv(self) -> LocustMessage:
        """
        The next message of a master that has admitted this worker.

        Raises:
            InputError: the master refuses this worker, or has another run token.
            NotAdmitted: another master is there.
        """
        while True:
            message = self._receive()
            if message.type not in TO_WORKER and self._joining.is_admitted:
                return message
            answer = self._joining.receive(message.type, message.data)
            if answer is not None:
                self._say(answer)
            if self._joining.is_admitted and self._ready is not None:
                self.send(self._ready)
                self._ready = None

    def _receive(self) -> LocustMessage:
        try:
            data = self.socket.recv()
        except zmq.ZMQError as error:
            raise RPCError("ZMQ network broken") from error
        if self._joining.is_admitted:
            return _read(self._name, data)
        try:
            return _message(*read_message(data), self._name)
        except ValueError:
            return _message("", None, self._name)  # of no master of ours

    def _say(self, message: Message) -> None:
        self.socket.send(_wire(message, self._name), zmq.NOBLOCK)


class FleetMasterRunner(MasterRunner):
    """
    Locust's master, whose workers are admitted by the run token.

    Locust moves users in the greenlet that reads what workers say, whenever one comes or goes,
    and reads nothing until that is done: the last word of another worker would wait unread until
    its process has ended (``findings/locust-reads-nothing-while-it-moves-users.sh``). Here the
    greenlet only reads; ``LocustRunner.begin_missed_dispatch`` moves the users.
    """

    def __init__(
        self, environment: Environment, master_bind_host: str, master_bind_port: int
    ) -> None:
        self.admissions = Admissions(*_own(environment))
        vars(zmqrpc)["Server"] = partial(AdmittingServer, admissions=self.admissions)
        self._listener: object = None
        super().__init__(environment, master_bind_host, master_bind_port)

    def client_listener(self) -> NoReturn:
        """Read what workers say, as long as this process lives."""
        self._listener = gevent.getcurrent()
        super().client_listener()

    def start(
        self,
        user_count: int,
        spawn_rate: float,
        wait: bool = False,  # noqa: FBT001, FBT002  # Locust's own
        user_classes: list[type[User]] | None = None,
    ) -> None:
        """Move users, unless a worker's message is the reason; see above."""
        if gevent.getcurrent() is not self._listener:
            super().start(user_count, spawn_rate, wait, user_classes)


class FleetWorkerRunner(WorkerRunner):
    """Locust's worker, which joins with the run token."""

    def __init__(self, environment: Environment, master_host: str, master_port: int) -> None:
        self._main = gevent.getcurrent()
        self._early: list[LocustMessage] | None = []
        """What has come before ``begin_to_listen`` was through with it; None afterwards."""
        self._listens = False
        where = f"{bracketed(master_host)}:{master_port}"
        self._joins = Joining(*_own(environment), f"the master at {where}")
        vars(zmqrpc)["Client"] = partial(JoiningClient, joining=self._joins)
        super().__init__(environment, joined_host(master_host, master_port), master_port)

    def begin_to_listen(self) -> None:
        """
        Take the start of a run, and messages of ours, which have waited for listeners.

        One after the other, and those that come meanwhile as well: two starts that were taken at
        once would begin two runs.
        """
        self._listens = True
        while self._early:
            super().handle_message(self._early.pop(0))
        self._early = None

    def handle_message(self, msg: LocustMessage) -> None:
        """Take a message of the master."""
        is_ours = msg.type == "spawn" or msg.type.startswith("caretaker_")
        is_early = self._listens or msg.type not in self.custom_messages
        if self._early is not None and is_ours and is_early:
            self._early.append(msg)
        else:
            super().handle_message(msg)

    def worker(self) -> NoReturn:
        """Take the messages of the master, unless it refuses this worker."""
        try:
            super().worker()
        except InputError as error:
            self.end(str(error), BAD_INPUT)
        except NotAdmitted as error:
            self.end(str(error), EXIT_CODES[RunOutcome.FAILED])

    def end(self, why: str, code: int) -> NoReturn:
        """End this process with one line and an exit code; not for its main greenlet."""
        print(f"caretaker: {why}", file=sys.stderr, flush=True)
        gevent.kill(self._main, SystemExit(code))
        raise gevent.GreenletExit


def _own(environment: Environment) -> tuple[RunToken, ProcessFacts]:
    """What this process shows when it joins, or when others do."""
    token = take_run_token(environment.parsed_options)
    try:
        return token, ProcessFacts.own(environment.parsed_locustfiles or ())
    except InputError as error:
        print(f"caretaker: {error}", file=sys.stderr, flush=True)
        raise SystemExit(BAD_INPUT) from error


def _message(kind: str, content: Any, name: str) -> LocustMessage:
    return LocustMessage(kind, content, name)  # type: ignore[no-untyped-call]


def _read(name: str, data: bytes) -> LocustMessage:
    """A message of who is admitted."""
    try:
        message: LocustMessage = LocustMessage.unserialize(data)  # type: ignore[no-untyped-call]
    except (ValueError, TypeError, KeyError) as error:
        raise RPCReceiveError("ZMQ interrupted or corrupted message", addr=name) from error
    return message


def _wire(message: Message, name: str) -> bytes:
    """A message as Locust sends it."""
    made: bytes = _message(message.NAME, message.to_wire(), name).serialize()  # type: ignore[no-untyped-call]
    return made
