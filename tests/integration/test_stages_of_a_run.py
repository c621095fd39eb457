"""A run in stages, with options from a file, in a folder that has nothing else."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.processes import ended_well, loadtest, run

pytestmark = [pytest.mark.processes]

CONFIG = """
stage = ["4s:20", "8s:20"]
cr-stage = "4s:20"
processes = 2
no-check = true
"""


def test_a_run_in_stages_ends_with_the_last_one(tmp_path: Path) -> None:
    config = tmp_path / "run.toml"
    config.write_text(CONFIG)
    done, summary = loadtest(tmp_path, "--config", str(config))
    assert ended_well(done.returncode, summary), done.stdout + done.stderr
    assert summary["settings"]["--stage"] == ["4s:20", "8s:20"]
    assert summary["fleet"]["cpes"] == 20
    assert summary["connection_requests"]["accepted"] > 0
    assert "--stage 4s:20 --stage 8s:20" in summary["command"]


def test_a_dry_run_starts_nothing_and_leaves_nothing(tmp_path: Path) -> None:
    elsewhere = ("--host", "http://192.0.2.7:7547/", "--cr-driver", "direct")
    written = (
        "--runs", "runs", "--record", "sessions", "--export", "rows.csv", "--report", "run.html",
        "--state", "fleet.state", "--csv", "csv/run", "--html", "html/run.html",
    )  # fmt: skip
    done = run("caretaker", "run", "--dry-run", *elsewhere, *written, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "sessions of all CPEs with 192.0.2.7:7547" in done.stdout
    assert list(tmp_path.iterdir()) == []
