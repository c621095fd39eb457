"""Metrics of real runs, and Locust's own reports beside them."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.processes import (
    LOCUSTFILE,
    ended_well,
    figure,
    free_port,
    loadtest_until,
    process,
    wait_for_figure,
)
from helpers.waiting import PATIENCE

pytestmark = [pytest.mark.processes]
DELIVERED = 'caretaker_connection_requests_ended_total{end="delivered"}'


def read(summary: Path) -> Any:
    return json.loads(summary.read_text())


@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_headless_run_serves_them(tmp_path: Path, processes: str) -> None:
    port = free_port()
    with process(
        tmp_path / "out",
        # No more sessions than the busiest machine has time for, so that most CPEs are idle.
        *("caretaker", "run", "--users", "40", "--cr-rate", "5", "--inform-interval", "0"),
        *("--processes", processes, "--metrics-port", str(port), "--run-time", "0"),
        *("--summary-json", str(tmp_path / "summary.json")),
    ) as running:
        url = f"http://127.0.0.1:{port}/metrics"
        wait_for_figure(running, url, DELIVERED, 20)
        text = wait_for_figure(running, url, 'caretaker_cpes{state="idle"}', 30)  # of all workers
        assert figure(text, "caretaker_connection_request_books_balance") == 1
        assert figure(text, "caretaker_workers") == max(1, int(processes))
        code = running.stop()
    assert ended_well(code, read(tmp_path / "summary.json")), running.text
    assert "Traceback" not in running.text


def test_the_web_ui_serves_them(tmp_path: Path) -> None:
    port, master = free_port(), free_port()
    with process(
        tmp_path / "out",
        *("locust", "-f", LOCUSTFILE, "--web-port", str(port), "--web-host", "127.0.0.1"),
        *("--processes", "2", "--master-bind-port", str(master), "--master-port", str(master)),
        *("--autostart", "--users", "30", "--spawn-rate", "30"),
        *("--summary-json", str(tmp_path / "summary.json")),
    ) as running:
        url = f"http://127.0.0.1:{port}/metrics"
        wait_for_figure(running, url, 'caretaker_sessions_total{outcome="succeeded"}', 30)
        code = running.stop()
    assert ended_well(code, read(tmp_path / "summary.json")), running.text


def test_a_breach_ends_an_automatic_run_with_the_web_ui(tmp_path: Path) -> None:
    with process(
        tmp_path / "out",
        *("locust", "-f", LOCUSTFILE, "--web-port", str(free_port()), "--web-host", "127.0.0.1"),
        *("--autostart", "--autoquit", "0", "--users", "5", "--spawn-rate", "5"),
        *("--slo", "informs.total < 1", "--slo-abort"),
    ) as running:
        assert running.process.wait(PATIENCE) == 3, running.text


def test_locusts_own_reports_are_written_too(tmp_path: Path) -> None:
    done, summary = loadtest_until(
        tmp_path,
        {DELIVERED: 5},
        *("--users", "20", "--cr-rate", "20"),
        *("--csv", str(tmp_path / "run"), "--html", str(tmp_path / "run.html")),
    )
    assert ended_well(done.returncode, summary), done.stdout + done.stderr
    assert "CWMP,Inform," in (tmp_path / "run_stats.csv").read_text()
    assert "CR accepted to Inform" in (tmp_path / "run.html").read_text()
