"""Runs against an ACS, and what ``caretaker cleanup`` leaves of them there."""

from __future__ import annotations

import signal
from pathlib import Path

import pytest
import requests
from helpers.processes import free_port, loadtest_until, process, run, wait_for_answer

pytestmark = [pytest.mark.processes]
SUCCEEDED = 'caretaker_sessions_total{outcome="succeeded"}'


def test_cleanup_deletes_the_devices_of_a_run_and_of_no_other(tmp_path: Path) -> None:
    port, north_bound = free_port(), free_port()
    api = f"http://127.0.0.1:{north_bound}"
    host = ("--host", f"http://127.0.0.1:{port}/")
    ports = ("--port", str(port), "--north-bound-port", str(north_bound))
    with process(tmp_path / "acs", "caretaker", "acs", *ports) as acs:
        wait_for_answer(f"{api}/devices")
        for prefix, users in (("LAB", 5), ("REST", 2)):
            folder = tmp_path / prefix
            folder.mkdir()
            fleet = ("--users", str(users), "--serial-prefix", prefix, "--cr-driver", "off")
            loadtest_until(folder, {SUCCEEDED: users}, *host, *fleet)

        given = ("--serial-prefix", "LAB", "--summary", str(tmp_path / "LAB"))
        command = ("caretaker", "cleanup", "--nbi-url", api, *given)
        listed = run(*command)
        assert (listed.returncode, listed.stderr) == (0, "")
        assert listed.stdout.startswith("5 devices of the fleet: ")
        deleted = run(*command, "--delete")
        assert (deleted.returncode, deleted.stderr) == (0, "")
        assert "5 devices deleted" in deleted.stdout
        left = requests.get(f"{api}/devices", timeout=120).json()
        serials = [device["_deviceId"]["_SerialNumber"] for device in left]
        assert sorted(serials) == ["REST-000001", "REST-000002"]

        other = run(*command, "--serial-prefix", "REST", "--delete")
        assert (other.returncode, other.stdout) == (2, "")
        assert "no run with --serial-prefix REST; its fleet has LAB" in other.stderr
        acs.stop(signal.SIGTERM)
