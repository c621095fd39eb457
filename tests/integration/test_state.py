"""Runs with ``--state``: the fleet of the next run is that of the last one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
import requests
from helpers.processes import (
    LOCUSTFILE,
    ended_well,
    free_port,
    loadtest,
    loadtest_until,
    process,
    wait_for_answer,
    wait_for_figure,
)

pytestmark = [pytest.mark.processes]

SUCCEEDED = 'caretaker_sessions_total{outcome="succeeded"}'
ACCEPTED = 'caretaker_connection_requests_total{verdict="accepted"}'
FLEET = ("--users", "20", "--spawn-rate", "100", "--inform-interval", "2", "--state", "fleet.db")


@pytest.fixture
def acs(tmp_path: Path) -> Iterator[tuple[str, ...]]:
    """An ACS that outlives the runs; the options that name it."""
    arguments = ("caretaker", "acs", "--port", "0", "--north-bound-port", "0")
    with process(tmp_path / "acs", *arguments) as running:
        found = running.wait_for(r"CPEs: +(\S+)\nNorth-bound API: (\S+)\n")
        yield ("--host", found[1], "--nbi-url", found[2])


def test_the_next_run_takes_the_fleet_up_and_the_acs_need_not_set_anything_again(
    tmp_path: Path, acs: tuple[str, ...]
) -> None:
    options = (*FLEET, *acs, "--cr-rate", "10", "--processes", "2")
    first_run, first = loadtest_until(tmp_path, {SUCCEEDED: 60, ACCEPTED: 10}, *options)
    assert ended_well(first_run.returncode, first), first_run.stdout
    assert first["informs"]["by_event"]["0 BOOTSTRAP"] == 20
    assert (first["state"]["kept"], first["state"]["taken_up"]) == (20, 0)

    second_run, second = loadtest_until(tmp_path, {SUCCEEDED: 60, ACCEPTED: 10}, *options)
    assert ended_well(second_run.returncode, second), second_run.stdout
    assert second["informs"]["by_event"]["1 BOOT"] == 20
    assert "0 BOOTSTRAP" not in second["informs"]["by_event"]
    assert second["state"] == {
        "kept": 20,
        "taken_up": 20,
        "unreadable": 0,
        "outdated": 0,
        "unwritten": 0,
    }
    # The ACS sets credentials at first contact alone: those of the first run work.
    assert "SetParameterValuesResponse" in first["exchanges"]
    assert "SetParameterValuesResponse" not in second["exchanges"]
    assert second["tasks"]["credentials_refused"] == 0
    assert [path.name for path in tmp_path.glob("fleet.db*")] == ["fleet.db"]


def test_a_file_of_another_fleet_is_one_line_and_stays(tmp_path: Path) -> None:
    loadtest_until(tmp_path, {SUCCEEDED: 20}, *FLEET, "--processes", "2")
    before = (tmp_path / "fleet.db").read_bytes()
    for change, text in ((("--seed", "1"), "has --seed 0, this run has 1"),
                         (("--users", "21"), "= 20, this run has 21"),
                         (("--cpes-per-user", "2"), "= 20, this run has 40")):  # fmt: skip
        done, _ = loadtest(tmp_path, *FLEET, "--processes", "2", *change)
        lines = [line for line in done.stderr.splitlines() if line.startswith("caretaker: ")]
        assert done.returncode == 2, done.stderr
        assert len(lines) == 1
        assert text in lines[0]
    assert (tmp_path / "fleet.db").read_bytes() == before


def test_a_second_run_with_one_file_is_refused_and_the_first_goes_on(tmp_path: Path) -> None:
    command = ("caretaker", "run", *FLEET, "--run-time", "0")
    with process(tmp_path / "first", *command, "--live-interval", "1", cwd=tmp_path) as first:
        first.wait_for(r"(?m)^[0-9]+(/[0-9]+)?s \|")
        done, _ = loadtest(tmp_path, *FLEET)
        assert done.returncode == 2
        assert "another run uses it" in done.stderr
        assert first.process.poll() is None
        first.stop()


def test_a_run_of_the_page_with_another_fleet_does_not_begin_and_the_next_one_does(
    tmp_path: Path,
) -> None:
    port = free_port()
    url = f"http://127.0.0.1:{port}"
    with process(
        tmp_path / "out",
        *("locust", "-f", LOCUSTFILE, "--web-host", "127.0.0.1", "--web-port", str(port)),
        *("--processes", "2", "--cr-driver", "off", "--state", "fleet.db"),
        cwd=tmp_path,
    ) as running:
        running.wait_for(r"2 workers connected")
        form = {"user_count": 20, "spawn_rate": 20}
        assert wait_for_answer(f"{url}/swarm", **form).json()["success"]
        wait_for_figure(running, f"{url}/metrics", SUCCEEDED, 20)
        assert requests.post(f"{url}/stop", timeout=120).json()["success"]
        wait_for_answer(f"{url}/swarm", **form | {"user_count": 21})
        running.wait_for(r"The run can't start: .*= 20, this run has 21")
        assert wait_for_answer(f"{url}/swarm", **form).json()["success"]
        running.wait_for(r"(?s)this run has 21.*All users spawned: .*20 total")
        running.stop()
    assert "Traceback" not in running.text
