"""Runs that end before their time: what they have shown, and that it is printed once."""

from __future__ import annotations

import json
import signal
from pathlib import Path
from typing import Any

import pytest
import requests
from helpers.processes import (
    INTERRUPTED,
    LOCUSTFILE,
    Process,
    ended_well,
    free_port,
    process,
    wait_for_answer,
    wait_for_figure,
    was_interrupted,
)
from helpers.waiting import PATIENCE

pytestmark = [pytest.mark.processes]
SUCCEEDED = 'caretaker_sessions_total{outcome="succeeded"}'
RESULT = "\nResult  "
STATISTICS = "Response time percentiles"
"""Of Locust, which has none of its own in a run of CPEs alone."""
SIGNALS = [signal.SIGINT, signal.SIGTERM]


def command(folder: Path, metrics_port: int, *more: str) -> tuple[str, ...]:
    return (
        *("caretaker", "run", "--users", "20", "--cr-rate", "5", *more),
        *("--metrics-port", str(metrics_port), "--summary-json", str(folder / "summary.json")),
    )


def read(folder: Path) -> Any:
    return json.loads((folder / "summary.json").read_text())


def wait_for_sessions(running: Process, port: int) -> None:
    wait_for_figure(running, f"http://127.0.0.1:{port}/metrics", SUCCEEDED, 20)


def assert_interrupted(code: int, summary: Any, text: str) -> None:
    assert summary["interrupted"], text
    assert was_interrupted(code, summary), text
    assert code == summary["verdict"]["exit_code"]
    (ground,) = [g for g in summary["verdict"]["grounds"] if g["name"] == INTERRUPTED]
    assert ground["text"] == f"interrupted after {summary['seconds']:.0f} s of 3600 s"


@pytest.mark.parametrize("sign", SIGNALS)
@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_signal_ends_a_run_with_its_summary_once(
    tmp_path: Path, processes: str, sign: signal.Signals
) -> None:
    port = free_port()
    more = ("--processes", processes, "--run-time", "1h")
    with process(tmp_path / "out", *command(tmp_path, port, *more)) as running:
        wait_for_sessions(running, port)
        code = running.stop(sign)
    assert_interrupted(code, read(tmp_path), running.text)
    assert (running.text.count(RESULT), running.text.count(STATISTICS)) == (1, 0), running.text
    assert "Traceback" not in running.text


@pytest.mark.parametrize("sign", SIGNALS)
def test_a_master_with_workers_of_its_own_too(tmp_path: Path, sign: signal.Signals) -> None:
    port, metrics_port = free_port(), free_port()
    more = ("--master", "--expect-workers", "1", "--master-bind-port", str(port))
    joining = ("locust", "-f", LOCUSTFILE, "--worker", "--master-port", str(port))
    arguments = command(tmp_path, metrics_port, *more, "--run-time", "1h")
    with (
        process(tmp_path / "master", *arguments) as master,
        process(tmp_path / "worker", *joining) as worker,
    ):
        wait_for_sessions(master, metrics_port)
        code = master.stop(sign)
        assert worker.process.wait(PATIENCE) == 0, worker.text
    assert_interrupted(code, read(tmp_path), master.text)
    assert (master.text.count(RESULT), master.text.count(STATISTICS)) == (1, 0), master.text
    assert "Traceback" not in master.text + worker.text


@pytest.mark.parametrize("sign", SIGNALS)
def test_a_run_without_a_run_time_is_judged_on_what_it_saw(
    tmp_path: Path, sign: signal.Signals
) -> None:
    port = free_port()
    arguments = command(tmp_path, port, "--run-time", "0")
    with process(tmp_path / "out", *arguments) as running:
        wait_for_sessions(running, port)
        code = running.stop(sign)
    summary = read(tmp_path)
    assert not summary["interrupted"]
    assert ended_well(code, summary), running.text


def test_a_run_that_is_stopped_on_the_page_before_its_run_time_has_shown_nothing(
    tmp_path: Path,
) -> None:
    port, path = free_port(), tmp_path / "summary.json"
    url = f"http://127.0.0.1:{port}"
    with process(
        tmp_path / "out",
        *("locust", "-f", LOCUSTFILE, "--web-host", "127.0.0.1", "--web-port", str(port)),
        *("--cr-driver", "off", "--summary-json", str(path)),
    ) as running:
        running.wait_for(r"Starting web interface")
        # The second run is larger, so that the figures of the first are not taken for its own.
        for run_time, users, is_interrupted in (("1h", 10, True), ("", 40, False)):
            path.unlink(missing_ok=True)
            form = {"user_count": users, "spawn_rate": users, "run_time": run_time}
            told = wait_for_answer(f"{url}/swarm", **form).json()
            assert told["success"], told
            wait_for_figure(running, f"{url}/metrics", SUCCEEDED, users)
            assert requests.post(f"{url}/stop", timeout=120).json()["success"]
            assert read(tmp_path)["interrupted"] is is_interrupted
        assert ended_well(running.stop(), read(tmp_path)), running.text


def test_a_summary_that_can_not_be_written_is_printed_and_fails_the_run(tmp_path: Path) -> None:
    port, path = free_port(), tmp_path / "summary.json"
    with process(tmp_path / "out", *command(tmp_path, port, "--run-time", "0")) as running:
        wait_for_sessions(running, port)
        path.mkdir()
        code = running.stop(signal.SIGINT)
    assert code == 1, running.text
    assert f"caretaker: {path}: Is a directory; the summary is in the output" in running.text
    assert "Result              failed: Not written: " in running.text
