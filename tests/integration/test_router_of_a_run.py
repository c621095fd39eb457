"""A run with a router: the ACS knows one address for the CPEs of all workers."""

from __future__ import annotations

import json
import re
import signal
from collections import Counter
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from helpers.processes import (
    LOCUSTFILE,
    free_port,
    loadtest,
    process,
    wait_for_answer,
    wait_for_figure,
)
from helpers.waiting import wait_until

pytestmark = [pytest.mark.processes]
CPES = 40
URL = "InternetGatewayDevice.ManagementServer.ConnectionRequestURL"


def statuses(router: str) -> Counter[tuple[int, bool]]:
    """What all CPEs of the fleet answer to a GET, and whether it has a Retry-After."""
    numbers = [f"FLEET-{n:06}" for n in range(1, CPES + 1)]
    answers = [requests.get(f"{router}/cr/{number}", timeout=30) for number in numbers]
    return Counter((answer.status_code, "Retry-After" in answer.headers) for answer in answers)


def router_of(pid: int) -> psutil.Process:
    """The process of the router of a run."""
    (found,) = [child for child in psutil.Process(pid).children() if "router" in child.cmdline()]
    return found


def workers_of(pid: int) -> list[psutil.Process]:
    """The forked workers of a run: they have no command line of their own."""
    master = psutil.Process(pid)
    return [child for child in master.children() if child.cmdline() == master.cmdline()]


def test_all_connection_requests_go_through_it_and_a_lost_worker_is_503(tmp_path: Path) -> None:
    metrics, api = free_port(), free_port()
    command = ("caretaker.swarm.main", LOCUSTFILE, "--users", str(CPES), "--run-time", "0")
    where = ("--cr-router", "127.0.0.1:0", "--acs-nbi-port", str(api))
    figures = ("--metrics-port", str(metrics), "--profile", "tr098")
    with process(tmp_path / "output", *command, *where, *figures, cwd=tmp_path) as running:
        router = running.wait_for(r"Connection Requests: (\S+)/cr/<serial number>")[1]
        delivered = 'caretaker_connection_requests_ended_total{end="delivered"}'
        wait_for_figure(running, f"http://127.0.0.1:{metrics}/metrics", delivered, CPES)
        devices = requests.get(f"http://127.0.0.1:{api}/devices/", timeout=30).json()
        assert {_url_of(device) for device in devices} == {
            f"{router}/cr/FLEET-{n:06}" for n in range(1, CPES + 1)
        }
        assert statuses(router) == {(401, False): CPES}
        assert requests.get(f"{router}/cr/FLEET-{CPES + 1:06}", timeout=30).status_code == 404
        router_of(running.process.pid).send_signal(signal.SIGKILL)
        running.wait_for("The router has ended with exit code -9; it is started again")
        wait_for_answer(f"{router}/health")
        wait_until(lambda: statuses(router) == {(401, False): CPES})
        first, _ = workers_of(running.process.pid)
        first.send_signal(signal.SIGKILL)
        wait_until(lambda: statuses(router)[503, True] == CPES // 2, lambda: str(statuses(router)))
        assert statuses(router)[401, False] == CPES // 2
        running.stop(signal.SIGINT)
        with pytest.raises(requests.ConnectionError):
            requests.get(router, timeout=30)
    summary = json.loads((tmp_path / "summary.json").read_text())
    assert summary["settings"]["--cr-router"] == router.removeprefix("http://")
    assert "Traceback" not in running.text


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
        (["--cr-router", "0.0.0.0:7548"], "--cr-router: '0.0.0.0:7548' is no address that an ACS"),
        (["--cr-router", "192.0.2.1:0"], "--cr-router: 192.0.2.1:0: "),
    ],
)
def test_an_address_that_can_not_be_used_is_one_line(
    tmp_path: Path, arguments: list[str], complaint: str
) -> None:
    done, summary = loadtest(tmp_path, *arguments)
    assert (done.returncode, summary) == (2, {}), done.stderr
    assert re.search(
        rf"^(caretaker|loadtest)\S*: .*{re.escape(complaint)}", done.stderr, re.MULTILINE
    )
    assert "Traceback" not in done.stderr
