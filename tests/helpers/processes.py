"""Running Caretaker as its users do: as processes."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

ROOT = Path(__file__).parents[2]


def environment() -> dict[str, str]:
    """The environment without what tests or users have set for Locust and us."""
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("LOCUST_", "CARETAKER_"))}
    return {**kept, "PYTHONUNBUFFERED": "1", "PYTHONPATH": str(ROOT / "tests")}


def free_port() -> int:
    """A port of loopback that no one listens at."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def run(
    *arguments: str, timeout: float = 300, cwd: Path | None = None, prefix: Sequence[str] = ()
) -> subprocess.CompletedProcess[str]:
    """``python -m`` these arguments, to its end; behind a prefix like ``prlimit``."""
    return subprocess.run(
        [*prefix, sys.executable, "-m", *arguments],
        capture_output=True,
        text=True,
        timeout=timeout,
        env=environment(),
        cwd=cwd or ROOT,
        check=False,
    )


def loadtest(
    folder: Path, *arguments: str, prefix: Sequence[str] = ()
) -> tuple[subprocess.CompletedProcess[str], dict[str, Any]]:
    """``./scripts/loadtest`` but for its set-up; the summary too, empty if none was written."""
    path = folder / "summary.json"
    done = run(
        "caretaker.swarm.main",
        str(ROOT / "locustfile.py"),
        "--summary-json",
        str(path),
        *arguments,
        cwd=folder,
        prefix=prefix,
    )
    return done, json.loads(path.read_text()) if path.exists() else {}


class Process:
    """A process that goes on; its output is kept."""

    def __init__(self, arguments: Sequence[str], output: Path, *, group: bool = False) -> None:
        self.output = output
        with output.open("w") as file:
            self.process = subprocess.Popen(
                [sys.executable, "-m", *arguments],
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=environment(),
                cwd=ROOT,
                start_new_session=group,
            )

    @property
    def text(self) -> str:
        """What it has printed so far."""
        return self.output.read_text()

    def wait_for(self, pattern: str, seconds: float = 120) -> re.Match[str]:
        """Wait until it prints something."""
        deadline = time.monotonic() + seconds
        while True:
            found = re.search(pattern, self.text)
            if found is not None:
                return found
            assert self.process.poll() is None, f"it ended: {self.text}"
            assert time.monotonic() < deadline, f"no {pattern!r} in: {self.text}"
            time.sleep(0.05)

    def stop(self, sign: int = signal.SIGTERM, seconds: float = 120) -> int:
        """Ask it to end, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(sign)
        return self.process.wait(seconds)


@contextmanager
def process(output: Path, *arguments: str, group: bool = False) -> Iterator[Process]:
    """``python -m`` these arguments, ended in any case; in a process group of its own if told."""
    started = Process(arguments, output, group=group)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.process.kill()
            started.process.wait()
