"""Running Caretaker as its users do: as processes."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

import requests

from caretaker.swarm.reserved_port import reserved_port
from helpers.waiting import PATIENCE, wait_until

ROOT = Path(__file__).parents[2]
LOCUSTFILE = str(ROOT / "locustfile.py")
RUN_TOKEN = "the-token-of-all-runs-of-the-tests"


def environment() -> dict[str, str]:
    """
    The environment without what tests or users have set for Locust and us.

    Runs in it have a run token, and do not check their ACS first, which may be a bad one.
    """
    kept = {n: v for n, v in os.environ.items() if not n.startswith(("LOCUST_", "CARETAKER_"))}
    return {
        **kept,
        "CARETAKER_RUN_TOKEN": RUN_TOKEN,
        "CARETAKER_NO_CHECK": "true",
        "PYTHONUNBUFFERED": "1",
        "PYTHONPATH": str(ROOT / "tests"),
    }


_RESERVED = ExitStack()
"""Ports of the tests of this process, kept until it ends."""


def free_port() -> int:
    """A port of loopback that no one listens at, and that no other test or run is given."""
    return _RESERVED.enter_context(reserved_port())


def run(
    *arguments: str, timeout: float = PATIENCE, cwd: Path | None = None, prefix: Sequence[str] = ()
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


class Process:
    """A process that goes on; its output is kept."""

    def __init__(
        self,
        arguments: Sequence[str],
        output: Path,
        *,
        group: bool = False,
        cwd: Path = ROOT,
        prefix: Sequence[str] = (),
    ) -> None:
        self.output = output
        with output.open("w") as file:
            self.process = subprocess.Popen(
                [*prefix, sys.executable, "-m", *arguments],
                stdout=file,
                stderr=subprocess.STDOUT,
                stdin=subprocess.DEVNULL,
                env=environment(),
                cwd=cwd,
                start_new_session=group,
            )

    @property
    def text(self) -> str:
        """What it has printed so far."""
        return self.output.read_text()

    def wait_for(self, pattern: str, seconds: float = PATIENCE) -> re.Match[str]:
        """Wait until it prints something."""

        def found() -> re.Match[str] | None:
            match = re.search(pattern, self.text)
            assert match or self.process.poll() is None, f"it ended: {self.text}"
            return match

        return wait_until(found, lambda: f"no {pattern!r} in: {self.text}", seconds)

    def stop(self, sign: int = signal.SIGTERM, seconds: float = PATIENCE) -> int:
        """Ask it to end, and return its exit code."""
        if self.process.poll() is None:
            self.process.send_signal(sign)
        return self.process.wait(seconds)


@contextmanager
def process(
    output: Path,
    *arguments: str,
    group: bool = False,
    cwd: Path = ROOT,
    prefix: Sequence[str] = (),
) -> Iterator[Process]:
    """``python -m`` these arguments, ended in any case; in a process group of its own if told."""
    started = Process(arguments, output, group=group, cwd=cwd, prefix=prefix)
    try:
        yield started
    finally:
        if started.process.poll() is None:
            started.process.kill()
            started.process.wait()


def figure(text: str, name: str) -> float:
    """A figure of a metrics page, with its labels as they stand there; -1 if it has none."""
    found = re.search(rf"^{re.escape(name)} (\S+)$", text, re.MULTILINE)
    return float(found[1]) if found else -1.0


def answer_of(url: str, **form: object) -> requests.Response | None:
    """The answer of a web server to a GET, or to a POST of a form; None while it starts."""
    method = "POST" if form else "GET"
    try:
        return requests.request(method, url, data=form or None, timeout=PATIENCE)
    except requests.ConnectionError:
        return None


def wait_for_answer(url: str, **form: object) -> requests.Response:
    """The first answer of a web server that is about to start."""
    # In a list, since an answer with an error status is false.
    return wait_until(lambda: [found] if (found := answer_of(url, **form)) is not None else [])[0]


def wait_for_figure(running: Process, url: str, name: str, value: float) -> str:
    """The metrics page when a figure has come to a value."""
    text = ""

    def has_come() -> bool:
        nonlocal text
        text = answer.text if (answer := answer_of(url)) is not None else ""
        assert figure(text, name) >= value or running.process.poll() is None, running.text
        return figure(text, name) >= value

    wait_until(has_come, lambda: f"{name} is not {value}: {running.text}{text}")
    return text


BY_A_BUSY_MACHINE = {
    "all sessions ended",
    "no session waited for the generator",
    "no task failed",
    "no device was offline by the generator",
}
"""Checks that a run may not pass where the generator was its limit."""


def _is_limit(ground: Mapping[str, str]) -> bool:
    """Whether a ground of a verdict, of the standard checks or of a search, is that limit."""
    return ground["text"].lower().startswith("the generator was the limit")


def is_limited(summary: Mapping[str, Any]) -> bool:
    """Whether the generator was the limit of a run, as on a busy machine."""
    return any(map(_is_limit, summary["verdict"]["grounds"]))


ROUTER_WAITED = "Connection request error: Unexpected status code 503"
"""What an ACS says that has asked a router for a CPE whose worker did not answer in time."""


def tasks_went_well(summary: Mapping[str, Any]) -> bool:
    """
    Whether no task failed.

    To an ACS a device is offline that does not answer its Connection Request within 2 s, as one of
    a generator that was the limit.
    """
    tasks = summary["tasks"]
    too_slow = tasks["offline"] + tasks["reasons"].get(ROUTER_WAITED, 0)
    return not tasks["failed"] or (is_limited(summary) and tasks["failed"] == too_slow)


def is_well_but_for(summary: Mapping[str, Any], *checks: str) -> bool:
    """Whether a run has passed all other checks, or only a busy machine kept it from that."""
    grounds = summary["verdict"]["grounds"]
    found = {ground["name"] for ground in grounds if not _is_limit(ground)} - {*checks}
    may = BY_A_BUSY_MACHINE if is_limited(summary) else set()
    return found <= may and tasks_went_well(summary)


def ended_well(code: int, summary: Mapping[str, Any]) -> bool:
    """
    Whether nothing is wrong with a run but what a busy machine brings.

    A generator that was the limit proves nothing, so such a run has exit code 4; or 3, if sessions
    took longer than the 5 s that they have at the end, or a router waited too long for a worker.
    """
    return code == 0 or (code in (3, 4) and is_limited(summary) and is_well_but_for(summary))


INTERRUPTED = "the run took its time"


def was_interrupted(code: int, summary: Mapping[str, Any], *checks: str) -> bool:
    """Whether a run was ended before its time, and has passed all other checks; likewise."""
    is_told = any(ground["name"] == INTERRUPTED for ground in summary["verdict"]["grounds"])
    may = (3, 4) if is_limited(summary) else (4,)
    return is_told and code in may and is_well_but_for(summary, INTERRUPTED, *checks)


Ended = subprocess.CompletedProcess[str]


def loadtest(
    folder: Path, *arguments: str, prefix: Sequence[str] = ()
) -> tuple[Ended, dict[str, Any]]:
    """``./scripts/loadtest`` but for its set-up; the summary too, empty if none was written."""
    path = folder / "summary.json"
    command = ("caretaker", "run", "--summary-json", str(path), *arguments)
    done = run(*command, cwd=folder, prefix=prefix)
    return done, json.loads(path.read_text()) if path.exists() else {}


def loadtest_until(
    folder: Path,
    figures: Mapping[str, float],
    *arguments: str,
    prefix: Sequence[str] = (),
    shows: str = "",
    by: Sequence[str] = (),
) -> tuple[Ended, dict[str, Any]]:
    """
    A load test that Ctrl-C ends when all these figures of its metrics have come to their values.

    With ``shows``, a pattern, not before the output shows it; ``by`` is a module that runs it.

    Whatever else the machine does, the run has got so far; how long it took does not matter. Both
    outputs are one, in the order in which they came.
    """
    path, port = folder / "summary.json", free_port()
    command = (*by, "caretaker", "run", "--summary-json", str(path), *arguments)
    more = ("--run-time", "0", "--metrics-port", str(port))  # without end, so never interrupted
    with process(folder / "output", *command, *more, cwd=folder, prefix=prefix) as running:
        for name, value in figures.items():
            wait_for_figure(running, f"http://127.0.0.1:{port}/metrics", name, value)
        if shows:
            running.wait_for(shows)
        code = running.stop(signal.SIGINT)
    done = subprocess.CompletedProcess(command, code, running.text, running.text)
    return done, json.loads(path.read_text())
