"""A run with a router: the ACS knows one address for the CPEs of all workers."""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from helpers.processes import (
    Process,
    free_port,
    loadtest,
    process,
    wait_for_answer,
    wait_for_figure,
)
from helpers.waiting import PATIENCE, wait_until

pytestmark = [pytest.mark.processes]
CPES = 40
URL = "InternetGatewayDevice.ManagementServer.ConnectionRequestURL"


class Run:
    """
    A run of two workers with a router, all of whose CPEs have had a Connection Request.

    Args:
        running: its process.
        api: port of the embedded ACS's north-bound API.
    """

    def __init__(self, running: Process, api: int) -> None:
        self.running = running
        self.master = psutil.Process(running.process.pid)
        shown = running.wait_for(r"Connection Requests: (\S+)/cr/<serial number>")
        self.router = str(shown[1])
        self._api = f"http://127.0.0.1:{api}/devices/"

    def statuses(self) -> Counter[tuple[int, bool]]:
        """What all CPEs of the fleet answer to a GET, and whether with a Retry-After."""
        numbers = [f"FLEET-{n:06}" for n in range(1, CPES + 1)]
        answers = [requests.get(f"{self.router}/cr/{number}", timeout=60) for number in numbers]
        return Counter((answer.status_code, "Retry-After" in answer.headers) for answer in answers)

    def wait_until_all_answer(self) -> None:
        """Wait until each CPE is challenged by its worker."""
        expected = Counter({(401, False): CPES})
        wait_until(lambda: self.statuses() == expected, lambda: f"{self.statuses()} {self.text}")

    @property
    def text(self) -> str:
        return self.running.text

    def urls(self) -> set[str]:
        """The ConnectionRequestURLs that the ACS has."""
        return set(map(_url_of, requests.get(self._api, timeout=60).json()))

    def router_process(self) -> psutil.Process:
        (found,) = [child for child in self.master.children() if "router" in child.cmdline()]
        return found

    def worker(self) -> psutil.Process:
        """One of the forked workers, which have no command line of their own."""
        line = self.master.cmdline()
        return next(child for child in self.master.children() if child.cmdline() == line)


@pytest.fixture
def run(tmp_path: Path) -> Iterator[Run]:
    metrics, api = free_port(), free_port()
    command = ("caretaker", "run", "--users", str(CPES), "--run-time", "0")
    where = ("--cr-router", "127.0.0.1:0", "--acs-nbi-port", str(api), "--enable-rebalancing")
    figures = ("--metrics-port", str(metrics), "--profile", "tr098")
    with process(tmp_path / "output", *command, *where, *figures, cwd=tmp_path) as running:
        made = Run(running, api)
        delivered = 'caretaker_connection_requests_ended_total{end="delivered"}'
        wait_for_figure(running, f"http://127.0.0.1:{metrics}/metrics", delivered, CPES)
        made.wait_until_all_answer()
        yield made
        assert "Traceback" not in made.text


def test_the_acs_knows_one_address_which_is_that_of_the_run(run: Run, tmp_path: Path) -> None:
    assert run.urls() == {f"{run.router}/cr/FLEET-{n:06}" for n in range(1, CPES + 1)}
    assert requests.get(f"{run.router}/cr/FLEET-{CPES + 1:06}", timeout=60).status_code == 404
    run.running.stop(signal.SIGINT)
    with pytest.raises(requests.ConnectionError):
        requests.get(run.router, timeout=60)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["settings"]["--cr-router"] == run.router.removeprefix("http://")
    assert summary["connection_requests"]["books_balance"]


def test_cpes_that_move_to_another_worker_keep_their_address(run: Run) -> None:
    before = run.urls()
    leaving = run.worker()
    leaving.terminate()
    leaving.wait(PATIENCE)
    run.wait_until_all_answer()
    assert run.urls() == before


def test_cpes_of_a_worker_that_does_not_answer_are_to_be_asked_again(run: Run) -> None:
    frozen = run.worker()
    frozen.suspend()
    try:
        wait_until(lambda: run.statuses()[503, True], lambda: run.text)
    finally:
        frozen.resume()


def test_a_router_that_ends_is_started_again_and_fails_the_run(run: Run, tmp_path: Path) -> None:
    run.router_process().kill()
    run.running.wait_for("The router has ended with exit code -9; it is started again")
    wait_for_answer(f"{run.router}/health")
    run.wait_until_all_answer()
    assert run.running.stop(signal.SIGINT) == 1, run.text
    assert json.loads((tmp_path / "summary.json").read_text())["router_ended"] == 1
    assert "The run's own router ended 1 time" in run.text


def _url_of(device: dict[str, Any]) -> str:
    """The ConnectionRequestURL that the ACS has of a device."""
    found: Any = device
    for name in URL.split("."):
        found = found[name]
    return str(found["_value"])


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["--cr-router", "nonsense"], "--cr-router: 'nonsense' is not HOST:PORT, like"),
        (["--cr-router", "0.0.0.0:7548"], "--cr-router: '0.0.0.0' is no address that an ACS"),
        (["--cr-router", "192.0.2.1:0"], "--cr-router: 192.0.2.1:0: "),
    ],
)
def test_an_address_that_can_not_be_used_is_one_line(
    tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    done, summary = loadtest(tmp_path, *arguments)
    assert (done.returncode, summary) == (2, {}), done.stderr
    assert re.search(rf"^caretaker( run)?: .*{re.escape(complaint)}", done.stderr, re.MULTILINE)
    assert "Traceback" not in done.stderr
