"""What a run leaves behind: files by name, and a folder that is whole or not there."""

from __future__ import annotations

import errno
import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from helpers.summaries import told

from caretaker.reporting.kept_runs import read_runs
from caretaker.swarm.options import Settings
from caretaker.swarm.run_files import FOLDER_FILES, keep_run, write_files

ENDED = datetime(2026, 1, 2, 3, 5, tzinfo=UTC)
NAME = "2026-01-02T030405Z"


def no_space(*_: Any) -> bytes:
    raise OSError(errno.ENOSPC, "No space left on device")


def test_a_run_is_kept_in_a_folder_that_says_when_it_began(tmp_path: Path) -> None:
    folder = keep_run(tmp_path, told(), ENDED)
    assert folder.name == NAME
    assert {file.name for file in folder.iterdir()} == set(FOLDER_FILES)
    assert json.loads((folder / "summary.json").read_text()) == json.loads(json.dumps(told()))
    assert (folder / "command.txt").read_text() == "./scripts/loadtest --seed 7\n"
    assert (folder / "report.html").read_text().startswith("<!DOCTYPE html>")
    assert "<testsuites" in (folder / "junit.xml").read_text()


def test_the_folder_of_the_runs_is_made_with_its_first_run(tmp_path: Path) -> None:
    assert keep_run(tmp_path / "runs", told(), ENDED).parent == tmp_path / "runs"


def test_runs_of_one_second_are_numbered_and_read_in_their_order(tmp_path: Path) -> None:
    names = [keep_run(tmp_path, told(), ENDED).name for _ in range(11)]
    assert names == [NAME, *(f"{NAME}-{number}" for number in range(2, 12))]
    assert [run.name for run in read_runs(str(tmp_path)).runs] == names


def test_a_name_that_a_foreign_file_has_is_left_alone(tmp_path: Path) -> None:
    (tmp_path / NAME).write_text("mine")
    assert keep_run(tmp_path, told(), ENDED).name == f"{NAME}-2"
    assert (tmp_path / NAME).read_text() == "mine"


def test_a_disk_that_fills_leaves_no_half_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(FOLDER_FILES, "junit.xml", no_space)
    files = Settings(runs=tmp_path, summary_json=tmp_path / "own.json")
    unwritten = write_files(files, told(), ENDED)
    assert unwritten == [f"--runs {tmp_path}: No space left on device"]
    assert [path.name for path in tmp_path.iterdir()] == ["own.json"]


def test_each_file_that_cant_be_written_is_told_and_the_others_are_there(tmp_path: Path) -> None:
    nowhere, report = tmp_path / "none" / "x.xml", tmp_path / "r.html"
    files = Settings(summary_json=Path("/dev/full"), junit=nowhere, report=report)
    assert write_files(files, told(), ENDED) == [
        "/dev/full: No space left on device",
        f"{tmp_path}/none/x.xml: No such file or directory",
    ]
    assert report.is_file()


def test_a_run_that_was_killed_is_none(tmp_path: Path) -> None:
    (tmp_path / f".{NAME}-123").mkdir()
    (tmp_path / f".{NAME}-123" / "summary.json").write_text(json.dumps(told()))
    assert read_runs(str(tmp_path)) == ([], [])
