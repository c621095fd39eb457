"""Runs that are kept: a real run, its folder, and the commands that read it."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.processes import loadtest, run

pytestmark = [pytest.mark.processes]


def test_a_run_is_kept_though_its_summary_can_not_be_written(tmp_path: Path) -> None:
    kept = tmp_path / "kept"
    done = run(
        "caretaker", "run", "--users", "5", "--run-time", "5s",
        "--summary-json", "/dev/full", "--runs", str(kept),
    )  # fmt: skip
    assert done.returncode == 1, done.stdout + done.stderr
    assert "caretaker: /dev/full: No space left on device; the summary is" in done.stderr
    assert "Sessions  " in done.stdout
    (folder,) = kept.iterdir()
    listed = run("caretaker", "runs", str(kept))
    assert (listed.returncode, listed.stderr) == (0, "")
    assert listed.stdout.splitlines()[1].startswith(folder.name)
    assert run("caretaker", "compare", str(folder), str(folder)).returncode == 0


def test_a_folder_that_can_not_be_written_is_refused_at_the_start(tmp_path: Path) -> None:
    done, summary = loadtest(tmp_path, "--runs", "/etc/hostname")
    assert (done.returncode, summary, done.stdout) == (2, {}, "")
    assert done.stderr.startswith("caretaker: ") or "--runs" in done.stderr
    assert done.stderr.count("\n") == 1
