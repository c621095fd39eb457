"""A load test checks its ACS first."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from helpers.processes import ended_well, loadtest_until, run

from caretaker import ACSServer

pytestmark = pytest.mark.processes
SUCCEEDED = 'caretaker_sessions_total{outcome="succeeded"}'
SIZE = ("--users", "4", "--spawn-rate", "4", "--processes", "2")
CHECKED = ("env", "-u", "CARETAKER_NO_CHECK")
HELD = "check held: the ACS works with a CPE of Caretaker"


def load_test(folder: Path, *options: str) -> None:
    """A run with two workers that begins, after a check, until each CPE has had a session."""
    done, summary = loadtest_until(folder, {SUCCEEDED: 4}, *SIZE, *options, prefix=CHECKED)
    assert ended_well(done.returncode, summary), done.stdout
    assert 0 <= done.stdout.find(HELD) < done.stdout.index("Sending spawn jobs"), done.stdout


def test_a_run_begins_when_the_acs_works(tmp_path: Path) -> None:
    with ACSServer() as acs:
        urls = "--host", acs.url, "--nbi-url", acs.north_bound_url
        load_test(tmp_path, *urls, "--cr-rate", "1")
        devices = acs.devices()
    assert len(devices) == 4  # and not CHECK-000001


def test_a_run_does_not_begin_when_it_can_not_work(tmp_path: Path) -> None:
    with ACSServer(provisioning=False) as acs:
        urls = "--host", acs.url, "--nbi-url", acs.north_bound_url
        done = run("caretaker", "run", *SIZE, *urls, "--cr-rate", "1", cwd=tmp_path, prefix=CHECKED)
    complaint = done.stderr
    assert (done.returncode, done.stdout) == (1, "")
    failed = "check failed: Connection Request by the ACS: "
    assert complaint.startswith(f"caretaker: host {socket.gethostname()}: {failed}")
    assert complaint.count("\n") == 1
    assert not (tmp_path / "summary.json").exists()


def test_a_run_with_listed_devices_checks_with_the_last_one(tmp_path: Path) -> None:
    path = tmp_path / "fleet.csv"
    path.write_text("serial,profile\nA/1,\nA/2,tr098\nA/3,tr098\nA/4,\nA/5,tr098\n")
    with ACSServer() as acs:
        urls = "--host", acs.url, "--nbi-url", acs.north_bound_url, "--devices", str(path)
        load_test(tmp_path, *urls, "--cr-rate", "1")
        devices = acs.devices()
    assert {device.rpartition("-")[2] for device in devices} == {f"A%2F{n}" for n in range(1, 6)}
