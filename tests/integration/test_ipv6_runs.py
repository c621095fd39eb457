"""Runs over IPv6 alone: on ::1, and on a machine that has no IPv4."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import psutil
import pytest
import requests
from helpers.networks import NoNetworkError, own_network
from helpers.processes import (
    ended_well,
    free_port,
    process,
    run,
    tasks_went_well,
    wait_for_answer,
    wait_for_figure,
)
from helpers.wire import needs_ipv6

pytestmark = [pytest.mark.processes]
CPES = 20
DELIVERED = 'caretaker_connection_requests_ended_total{end="delivered"}'
ONLY_IPV6 = "ip link set lo up && ip -4 address del 127.0.0.1/8 dev lo"
"""Makes loopback the only interface of a network namespace, and ::1 its only address."""


def summary_in(folder: Path) -> dict[str, Any]:
    """The summary that a run has left in its folder."""
    summary: dict[str, Any] = json.loads((folder / "summary.json").read_text())
    return summary


def listening(of: psutil.Process) -> set[str]:
    """The addresses at which a process and those that it has started listen."""
    return {
        connection.laddr.ip
        for each in (of, *of.children(recursive=True))
        for connection in each.net_connections("inet")
        if connection.status == psutil.CONN_LISTEN
    }


@needs_ipv6
def test_all_of_a_run_is_on_the_loopback_of_ipv6(tmp_path: Path) -> None:
    api, web, metrics = free_port(), free_port(), free_port()
    command = ("caretaker", "run", "--headful", "--autostart", "--users", str(CPES))
    where = ("--ip-version", "6", "--cr-router", "[::1]:0", "--acs-nbi-port", str(api))
    ports = ("--web-port", str(web), "--metrics-port", str(metrics))
    with process(tmp_path / "output", *command, *where, *ports, cwd=tmp_path) as running:
        router = running.wait_for(r"Connection Requests: (http://\[::1\]:\d+)/cr/")[1]
        wait_for_figure(running, f"http://[::1]:{metrics}/metrics", DELIVERED, CPES)
        assert listening(psutil.Process(running.process.pid)) == {"::1"}
        devices = requests.get(f"http://[::1]:{api}/devices/", timeout=60).text
        assert devices.count(f"{router}/cr/FLEET-") == CPES
        page = wait_for_answer(f"http://[::1]:{web}/fleet")
        assert page.status_code == 200
        for origin, status in (("http://[::2]", 403), (f"http://[::1]:{web}", 200)):
            headers = {"Origin": origin}
            stopped = requests.post(f"http://[::1]:{web}/stop", headers=headers, timeout=60)
            assert stopped.status_code == status
        running.stop(signal.SIGINT)
        assert "Traceback" not in running.text
    summary = summary_in(tmp_path)
    assert summary["fleet"]["workers"] == 2
    assert summary["connection_requests"]["books_balance"]
    assert summary["sessions"]["failed"] == 0
    assert tasks_went_well(summary)


def ipv6_only() -> Sequence[str]:
    """What stands before a command that is to run on a machine without IPv4."""
    try:
        return own_network(ONLY_IPV6)
    except NoNetworkError as error:
        pytest.skip(f"no machine without IPv4 here: {error}")


@needs_ipv6
def test_a_machine_without_ipv4_needs_no_option(tmp_path: Path) -> None:
    command = ("caretaker", "run", "--users", str(CPES), "--run-time", "0", "--cr-rate", "10")
    more = ("--live-interval", "1")
    with process(tmp_path / "output", *command, *more, cwd=tmp_path, prefix=ipv6_only()) as running:
        running.wait_for(rf"CPEs {CPES} \|.*CR/s [1-9]")
        code = running.stop(signal.SIGINT)
    summary = summary_in(tmp_path)
    assert ended_well(code, summary), running.text
    assert summary["fleet"]["workers"] == 2
    assert summary["sessions"]["succeeded"] == summary["sessions"]["started"] > CPES
    assert summary["connection_requests"]["delivered"] > 0
    assert summary["connection_requests"]["books_balance"]


def test_a_run_of_ipv6_without_it_is_one_line() -> None:
    try:
        prefix = own_network("ip link set lo up; sysctl -qw net.ipv6.conf.all.disable_ipv6=1")
    except NoNetworkError as error:
        pytest.skip(f"IPv6 can't be switched off here: {error}")
    ended = run("caretaker", "run", "--ip-version", "6", prefix=prefix)
    assert ended.returncode == 2
    assert "--ip-version 6: this machine has no IPv6" in ended.stderr
    assert "Traceback" not in ended.stderr
