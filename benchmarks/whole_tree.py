"""
The loop lag of a worker while the whole trees of 100 CPEs are read.

Runs a load test with 100 CPEs on one worker, then has the embedded ACS refresh the whole tree of
all of them at once (GetParameterNames of everything, GetParameterValues in batches), and reads the
worker's loop lag.
"""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from subprocess import DEVNULL
from typing import Any
from urllib.parse import quote

import requests

from benchmarks.figures import Figure, Options
from benchmarks.processes import MeasurementError, environment, free_port

CPES = 100
START_SECONDS = 20


def _devices(url: str) -> list[str]:
    """The ids of all devices, after all have informed."""
    deadline = time.monotonic() + START_SECONDS
    while time.monotonic() < deadline:
        time.sleep(0.5)
        try:
            devices = requests.get(f"{url}/devices/?projection=_id", timeout=30).json()
        except requests.ConnectionError:
            continue
        if len(devices) == CPES:
            return [device["_id"] for device in devices]
    raise MeasurementError(f"after {START_SECONDS} s not all {CPES} CPEs have informed")


def _refresh(url: str, device_id: str) -> int:
    task = {"name": "refreshObject", "objectName": ""}
    target = f"{url}/devices/{quote(device_id, safe='')}/tasks?timeout=30000&connection_request"
    return requests.post(target, json=task, timeout=60).status_code


def run(options: Options) -> list[Figure]:
    """Measure; each run is a load test of half a minute."""
    summaries = [_read_all() for _ in range(options.runs)]
    name = f"loop lag while {CPES} trees are read"
    return [
        Figure(f"{name}, {key}", "ms", [run["generator"]["loop_lag_ms"][key] for run in summaries])
        for key in ("p99", "max")
    ]


def _read_all() -> dict[str, Any]:
    """The summary of a run in which all trees are read."""
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "summary.json"
        command = [sys.executable, "-m", "caretaker", "run"]
        command += ["--users", str(CPES), "--spawn-rate", str(CPES), "--processes", "1"]
        command += ["--run-time", "30s", "--cr-rate", "0", "--inform-interval", "0"]
        command += ["--profile", "tr181", "--acs-nbi-port", str(port), "--summary-json", str(path)]
        with subprocess.Popen(  # noqa: S603
            command, stdout=DEVNULL, stderr=DEVNULL, env=environment()
        ):
            ids = _devices(url)
            time.sleep(3)
            with ThreadPoolExecutor(CPES) as pool:
                done = list(pool.map(lambda device_id: _refresh(url, device_id), ids)).count(200)
        summary: dict[str, Any] = json.loads(path.read_text())
    if done != CPES or summary["sessions"]["failed"]:
        raise MeasurementError(f"{done} of {CPES} trees were read")
    return summary
