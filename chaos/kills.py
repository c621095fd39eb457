"""
``./scripts/chaos kills``: what of a run lives on when the part that it depends on is killed?

Each kill is SIGKILL at a random moment of a short run, from its first process on to its last one.
Then all processes of the run have to end by themselves, and say why.
"""

from __future__ import annotations

import argparse
import os
import re
import shlex
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack, suppress
from pathlib import Path
from random import Random
from typing import NamedTuple, Self

import psutil

from benchmarks.processes import ROOT, environment
from caretaker.run_token import VARIABLE, RunToken
from caretaker.swarm import locustfile
from caretaker.swarm.reserved_port import reserved_port
from chaos.arguments import Parser, whole
from chaos.processes import MARK, marked

WORK = ROOT / "build" / "chaos" / "kills"
BOUND_SECONDS = 5.0
"""So soon after a kill nothing of the run may live."""
WAIT_SECONDS = 120.0
"""After so long what still lives is ended."""
UNSEEN_LOOKS = 25
"""In so many looks nothing of a run is seen when it has ended: one may miss a process that is just
becoming another program, and a busy machine has long pauses between two."""
RUN = (
    *("--users", "60", "--spawn-rate", "20", "--run-time", "6s", "--inform-interval", "2"),
    *("--cr-router", "127.0.0.1:0", "--live-interval", "1"),
)
"""A run of 60 CPEs that grows for half of its time."""
_LOADTEST = str(ROOT / "scripts" / "loadtest")
_LOCUST = ("-m", "locust", "-f", locustfile.PATH)
_WHY = re.compile(r"^caretaker: .*(ends: |interrupted before)", re.MULTILINE)


class Killed(NamedTuple):
    """
    A run of which a part was killed.

    Args:
        at: seconds after its start.
        processes: that lived on then.
        seconds: until the last of them had ended.
        lines: that say why.
        left: those that had to be ended.
    """

    at: float
    processes: int
    seconds: float
    lines: int
    left: Sequence[str]


class ShortRun:
    """
    One run and what it is made of.

    Args:
        folder: for its files and outputs.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._mark = f"{os.getpid()}-{time.time_ns()}"
        self._token = RunToken.made().text
        self._output = folder / "output.log"
        self._ports = ExitStack()
        self._started: list[subprocess.Popen[bytes]] = []
        folder.mkdir(parents=True, exist_ok=True)

    def start(self, *command: str) -> subprocess.Popen[bytes]:
        """Start a process of it, in a session of its own."""
        with self._output.open("ab") as output:
            started = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                # PURE: it does not begin to compile for later runs, which is to outlive it.
                env={**environment(), MARK: self._mark, VARIABLE: self._token,
                     "CARETAKER_PURE": "1"}, cwd=self._folder,
                start_new_session=True,
                preexec_fn=_hear_signals,  # noqa: PLW1509  # there are no threads
            )  # fmt: skip
        self._started.append(started)
        return started

    @property
    def options(self) -> Sequence[str]:
        """Of the run, with its files."""
        return (*RUN, "--summary-json", str(self._folder / "summary.json"))

    def port(self) -> str:
        """One that no other run has."""
        return str(self._ports.enter_context(reserved_port()))

    def in_shell(self) -> str:
        """``./scripts/loadtest`` in a shell that waits for it."""
        return f"{shlex.join([_LOADTEST, *self.options])} >>{self._output} 2>&1; true"

    def living(self) -> list[psutil.Process]:
        """Its processes."""
        return list(marked(self._mark))

    def wait(self, seconds: float) -> float:
        """Seconds until nothing of it lives."""
        began = alive = time.monotonic()
        unseen = 0
        while unseen < UNSEEN_LOOKS and time.monotonic() < began + seconds:
            unseen += 1
            if self.living():
                alive, unseen = time.monotonic(), 0
            time.sleep(0.02)
        return alive - began

    def wait_for(self, text: str) -> None:
        """Wait until one of its processes has written this."""
        deadline = time.monotonic() + WAIT_SECONDS
        while text not in self._output.read_text(errors="replace") and time.monotonic() < deadline:
            time.sleep(0.02)

    def lines(self) -> int:
        """How many of its processes have said why they end."""
        return len(_WHY.findall(self._output.read_text(errors="replace")))

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.end()

    def end(self) -> list[str]:
        """End what still lives; returns it."""
        left = []
        for process in self.living():
            with suppress(psutil.Error):
                left.append(" ".join(process.cmdline()[:6]))
                process.kill()
        for started in self._started:
            started.wait()
        self._ports.close()
        return left


def _hear_signals() -> None:
    """Be started as in a shell, though the kills may run in its background or below ``nohup``."""
    for sign in (signal.SIGINT, signal.SIGHUP):
        signal.signal(sign, signal.SIG_DFL)


Popen = subprocess.Popen[bytes]


def _python(run: ShortRun, *arguments: str) -> Popen:
    return run.start(sys.executable, *arguments)


def _loadtest(run: ShortRun) -> Popen:
    return run.start(_LOADTEST, *run.options)


def _master(run: ShortRun) -> Popen:
    locust = (*_LOCUST, "--headless", "--processes", "2")
    port = run.port()
    return _python(run, *locust, "--master-bind-port", port, "--master-port", port, *run.options)


def _terminal(run: ShortRun) -> Popen:
    emulator = "import pty, sys; pty.spawn(sys.argv[1:])"
    return _python(run, "-c", emulator, "bash", "-c", run.in_shell())


def _shell(run: ShortRun) -> Popen:
    return run.start("bash", "-c", run.in_shell())


def _master_of_a_remote_worker(run: ShortRun) -> Popen:
    port = run.port()
    at = ("--master-bind-host", "127.0.0.1", "--master-bind-port", port, "--expect-workers", "1")
    master = _python(run, *_LOCUST, "--headless", "--master", *at, *run.options)
    _python(run, *_LOCUST, "--worker", "--master-port", port)
    run.wait_for("reported as ready")  # one without a master waits for it, whenever it comes
    return master


TARGETS: Mapping[str, Callable[[ShortRun], Popen]] = {
    "loadtest": _loadtest,
    "master": _master,
    "terminal": _terminal,
    "shell": _shell,
    "remote": _master_of_a_remote_worker,
}
"""Starts a run, the last one until its worker has joined; returns what is to be killed."""


def kill(run: ShortRun, target: str, at: float) -> Killed:
    """Start a run, and kill its target so many seconds later."""
    with run:
        victim = TARGETS[target](run)
        time.sleep(at)
        victim.kill()
        victim.wait()
        processes, seconds = len(run.living()), run.wait(WAIT_SECONDS)
        return Killed(at, processes, seconds, run.lines(), run.end())


def length(run: ShortRun, target: str) -> float:
    """Seconds that a run takes which nothing happens to."""
    with run:
        TARGETS[target](run)
        return run.wait(WAIT_SECONDS)


def main(arguments: Sequence[str]) -> int:
    """Kill each target so often; returns 1 if something lived on for too long."""
    given = _parser().parse_args(arguments)
    shutil.rmtree(WORK, ignore_errors=True)
    killed = [each for target in given.target for each in _kills(target, given.seed, given.kills)]
    longest = max(each.seconds for each in killed)
    late = [each for each in killed if each.left or each.seconds > BOUND_SECONDS]
    print(f"{len(killed)} kills, seed {given.seed}: the last process ended {longest:.2f} s after "
          f"one at the latest; {len(late)} were later than {BOUND_SECONDS:g} s")  # fmt: skip
    return 1 if late else 0


def _kills(target: str, seed: int, number: int) -> list[Killed]:
    rng, folder = Random(f"{seed}/{target}"), WORK / target
    whole = length(ShortRun(folder / "whole"), target)
    print(f"{target}: a run takes {whole:.1f} s", flush=True)
    killed = []
    for nth in range(number):
        each = kill(ShortRun(folder / str(nth)), target, rng.uniform(0.0, whole))
        killed.append(each)
        print(f"  killed at {each.at:5.2f} s: {each.processes} processes lived on, the last for "
              f"{each.seconds:.2f} s; {each.lines} said why"
              f"{'; LEFT ' + ', '.join(each.left) if each.left else ''}", flush=True)  # fmt: skip
    return killed


def _parser() -> argparse.ArgumentParser:
    parser = Parser("scripts/chaos kills", description="What lives on after a kill?")
    parser.add_argument("--seed", type=whole(0), default=1, metavar="N", help="of the moments")
    parser.add_argument(
        "--kills", type=whole(1), default=10, metavar="N", help="of each target (10)"
    )
    parser.add_argument(
        "--target", nargs="+", choices=TARGETS, default=list(TARGETS), help="all of them"
    )
    return parser
