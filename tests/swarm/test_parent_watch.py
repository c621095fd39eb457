"""No process outlives its parent, whatever its own loop does, unless it was started to do so."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import pytest

from caretaker.swarm.start_signals import LOOK_SECONDS

MASTER = """
import os, signal, sys
from caretaker.swarm.parent_watch import ParentWatch
from caretaker.swarm.prompt_end import PromptEnd
ParentWatch(PromptEnd())
reading, writing = os.pipe()
if (child := os.fork()) == 0:
    os.write(writing, b"there")
    while True:
        {busy_with}
os.read(reading, 5)
if sys.argv[1:]:
    os.waitpid(child, os.WUNTRACED)
"""
WORKER = """
import sys, time
from caretaker.swarm.parent_watch import ParentWatch
from caretaker.swarm.prompt_end import PromptEnd
ParentWatch(PromptEnd()).watch_starter()
print("there", flush=True)
time.sleep(3600)
"""
EARLY = """
from caretaker.swarm.start_signals import end_with_starter
end_with_starter()
print("there", flush=True)
while True:  # as when modules are imported
    pass
"""
STARTER = """
import subprocess, sys
child = subprocess.Popen([sys.executable, "-c", sys.argv[1]], stdout=subprocess.PIPE)
child.stdout.readline()
"""
SLOW = f"""
import time
time.sleep({2 * LOOK_SECONDS})
class Process:
    def children(self):
        return []
"""
"""Stands for psutil, which is imported at the end."""
ASKS = "from caretaker.swarm.start_signals import outlives_its_starter as asked; print(asked())"
pytestmark = pytest.mark.processes


def output(*command: str) -> str:
    """What a command and all that it starts write, when all of it has ended."""
    before = [signal.signal(sign, signal.SIG_DFL) for sign in (signal.SIGHUP, signal.SIGINT)]
    try:  # a process inherits what is ignored, as below nohup
        done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
                              timeout=120, check=True)  # fmt: skip
    finally:
        for sign, handler in zip((signal.SIGHUP, signal.SIGINT), before, strict=True):
            signal.signal(sign, handler)
    assert "Traceback" not in done.stdout
    return done.stdout


def test_a_forked_worker_ends_though_its_loop_never_turns() -> None:
    assert "ends: its master (process" in output(
        sys.executable, "-c", MASTER.format(busy_with="pass")
    )


@pytest.mark.skipif(sys.platform != "linux", reason="others can't wake a frozen process")
def test_a_forked_worker_ends_though_it_is_frozen() -> None:
    stops = "os.kill(os.getpid(), signal.SIGSTOP)"
    program = MASTER.format(busy_with=f"{stops}; reading, writing = os.pipe(); os.read(reading, 1)")
    assert "ends: its master (process" in output(sys.executable, "-c", program, "frozen")


@pytest.mark.parametrize("run", [WORKER, EARLY])
def test_a_run_ends_with_the_process_that_started_it(run: str) -> None:
    assert "ends: its starter (process" in output(sys.executable, "-c", STARTER, run)


def test_it_ends_in_one_line_though_a_busy_machine_takes_longer_than_until_the_next_look(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "psutil.py").write_text(SLOW)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    assert "ends: its starter (process" in output(sys.executable, "-c", STARTER, EARLY)


@pytest.mark.parametrize(
    ("command", "outlives"),
    [
        ((), "False"),
        (("nohup",), "True"),
        (("setsid", "--wait"), "True"),
        (("sh", "-c", '"$@" & wait', "sh"), "True"),
        (("sh", "-c", '"$@"; true', "sh"), "False"),
    ],
)
def test_a_run_outlives_its_starter_where_it_is_meant_to(
    command: tuple[str, ...], outlives: str
) -> None:
    if command and shutil.which(command[0]) is None:
        pytest.skip(f"no {command[0]} here")
    assert outlives in output(*command, sys.executable, "-c", ASKS)
