"""Who takes part in a run over several machines, and what becomes of the others."""

from __future__ import annotations

import json
import re
import signal
from pathlib import Path
from typing import Any

import msgpack
import pytest
import zmq.green as zmq
from helpers.processes import LOCUSTFILE, RUN_TOKEN, Process, free_port, process
from helpers.waiting import PATIENCE

pytestmark = [pytest.mark.processes]
SECRET = "hidden-password"


def refused(path: Path, *command: str) -> str:
    """What a worker says that ends with exit code 2; it is one line beside Locust's log."""
    with process(path, *command) as worker:
        assert worker.process.wait(PATIENCE) == 2, worker.text
    (line,) = (line for line in worker.text.splitlines() if not line.startswith("["))
    return line


def report(port: int) -> None:
    """Tell a master of a thousand failures, as a worker of another run does."""
    error = {"name": "GET", "method": "GET", "error": "no", "occurrences": 1000}
    snapshot = {"stats": [], "stats_total": {}, "errors": {"no": error}, "user_classes_count": {}}
    socket: Any = zmq.Context().socket(zmq.DEALER)
    socket.setsockopt(zmq.IDENTITY, b"stranger")
    socket.connect(f"tcp://127.0.0.1:{port}")
    for _ in range(10):
        socket.send(msgpack.packb(("stats", snapshot, "stranger")))
    assert b"caretaker_not_admitted" in socket.recv()
    socket.context.destroy(linger=0)


def not_admitted(master: Process, name: str) -> int:
    """How many lines the master has said of those who are not admitted, by that name."""
    return len(re.findall(f"Not admitted: {name}.* at 127.0.0.1: ", master.text))


def test_only_who_has_the_token_and_the_same_program_takes_part(tmp_path: Path) -> None:
    port, summary = free_port(), tmp_path / "summary.json"
    token, other = tmp_path / "token", tmp_path / "other.py"
    token.write_text("another-run-token")
    other.write_text(Path(LOCUSTFILE).read_text() + "# changed\n")
    older = tmp_path / "older.py"
    older.write_text("import caretaker\ncaretaker.__version__ = '0.0.9'\n" + other.read_text())
    common = ("locust", "-f", LOCUSTFILE)
    joining = ("--worker", "--master-port", str(port))
    with process(
        tmp_path / "master",
        *(*common, "--master", "--headless", "--expect-workers", "1", "--users", "20"),
        *("--spawn-rate", "20", "--run-time", "0", "--master-bind-port", str(port)),
        *("--cr-rate", "0", "--acs-password", SECRET, "--live-interval", "1"),
        *("--summary-json", str(summary)),
    ) as master:
        master.wait_for("A worker joins with the same run token")
        line = refused(tmp_path / "stranger", *common, *joining, "--run-token-file", str(token))
        assert line.startswith(f"caretaker: the master at 127.0.0.1:{port} has another run token")
        with process(tmp_path / "worker", *common, *joining) as worker:
            master.wait_for(r"CPEs +20 ")
            line = refused(tmp_path / "older", "locust", "-f", str(older), *joining)
            assert "refuses this worker: Caretaker 0.0.9, and the master has " in line
            line = refused(tmp_path / "other", "locust", "-f", str(other), *joining)
            assert "refuses this worker: another locustfile (SHA-256 " in line
            report(port)
            assert master.stop(signal.SIGINT) == 1
            assert worker.process.wait(PATIENCE) == 0
    told = json.loads(summary.read_text())
    assert [name.partition(": ")[2][:9] for name in told["workers_refused"]] == [
        "Caretaker", "another l",
    ]  # fmt: skip
    assert told["fleet"]["workers_joined"] == 1
    assert "requests of other users failed" not in master.text
    assert not_admitted(master, "stranger") == 1
    assert not_admitted(master, "") == 2
    for text in (master.text, worker.text, summary.read_text()):
        assert RUN_TOKEN not in text
        assert SECRET not in text


def test_a_worker_needs_a_token(tmp_path: Path) -> None:
    with process(
        tmp_path / "worker", "locust", "-f", LOCUSTFILE, "--worker", "--run-token-file", "gone"
    ) as worker:
        assert worker.process.wait(PATIENCE) == 2
    assert worker.text.endswith("argument --run-token-file: gone: No such file or directory\n")


def test_a_worker_of_another_locustfile_ends_a_run_that_has_not_begun(tmp_path: Path) -> None:
    port, other = free_port(), tmp_path / "other.py"
    other.write_text(Path(LOCUSTFILE).read_text() + "# changed\n")
    with process(
        tmp_path / "master",
        *("locust", "-f", LOCUSTFILE, "--master", "--headless", "--expect-workers", "1"),
        *("--master-bind-port", str(port)),
    ) as master:
        joining = ("--worker", "--master-port", str(port))
        line = refused(tmp_path / "worker", "locust", "-f", str(other), *joining)
        assert "refuses this worker: another locustfile" in line
        assert master.process.wait(PATIENCE) == 2
    assert re.search(r"\ncaretaker: worker \S+: another locustfile \(SHA-256 ", master.text)
