"""
What load tests measure, where the true value is known: three runs over real processes.

* the closed loop over two workers: how long from a Connection Request to its Inform;
* an ACS that serves 30 sessions per second: which capacity ``find-capacity`` finds;
* an ACS that freezes once for 5 seconds: which latencies the Informs have from their planned time.

These were assertions of tests once; on a busy machine they say more of the machine than of us.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from subprocess import DEVNULL, PIPE
from typing import Any

from benchmarks.build_of_run import other_build
from benchmarks.figures import Figure, Goal, Options
from benchmarks.processes import ROOT, MeasurementError, environment

CAPACITY, FREEZE = 30, 5
"""Sessions per second that the limited ACS serves; seconds that the other stands still."""
NO_CRS = ("--cr-driver", "off", "--cr-rate", "0")


def run(options: Options) -> list[Figure]:
    """Measure; each run takes about two minutes."""
    closed = [_closed_loop() for _ in range(options.runs)]
    found = [_capacity() for _ in range(options.runs)]
    frozen = [_frozen() for _ in range(options.runs)]
    return [
        Figure("CR to Inform, two workers, p99", "ms", closed, goal=Goal("<=", 50)),
        Figure(f"capacity found, ACS of {CAPACITY}/s", "sessions/s", found),
        Figure(f"from plan, ACS frozen {FREEZE} s, p95", "ms", [each["p95"] for each in frozen]),
        Figure(f"from plan, ACS frozen {FREEZE} s, max", "ms", [each["max"] for each in frozen]),
    ]


def _closed_loop() -> float:
    summary = load_test("--users", "200", "--run-time", "8s", "--cr-rate", "25")
    return float(summary["connection_requests"]["to_inform_ms"]["p99"])


def _capacity() -> float:
    with _limited_acs(str(CAPACITY)) as url:
        summary = load_test(
            *("--host", url, *NO_CRS, "--inform-interval", "0", "--processes", "0"),
            "--no-check",
            *("--scenario", "find-capacity start=20 hold=4 precision=0.2"),
            *("--users", "150", "--spawn-rate", "20"),
        )
    return float(summary["scenario"]["kpis"]["sessions_per_second"])


def _frozen() -> dict[str, float]:
    with _limited_acs("10000", "--freeze", "5", str(FREEZE)) as url:
        summary = load_test(
            *("--host", url, *NO_CRS, "--inform-interval", "6", "--processes", "0"),
            "--no-check",
            *("--users", "200", "--run-time", "16s"),
        )
    times: dict[str, float] = summary["informs"]["from_plan_ms"]
    return times


@contextmanager
def _limited_acs(*arguments: str) -> Iterator[str]:
    """The URL of a limited ACS in a process of its own."""
    command = [sys.executable, "-m", "benchmarks.limited_acs", *arguments]
    with subprocess.Popen(command, stdout=PIPE, text=True, cwd=ROOT, env=environment()) as acs:  # noqa: S603
        assert acs.stdout is not None
        try:
            yield acs.stdout.readline().strip()
        finally:
            acs.terminate()


def load_test(*arguments: str) -> dict[str, Any]:
    """
    The summary of a load test.

    Raises:
        MeasurementError: there is none, or it is one of another build.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "summary.json"
        command = [sys.executable, "-m", "caretaker", "run"]
        command += ["--summary-json", str(path), *arguments]
        subprocess.run(command, stdout=DEVNULL, stderr=DEVNULL, env=environment(), check=False)  # noqa: S603
        if not path.exists():
            raise MeasurementError("the load test left no summary")
        summary: dict[str, Any] = json.loads(path.read_text())
    if other := other_build(summary):
        raise MeasurementError(f"the load test ran caretaker {other}")
    return summary
