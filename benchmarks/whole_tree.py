"""
How long the loop of a worker stands still while 100 CPEs are read whole.

Runs a load test with 100 CPEs of a profile on one worker, then has the embedded ACS refresh the
whole tree of all of them at once (GetParameterNames of everything, GetParameterValues in batches),
and prints the worker's loop lag::

    .venv/bin/python benchmarks/whole_tree.py [PROFILE]
"""

from __future__ import annotations

import json
import socket
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

ROOT = Path(__file__).parents[1]
CPES = 100


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def _devices(url: str) -> list[str]:
    """The ids of all devices, once they have all informed."""
    while True:
        time.sleep(0.5)
        try:
            found = requests.get(f"{url}/devices/?projection=_id", timeout=30).json()
        except requests.ConnectionError:
            continue
        if len(found) == CPES:
            return [device["_id"] for device in found]


def _refresh(url: str, device_id: str) -> int:
    task = {"name": "refreshObject", "objectName": ""}
    target = f"{url}/devices/{quote(device_id, safe='')}/tasks?timeout=30000&connection_request"
    return requests.post(target, json=task, timeout=60).status_code


def main(profile: str) -> dict[str, Any]:
    """Run it and return the figures."""
    port = _free_port()
    url = f"http://127.0.0.1:{port}"
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "summary.json"
        command = [sys.executable, "-m", "caretaker.swarm.loadtest", str(ROOT / "locustfile.py")]
        command += ["--users", str(CPES), "--spawn-rate", str(CPES), "--processes", "1"]
        command += ["--run-time", "30s", "--cr-rate", "0", "--inform-interval", "0"]
        command += ["--profile", profile, "--acs-nbi-port", str(port), "--summary-json", str(path)]
        with subprocess.Popen(command, stdout=DEVNULL, stderr=DEVNULL):  # noqa: S603
            ids = _devices(url)
            time.sleep(3)
            with ThreadPoolExecutor(CPES) as pool:
                done = list(pool.map(lambda each: _refresh(url, each), ids)).count(200)
        summary = json.loads(path.read_text())
    return {
        "profile": profile,
        "devices_read": done,
        "sessions_failed": summary["sessions"]["failed"],
        "loop_lag_ms": summary["generator"]["loop_lag_ms"],
    }


if __name__ == "__main__":
    print(json.dumps(main(sys.argv[1] if len(sys.argv) > 1 else "tr181")))
