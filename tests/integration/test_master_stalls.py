"""A master that stands still: its workers go on or stop, and afterwards nothing is lost."""

from __future__ import annotations

import json
import os
import signal
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from helpers.processes import Process, free_port, process
from helpers.waiting import wait_until

pytestmark = [pytest.mark.processes]
CPES = 20
STOPS = r"(?s)(No word of the master: all CPEs of this worker stop.*){2}"
GOES_ON = r"(?s)(The master answers again: the CPEs of this worker go on.*){2}"


class Run:
    """
    A run of two workers whose CPEs inform every second.

    Args:
        running: its process.
        api: port of the embedded ACS's north-bound API.
        folder: of its summary.
    """

    def __init__(self, running: Process, api: int, folder: Path) -> None:
        self.running = running
        self._api = f"http://127.0.0.1:{api}/devices/"
        self._folder = folder
        self.master = psutil.Process(running.process.pid)

    def last_informs(self) -> dict[str, str]:
        """When each CPE has informed for the last time, as the ACS knows."""
        found = requests.get(self._api, timeout=60).json()
        return {device["_id"]: device["_lastInform"] for device in found}

    def wait_until_all_inform(self) -> None:
        """Wait until each CPE has informed once more."""
        before = self.last_informs()
        wait_until(lambda: len({*self.last_informs().items()} - {*before.items()}) == CPES)

    def end(self) -> dict[str, Any]:
        """End it as a user does; returns its summary."""
        self.running.stop(signal.SIGINT)
        summary: dict[str, Any] = json.loads((self._folder / "summary.json").read_text())
        return summary


@pytest.fixture
def run(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Run]:
    """With the parameter as ``--fence-after``."""
    api = free_port()
    command = ("caretaker", "run", "--users", str(CPES), "--run-time", "0")
    rates = ("--spawn-rate", "100", "--inform-interval", "1", "--cr-rate", "5")
    more = ("--acs-nbi-port", str(api), "--fence-after", request.param)
    with process(tmp_path / "output", *command, *rates, *more, cwd=tmp_path) as running:
        running.wait_for("All users spawned")
        running.wait_for(r"North-bound|north-bound")
        made = Run(running, api, tmp_path)
        wait_until(lambda: len(made.last_informs()) == CPES)
        made.wait_until_all_inform()
        yield made
        if running.process.poll() is None:
            os.kill(running.process.pid, signal.SIGCONT)


def check(run: Run) -> None:
    """End the run, and check that no CPE has lost its power."""
    run.wait_until_all_inform()
    summary = run.end()
    assert summary["informs"]["by_event"]["1 BOOT"] == CPES
    assert (summary["fleet"]["cpes"], summary["fleet"]["lost"]) == (CPES, [])
    assert summary["fleet"]["duplicate_serial_numbers"] == 0
    assert summary["connection_requests"]["books_balance"]
    assert summary["events"]["books_balance"]
    assert "Traceback" not in run.running.text


@pytest.mark.parametrize("run", ["60"], indirect=True)
def test_cpes_inform_while_it_stands_still_for_less_than_the_lease(run: Run) -> None:
    run.master.suspend()
    run.wait_until_all_inform()
    run.wait_until_all_inform()
    run.master.resume()
    check(run)
    assert "No word of the master" not in run.running.text


@pytest.mark.parametrize("run", ["2"], indirect=True)
def test_cpes_stop_when_it_stands_still_for_longer_and_go_on_without_a_boot(run: Run) -> None:
    run.master.suspend()
    run.running.wait_for(STOPS)
    run.master.resume()
    run.running.wait_for(GOES_ON)
    check(run)
