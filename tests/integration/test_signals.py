"""Ctrl-C, TERM and HUP at any moment of a run: one line or one summary, and no process is left."""

from __future__ import annotations

import os
import signal
from collections.abc import Iterator
from pathlib import Path

import psutil
import pytest
from helpers.processes import LOCUSTFILE, free_port, process
from helpers.waiting import PATIENCE

pytestmark = [pytest.mark.processes]
RUN = ("caretaker", "run", "--run-time", "1h", "--live-interval", "1")
IMPORTED = """
import sys
print("importing", flush=True)
import time
time.sleep(3600)
"""
STOPPING = """
from locust import events
events.test_stopping.add_listener(lambda **_: print("stopping", flush=True))
"""
BY_TERMINAL = {signal.SIGINT: True, signal.SIGTERM: False, signal.SIGHUP: True}
"""Whether a signal reaches all processes of a terminal, and not only the one that is named."""
every_signal = pytest.mark.parametrize("sign", BY_TERMINAL, ids=lambda sign: sign.name)


@pytest.fixture(autouse=True)
def hangups() -> Iterator[None]:
    """Processes inherit that SIGHUP ends them, though these tests may run below ``nohup``."""
    before = signal.signal(signal.SIGHUP, signal.SIG_DFL)
    yield
    signal.signal(signal.SIGHUP, before)


def end(leader: int, sign: signal.Signals) -> None:
    (os.killpg if BY_TERMINAL[sign] else os.kill)(leader, sign)


def session_of(pid: int) -> int | None:
    """The session of any process of this machine; None if it has ended."""
    try:
        return os.getsid(pid)
    except ProcessLookupError:
        return None


def wait_until_gone(leader: int) -> None:
    """All processes of the session end; whoever does not is ended, and fails the test."""
    # By session, as the embedded ACS has a group of its own.
    members = [each for each in psutil.process_iter() if session_of(each.pid) == leader]
    _, alive = psutil.wait_procs(members, timeout=120)
    for each in alive:
        each.kill()
    assert alive == []


@every_signal
@pytest.mark.parametrize(
    ("arguments", "state"),
    [
        ((), "importing"),  # of the locustfile
        (("--master", "--expect-workers", "1"), "Embedded ACS"),  # no worker ever comes
    ],
)
def test_before_a_run_it_is_one_line(
    tmp_path: Path, sign: signal.Signals, arguments: tuple[str, ...], state: str
) -> None:
    locustfile = tmp_path / "own.py"
    before = IMPORTED if state == "importing" else ""
    locustfile.write_text(before + Path(LOCUSTFILE).read_text())
    port = ("--master-bind-port", str(free_port()))
    command = ("caretaker", "run", "-f", str(locustfile), *arguments, *port)
    with process(tmp_path / "out", *command, group=True) as running:
        running.wait_for(state)
        end(running.process.pid, sign)
        assert running.process.wait(PATIENCE) == 128 + sign, running.text
    assert running.text.count("caretaker: interrupted before a run began") == 1
    assert "Traceback" not in running.text
    assert "Summary" not in running.text
    wait_until_gone(running.process.pid)


@every_signal
@pytest.mark.parametrize("state", ["All users spawned|Ramping to", r"CPEs +30 ", "stopping"])
@pytest.mark.parametrize("processes", ["0", "2"])
def test_of_a_run_there_is_one_summary(
    tmp_path: Path, sign: signal.Signals, state: str, processes: str
) -> None:
    locustfile = tmp_path / "own.py"
    locustfile.write_text(STOPPING + Path(LOCUSTFILE).read_text())
    summary = tmp_path / "summary.json"
    command = ("caretaker", "run", "-f", str(locustfile), "--run-time", "1h", "--users", "30")
    more = ("--processes", processes, "--live-interval", "1", "--summary-json", str(summary))
    with process(tmp_path / "out", *command, *more, group=True) as running:
        if state == "stopping":
            running.wait_for(r"CPEs +30 ")
            end(running.process.pid, signal.SIGTERM)
        running.wait_for(state)
        end(running.process.pid, sign)
        running.process.wait(PATIENCE)
    if sign != signal.SIGHUP:  # which leaves seconds: a busy machine may not get so far
        assert summary.exists(), running.text
        assert running.text.count("\nResult ") == 1, running.text
    assert running.text.count("\nResult ") <= 1, running.text
    assert "Traceback" not in running.text
    wait_until_gone(running.process.pid)
