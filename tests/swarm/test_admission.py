"""Locust's sockets and runners, which see only who is admitted."""

from __future__ import annotations

from argparse import Namespace
from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any, NoReturn

import gevent
import msgpack
import pytest
import zmq.green as zmq
from gevent.event import Event
from gevent.queue import Queue
from locust import env
from locust.env import Environment
from locust.rpc import Message as LocustMessage
from locust.rpc import zmqrpc
from locust.runners import STATE_RUNNING, MasterRunner, WorkerRunner

from caretaker.errors import InputError, NotAdmitted
from caretaker.run_token import RunToken
from caretaker.swarm.admission import (
    COMPLAINTS_PER_MINUTE,
    MAX_MESSAGE_BYTES,
    MAX_NAMES,
    MAX_WAITING,
    AdmittingServer,
    Complaints,
    FleetMasterRunner,
    FleetWorkerRunner,
    JoiningClient,
    use_admission,
)
from caretaker.swarm.joining import Admissions, Joining, ProcessFacts
from caretaker.swarm.worker_messages import Refusal

TOKEN, OTHER = RunToken("of-the-whole-run"), RunToken("of-some-other-run")
FACTS = ProcessFacts("1.2.3", "ab" * 32, "3.11.2", "loadgen-0", 7)
LONGEST = 60.0
"""Seconds after which a test has failed, as nothing comes."""


def message(kind: str, content: Any = None, name: str = "w1") -> LocustMessage:
    return LocustMessage(kind, content, name)  # type: ignore[no-untyped-call]


def end(socket: Any) -> None:
    """Close a socket, and the context that Locust gives to each."""
    socket.context.destroy(linger=0)


class Port:
    """A master's socket, and what Locust gets of it."""

    def __init__(self) -> None:
        self.admissions = Admissions(TOKEN, FACTS)
        self.server = AdmittingServer("127.0.0.1", 0, self.admissions)
        self.heard: Queue[tuple[str, str]] = Queue()
        self._reading = gevent.spawn(self._read)
        self._sockets: list[Any] = [self.server.socket]

    def _read(self) -> None:
        while True:
            name, heard = self.server.recv_from_client()
            self.heard.put((name, heard.type))

    def next(self) -> tuple[str, str]:
        """Sender and type of the next message that Locust gets."""
        heard: tuple[str, str] = self.heard.get(timeout=LONGEST)
        return heard

    def client(
        self, name: str = "w1", token: RunToken = TOKEN, facts: ProcessFacts = FACTS
    ) -> JoiningClient:
        """A worker's socket, whose worker wants to join."""
        joining = Joining(token, facts, "the master")
        made = JoiningClient("127.0.0.1", self.server.port, name, joining)
        self._sockets.append(made.socket)
        made.send(message("client_ready", "2.47.0", name))
        return made

    def stranger(self) -> Any:
        """A socket that sends what it likes."""
        made: Any = zmq.Context().socket(zmq.DEALER)
        made.connect(f"tcp://127.0.0.1:{self.server.port}")
        self._sockets.append(made)
        return made

    def close(self) -> None:
        self._reading.kill()
        for socket in self._sockets:
            end(socket)


@pytest.fixture
def port() -> Iterator[Port]:
    made = Port()
    yield made
    made.close()


def within(call: Any) -> Any:
    """What a call returns, if it does."""
    return gevent.with_timeout(LONGEST, call)


def joined(client: JoiningClient, port: Port) -> None:
    """Have a client join, until Locust has been asked to take it."""
    reading = gevent.spawn(client.recv)
    assert port.next() == ("w1", "client_ready")
    port.server.send_to_client(message("ack"))
    assert reading.get(timeout=LONGEST).type == "ack"


def test_locust_sees_a_worker_from_when_it_is_admitted(port: Port) -> None:
    client = port.client()
    client.send(message("stats", {}))  # too early: it goes to nobody
    joined(client, port)
    client.send(message("stats", {}))
    assert port.next() == ("w1", "stats")


def test_a_worker_joins_once_though_it_asks_again(port: Port) -> None:
    client = port.client()
    client.send(message("client_ready"))
    joined(client, port)
    client.send(message("stats", {}))
    assert port.next() == ("w1", "stats")


def test_a_worker_with_another_token_ends_and_locust_never_hears_of_it(
    port: Port, caplog: pytest.LogCaptureFixture
) -> None:
    client = port.client("w2", OTHER)
    client.send(message("client_ready"))
    with pytest.raises(InputError, match="the master has another run token"):
        within(client.recv)
    joined(port.client(), port)
    (line,) = caplog.messages
    assert line.startswith("Not admitted: w2 at 127.0.0.1: it has another run token; give")


def test_a_worker_of_another_version_is_refused_and_the_run_hears_why(port: Port) -> None:
    client = port.client("w2", facts=ProcessFacts("9.9", "", "", "", 1))
    with pytest.raises(InputError, match=r"the master refuses this worker: Caretaker 9\.9, and"):
        within(client.recv)
    assert port.next() == ("w2", Refusal.NAME)


def test_the_reports_of_a_stranger_reach_nobody_and_it_is_told_so(
    port: Port, caplog: pytest.LogCaptureFixture
) -> None:
    client = port.client()
    client._joining.is_admitted = True  # by the master that was there before
    for kind in ("heartbeat", "stats", "exception", "spawning_complete", "locustfile"):
        client.send(message(kind, {}))
    with pytest.raises(NotAdmitted, match="has been started again"):
        within(client.recv)
    assert port.heard.empty()
    assert [line.partition(" at ")[0] for line in caplog.messages] == ["Not admitted: w1"]


@pytest.mark.parametrize(
    "frames",
    [
        [b""],
        [b"\xc1"],
        [b"", b""],
        [b"GET / HTTP/1.1\r\n\r\n"],
        [msgpack.packb(("stats", {"__datetime__": 1, "as_str": 1}, "w1"))],
        [msgpack.packb(("quit", None, "w1"))],
        [b"x" * (MAX_MESSAGE_BYTES + 1)],
    ],
)
def test_nothing_that_a_stranger_sends_stops_the_master(port: Port, frames: list[bytes]) -> None:
    stranger = port.stranger()
    for _ in range(50):
        stranger.send_multipart(frames)
    joined(port.client(), port)
    assert port.heard.empty()


def test_who_floods_leaves_turns_to_workers(port: Port) -> None:
    stranger = port.stranger()
    flood = msgpack.packb(("caretaker_join", {"nonce": b"n"}, "x"))
    flooding = gevent.spawn(lambda: [stranger.send(flood) for _ in range(5000)])
    joined(port.client(), port)
    flooding.kill()
    assert not port.admissions.is_admitted("x")


def test_few_messages_of_a_connection_wait_at_the_master(port: Port) -> None:
    assert port.server.socket.getsockopt(zmq.RCVHWM) == MAX_WAITING


def test_a_stranger_in_the_place_of_the_master_is_not_believed() -> None:
    server: Any = zmqrpc.Server("127.0.0.1", 0)  # type: ignore[no-untyped-call]
    client = JoiningClient("127.0.0.1", server.port, "w1", Joining(TOKEN, FACTS, "the master"))
    client.send(message("client_ready"))
    assert within(server.recv_from_client)[1].type == "caretaker_join"
    for kind in ("ack", "spawn", "caretaker_secrets", "quit"):
        server.send_to_client(message(kind, {"index": 0}))
    server.socket.send_multipart([b"w1", b"\xc1"])
    verdict = {"refusal": "", "proof": b"p"}
    server.send_to_client(message("caretaker_challenge", {"challenge": b"c"}))
    server.send_to_client(message("caretaker_join_verdict", verdict))
    with pytest.raises(InputError, match="another run token"):
        within(client.recv)
    for each in (server, client):
        end(each.socket)


def test_complaints_are_of_each_once_and_of_so_many_in_a_minute(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = SimpleNamespace(monotonic=lambda: 1000.0)
    monkeypatch.setattr("caretaker.swarm.admission.time", now)
    complaints = Complaints()
    for name in range(MAX_NAMES * 3):
        complaints.of(f"w{name}", "why")
        complaints.of(f"w{name}", "why")
    assert caplog.messages == [f"Not admitted: w{n}: why" for n in range(COMPLAINTS_PER_MINUTE)]
    assert len(complaints._names) <= MAX_NAMES
    caplog.clear()
    now.monotonic = lambda: 1060.0
    complaints.of("late", "why")
    left = MAX_NAMES * 3 - COMPLAINTS_PER_MINUTE
    assert caplog.messages == [f"Not admitted: late: why (and {left} others before)"]


class TestRunners:
    @pytest.fixture(autouse=True)
    def as_before(self, monkeypatch: pytest.MonkeyPatch) -> None:
        for module, name in ((zmqrpc, "Server"), (zmqrpc, "Client"), (env, "MasterRunner"),
                             (env, "WorkerRunner")):  # fmt: skip
            monkeypatch.setattr(module, name, getattr(module, name))

    @staticmethod
    def environment(token: RunToken = TOKEN) -> Environment:
        options = Namespace(caretaker_run_token=token, enable_rebalancing=True, web_base_path="")
        return Environment(parsed_options=options, parsed_locustfiles=[__file__])

    @pytest.fixture
    def master(self) -> Iterator[FleetMasterRunner]:
        use_admission()
        made: Any = self.environment().create_master_runner("127.0.0.1", 0)
        yield made
        made.greenlet.kill(block=True)
        end(made.server.socket)

    def worker(self, master: FleetMasterRunner, token: RunToken = TOKEN) -> FleetWorkerRunner:
        made: Any = self.environment(token).create_worker_runner("127.0.0.1", master.server.port)
        return made  # type: ignore[no-any-return]

    @staticmethod
    def stop(worker: FleetWorkerRunner) -> None:
        worker.greenlet.kill(block=True)
        end(worker.client.socket)

    def test_locust_makes_them(self, master: FleetMasterRunner) -> None:
        assert isinstance(master, FleetMasterRunner)
        worker = self.worker(master)
        assert isinstance(worker, FleetWorkerRunner)
        assert list(master.clients) == [worker.client_id]
        assert master.admissions.is_admitted(worker.client_id)
        self.stop(worker)

    def test_the_token_does_not_stay_among_the_options(self, master: FleetMasterRunner) -> None:
        options: Any = master.environment.parsed_options
        assert "caretaker_run_token" not in vars(options)

    def test_a_worker_that_is_refused_ends_with_exit_code_2(
        self,
        master: FleetMasterRunner,
        capsys: pytest.CaptureFixture[str],
        monkeypatch: pytest.MonkeyPatch,
    ) -> None:
        refused: list[FleetWorkerRunner] = []
        end_process = FleetWorkerRunner.end

        def end(self: FleetWorkerRunner, why: str, code: int) -> NoReturn:
            refused.append(self)
            end_process(self, why, code)

        monkeypatch.setattr(FleetWorkerRunner, "end", end)
        with pytest.raises(SystemExit) as ended:
            within(lambda: self.worker(master, OTHER))
        self.stop(refused[0])
        assert ended.value.code == 2
        line = capsys.readouterr().err
        assert line.startswith("caretaker: the master at 127.0.0.1:")
        assert line.count("\n") == 1

    def test_what_comes_before_there_are_listeners_waits_for_them(
        self, master: FleetMasterRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        worker = self.worker(master)
        heard: list[str] = []
        monkeypatch.setattr(
            WorkerRunner, "handle_message", lambda _, message: heard.append(message.type)
        )
        for kind in ("caretaker_secrets", "spawn", "heartbeat"):
            worker.handle_message(message(kind))
        assert heard == ["heartbeat"]
        worker.begin_to_listen()
        worker.handle_message(message("spawn"))
        assert heard == ["heartbeat", "caretaker_secrets", "spawn", "spawn"]
        self.stop(worker)

    def test_the_master_reads_on_while_users_are_to_be_moved(
        self, master: FleetMasterRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        """A dispatch takes seconds, in which the last word of a worker would wait unread."""
        starts: list[int] = []
        monkeypatch.setattr(MasterRunner, "start", lambda _, users, *__: starts.append(users))
        vars(master).update(state=STATE_RUNNING, spawning_completed=True, target_user_count=4)
        is_read = Event()
        master.register_message("caretaker_said", lambda **_: is_read.set())
        worker = self.worker(master)  # rebalancing is on: Locust's own master would move users
        worker.send_message("caretaker_said")
        assert is_read.wait(LONGEST)
        assert starts == []
        master.start(4, 1)
        assert starts == [4]
        self.stop(worker)

    def test_a_second_start_waits_until_the_first_was_taken(
        self, master: FleetMasterRunner, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        worker = self.worker(master)
        heard: list[str] = []

        def take(_: WorkerRunner, start: LocustMessage) -> None:
            if start.data == "first":  # another one comes while this one is taken
                worker.handle_message(message("spawn", "second"))
            heard.append(start.data)

        monkeypatch.setattr(WorkerRunner, "handle_message", take)
        worker.handle_message(message("spawn", "first"))
        worker.begin_to_listen()
        worker.handle_message(message("spawn", "third"))
        assert heard == ["first", "second", "third"]
        self.stop(worker)
