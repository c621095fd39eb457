"""A process that can't take part in a run, or whose workers can't."""

from __future__ import annotations

import subprocess
import sys
from typing import Any

import gevent
import psutil
import pytest
from helpers.processes import environment
from helpers.run_states import FakeRunner

from caretaker.errors import InputError
from caretaker.swarm import refusals
from caretaker.swarm.refusals import Refusals

SLOW_WORKER = """
import os, signal, sys, time
from caretaker.swarm.parent_watch import ParentWatch
from caretaker.swarm.prompt_end import PromptEnd
ParentWatch(PromptEnd())
reading, writing = os.pipe()
if os.fork() == 0:
    signal.signal(signal.SIGTERM, signal.SIG_IGN)  # as one that does not come to it
    os.write(writing, b"there")
    while True:
        time.sleep(1)
os.read(reading, 5)
"""
ENDS = {
    "refused": """
from caretaker.errors import InputError
from caretaker.swarm.refusals import Refusals
from helpers.run_states import FakeRunner
Refusals(FakeRunner(), forks=True).refuse(InputError("--state x: of another fleet"))
""",
    "interrupted": """
from caretaker.swarm.start_signals import end_before_run
end_before_run(os.getpid(), signal.SIGINT)
""",
}


@pytest.fixture(autouse=True)
def ended(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The workers that were ended."""
    names: list[str] = []

    class Child:
        def kill(self) -> None:
            names.append("worker")

    class Process:
        def children(self) -> list[Child]:
            return [Child()]

    monkeypatch.setattr(psutil, "Process", Process)
    return names


def test_bad_input_is_one_line_and_no_worker_is_left(
    ended: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    runner = FakeRunner()
    made = Refusals(runner, forks=False)
    with pytest.raises(SystemExit, match="2"):
        made.refuse(InputError("--users x: no number"))
    assert capsys.readouterr().err == "caretaker: --users x: no number\n"
    assert (ended, runner.ends, made.exit_code) == (["worker"], ["quit"], 2)
    with pytest.raises(SystemExit, match="2"):
        made.refuse(InputError("--again"))
    assert capsys.readouterr().err == ""


@pytest.mark.parametrize("forks", [True, False])
def test_a_worker_tells_its_master_and_one_that_was_forked_waits_for_its_end(
    monkeypatch: pytest.MonkeyPatch, ended: list[str], *, forks: bool
) -> None:
    waits: list[float] = []
    monkeypatch.setattr(refusals, "WorkerRunner", FakeRunner)
    monkeypatch.setattr(gevent, "sleep", waits.append)
    runner: Any = FakeRunner()
    with pytest.raises(SystemExit, match="2"):
        Refusals(runner, forks=forks).refuse(InputError("no disk"))
    assert [sent["reason"] for _, sent in runner.sent] == ["no disk"]
    assert (bool(waits), ended) == (forks, [])


@pytest.mark.parametrize(
    ("forks", "said"), [(True, ""), (False, "caretaker: worker w1: no disk\n")]
)
def test_what_a_forked_worker_has_said_is_not_said_again(
    capsys: pytest.CaptureFixture[str], *, forks: bool, said: str
) -> None:
    made = Refusals(FakeRunner(), forks=forks)
    made.refused_by("w1", "no disk")
    with pytest.raises(SystemExit, match="2"):
        gevent.sleep(0)
    assert (capsys.readouterr().err, made.exit_code) == (said, 2)
    made.end("once more", 1)
    assert (capsys.readouterr().err, made.exit_code) == ("", 2)


@pytest.mark.processes
@pytest.mark.parametrize("end", ENDS)
def test_a_worker_that_is_slow_to_end_says_nothing_of_its_master(end: str) -> None:
    done = subprocess.run(
        [sys.executable, "-c", SLOW_WORKER + ENDS[end]],
        env=environment(),
        capture_output=True,  # until the worker has ended, too
        text=True,
        timeout=120,
        check=False,
    )
    assert done.returncode in (2, 130)
    assert len(done.stderr.splitlines()) == 1, done.stderr
