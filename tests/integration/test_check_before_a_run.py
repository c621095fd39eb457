"""A load test checks its ACS first."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest
from helpers.processes import run

from caretaker import ACSServer

pytestmark = pytest.mark.processes
CHECKED = ("env", "-u", "CARETAKER_NO_CHECK")
HELD = "check held: the ACS works with a CPE of Caretaker"


def load_test(folder: Path, *options: str) -> tuple[int, str, str]:
    """A short run with two workers: its exit code, and what it has said."""
    size = ("--users", "4", "--spawn-rate", "4", "--run-time", "5s", "--processes", "2")
    arguments = ("caretaker", "run", *size, *options)
    done = run(*arguments, cwd=folder, prefix=CHECKED)
    return done.returncode, done.stdout, done.stderr


def test_a_run_begins_when_the_acs_works(tmp_path: Path) -> None:
    with ACSServer() as acs:
        urls = "--host", acs.url, "--nbi-url", acs.north_bound_url
        code, said, _ = load_test(tmp_path, *urls, "--cr-rate", "1")
        devices = acs.devices()
    assert code in (0, 4)  # a busy machine may be the limit
    assert said.splitlines()[0] == HELD
    assert len(devices) == 4  # and not CHECK-000001


def test_a_run_does_not_begin_when_it_can_not_work(tmp_path: Path) -> None:
    with ACSServer(provisioning=False) as acs:
        urls = "--host", acs.url, "--nbi-url", acs.north_bound_url
        code, said, complaint = load_test(tmp_path, *urls, "--cr-rate", "1")
    assert (code, said) == (1, "")
    failed = "check failed: Connection Request by the ACS: "
    assert complaint.startswith(f"caretaker: host {socket.gethostname()}: {failed}")
    assert complaint.count("\n") == 1
    assert not (tmp_path / "summary.json").exists()


def test_a_run_with_listed_devices_checks_with_the_last_one(tmp_path: Path) -> None:
    path = tmp_path / "fleet.csv"
    path.write_text("serial,profile\nA/1,\nA/2,tr098\nA/3,tr098\nA/4,\nA/5,tr098\n")
    with ACSServer() as acs:
        urls = "--host", acs.url, "--nbi-url", acs.north_bound_url, "--devices", str(path)
        code, said, _ = load_test(tmp_path, *urls, "--cr-rate", "1")
        devices = acs.devices()
    assert code in (0, 4)  # a busy machine may be the limit
    assert said.splitlines()[0] == HELD
    assert {device.rpartition("-")[2] for device in devices} == {f"A%2F{n}" for n in range(1, 6)}
