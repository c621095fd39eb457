"""Large profiles, on workers that the master has forked and on others that have no file of it."""

from __future__ import annotations

import json
import signal
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pytest
import requests
from helpers.exports import export
from helpers.processes import (
    LOCUSTFILE,
    ended_well,
    free_port,
    loadtest_until,
    process,
    wait_for_answer,
    wait_for_figure,
)
from helpers.waiting import PATIENCE

from caretaker.profiles.importer import import_files, save

pytestmark = [pytest.mark.processes]

SUCCEEDED = 'caretaker_sessions_total{outcome="succeeded"}'
USERS = ("--users", "20", "--spawn-rate", "100")
WORKER_READS = "reads profile"


def started_cleanly(summary: dict[str, Any]) -> bool:
    """Whether both workers had their CPEs, and none was ever silent."""
    fleet = summary["fleet"]
    joined, lost = fleet["workers_joined"], fleet["workers_lost"]
    return (fleet["cpes"], joined, lost, summary["users_not_started"]) == (20, 2, 0, 0)


def remote_run(folder: Path, *options: str) -> tuple[int, dict[str, Any], Sequence[str]]:
    """
    A run of a master in a folder and two workers in others; exit code, summary and outputs.

    Ctrl-C ends it when each CPE has had its first session.
    """
    port, metrics_port, path = str(free_port()), str(free_port()), folder / "summary.json"
    locust = ("locust", "-f", LOCUSTFILE)
    master = (*locust, "--master", "--headless", "--expect-workers", "2", "--run-time", "0", *USERS)
    ports = ("--master-bind-port", port, "--metrics-port", metrics_port)
    worker = (*locust, "--worker", "--master-port", port)
    for name in ("one", "two"):
        (folder / name).mkdir()
    with (
        process(folder / "master.log", *master, *ports, "--summary-json", str(path), *options,
                cwd=folder) as leader,
        process(folder / "one.log", *worker, cwd=folder / "one") as one,
        process(folder / "two.log", *worker, cwd=folder / "two") as two,
    ):  # fmt: skip
        wait_for_figure(leader, f"http://127.0.0.1:{metrics_port}/metrics", SUCCEEDED, 20)
        code = leader.stop(signal.SIGINT)
        assert [one.process.wait(PATIENCE), two.process.wait(PATIENCE)] == [0, 0], (
            one.text + two.text
        )
        return code, json.loads(path.read_text()), (leader.text, one.text, two.text)


def test_workers_that_were_forked_do_not_read_a_large_profile_again(tmp_path: Path) -> None:
    export(tmp_path / "big.csv", 90_000)
    done, summary = loadtest_until(
        tmp_path, {SUCCEEDED: 20}, "--profile", "big.csv", "--processes", "2", *USERS
    )
    assert ended_well(done.returncode, summary), done.stdout
    assert started_cleanly(summary)
    assert summary["fleet"]["profiles"] == {"big.csv": 20}
    assert WORKER_READS not in done.stdout


def test_workers_without_the_files_get_a_large_profile_and_its_base(tmp_path: Path) -> None:
    export(tmp_path / "big.csv", 90_000)
    (tmp_path / "big.toml").write_text('base = "big.csv"\ndevice.product_class = "Box"')
    code, summary, texts = remote_run(tmp_path, "--profile", "big.toml:3", "--profile", "tr098")
    assert ended_well(code, summary), texts[0]
    assert started_cleanly(summary)
    assert summary["fleet"]["profiles"] == {"big.toml": 15, "tr098": 5}
    assert not any("Traceback" in text for text in texts)
    assert {path.name for path in tmp_path.glob("*/*")} == set()  # no worker has written a file


def test_each_run_has_its_profiles_as_they_are_then(tmp_path: Path) -> None:
    """The web UI chooses; what has changed since the workers were forked comes from the master."""
    web, master = str(free_port()), str(free_port())
    url, path = f"http://127.0.0.1:{web}", tmp_path / "summary.json"
    export(tmp_path / "box.csv", 1_000, "before")
    with process(
        tmp_path / "out",
        *("locust", "-f", LOCUSTFILE, "--web-port", web, "--processes", "2"),
        *("--master-bind-port", master, "--master-port", master, "--live-interval", "1"),
        *("--profile", "box.csv", "--profile", "tr098", "--summary-json", str(path)),
        cwd=tmp_path,
    ) as running:
        running.wait_for(r"2 workers connected")
        wait_for_answer(url)
        export(tmp_path / "box.csv", 5_000, "after")
        for name, users in (("tr098", 10), ("box.csv", 20)):
            form = {"user_count": users, "spawn_rate": 100, "profiles": [name]}
            started = requests.post(f"{url}/swarm", data=form, timeout=120).json()
            assert started["success"], started
            running.wait_for(rf"CPEs +{users} ")
            assert requests.post(f"{url}/stop", timeout=120).ok
            assert json.loads(path.read_text())["fleet"]["profiles"] == {name: users}
        running.stop()
    assert "Traceback" not in running.text


def test_five_real_data_models_start_cleanly(tmp_path: Path, devices: Path, models: Path) -> None:
    for number, path in enumerate(sorted(models.glob("*.xml"))):
        save(import_files([str(path)]), str(tmp_path / f"model-{number}"))
    made = sorted(tmp_path.glob("*.toml")) + sorted(devices.glob("*.csv"))
    chosen = [part for path in made[:5] for part in ("--profile", str(path))]
    done, summary = loadtest_until(tmp_path, {SUCCEEDED: 20}, *chosen, "--processes", "2", *USERS)
    assert ended_well(done.returncode, summary), done.stdout
    assert started_cleanly(summary)
    assert set(summary["fleet"]["profiles"]) == {path.name for path in made[:5]}
