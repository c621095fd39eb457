"""The processes of a run: the ACS, the master, the workers; to be frozen, killed and counted."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from collections.abc import Callable, Iterator, Sequence
from pathlib import Path

import psutil

from benchmarks.processes import environment

MARK = "CHAOS_RUN"
"""The variable that all processes of a run inherit, with its name as the value."""
LAST_LINES = 10
FOLDER = "CHAOS_FOLDER"
"""The variable that names the folder of the counts of greenlets."""


class Part:
    """
    One of the processes of a run, which may end and be started again.

    Args:
        name: of it and its output.
        command: the arguments of Python for the n-th start, n from 0.
        folder: for its output.
        variables: of its environment, beside those of this process.
    """

    def __init__(
        self,
        name: str,
        command: Callable[[int], Sequence[str]],
        folder: Path,
        variables: dict[str, str],
    ) -> None:
        self.name = name
        self.output = folder / f"{name.replace(' ', '-')}.log"
        self._command = command
        self._environment = {**environment(), **variables, "PYTHONUNBUFFERED": "1"}
        self._starts = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """Of the present process."""
        assert self._process is not None
        return self._process.pid

    def last_lines(self) -> list[str]:
        """The last lines of its output."""
        return self.output.read_text(errors="replace").splitlines()[-LAST_LINES:]

    @property
    def exit_code(self) -> int | None:
        """How it has ended; None while it runs."""
        assert self._process is not None
        return self._process.poll()

    def start(self) -> None:
        """Start it; once more if it has ended."""
        with self.output.open("ab") as output:
            self._process = subprocess.Popen(
                [sys.executable, "-m", *self._command(self._starts)],
                stdin=subprocess.DEVNULL, stdout=output, stderr=subprocess.STDOUT,
                env=self._environment, cwd=self.output.parent,
            )  # fmt: skip
        self._starts += 1

    def freeze(self) -> None:
        """Have it stand still."""
        os.kill(self.pid, signal.SIGSTOP)

    def thaw(self) -> None:
        """Have it go on."""
        os.kill(self.pid, signal.SIGCONT)

    def kill(self) -> None:
        """End it as a crash does."""
        assert self._process is not None
        self._process.kill()
        self._process.wait()

    def end(self, seconds: float) -> None:
        """Ask it to end, and wait; kill it if it has not ended by then."""
        assert self._process is not None
        self._process.terminate()
        try:
            self._process.wait(seconds)
        except subprocess.TimeoutExpired:
            self.kill()

    def descriptors(self, left_out: int) -> int:
        """How many it has open, without connections from or to a port."""
        connections = psutil.Process(self.pid).net_connections("tcp")
        of_port = {each.fd for each in connections if left_out in _ports(each.laddr, each.raddr)}
        return len({int(each.name) for each in Path(f"/proc/{self.pid}/fd").iterdir()} - of_port)


def _ports(*ends: object) -> list[int]:
    """Their ports; an end that there is not has none."""
    return [getattr(end, "port", 0) for end in ends]


def marked(mark: str) -> Iterator[psutil.Process]:
    """The processes of a run, whoever their parent is."""
    for process in psutil.process_iter():
        try:
            if process.pid != os.getpid() and process.environ().get(MARK) == mark:
                yield process
        except psutil.Error:
            continue  # it has ended, or belongs to someone else
