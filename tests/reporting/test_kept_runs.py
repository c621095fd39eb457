"""Runs that were kept, read again: what is none of them is named and passed over."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
from helpers.summaries import summary

from caretaker.errors import InputError
from caretaker.reporting.kept_runs import read_run, read_runs


def keep(folder: Path, name: str, **sections: Any) -> Path:
    (folder / name).mkdir()
    (folder / name / "summary.json").write_text(json.dumps(summary() | sections))
    return folder / name


def test_a_run_is_its_file_or_its_folder(tmp_path: Path) -> None:
    folder = keep(tmp_path, "a")
    assert read_run(str(folder)) == read_run(str(folder / "summary.json"))


def test_a_folder_of_runs_is_none_and_its_newest_runs_are_named(tmp_path: Path) -> None:
    folder = str(tmp_path)
    (tmp_path / ".never-ended").mkdir()
    with pytest.raises(InputError, match=r"without summary\.json; give the folder of a run that"):
        read_run(folder)
    for name in ("2026-01-02T030405Z-10", "2026-01-02T030405Z-2", "2026-01-02T030405Z"):
        keep(tmp_path, name)
    in_order = "2026-01-02T030405Z, 2026-01-02T030405Z-2, 2026-01-02T030405Z-10"
    with pytest.raises(InputError, match=rf"give one of the runs in it: {in_order}$"):
        read_run(folder)
    keep(tmp_path, "2026-01-02T030406Z")
    with pytest.raises(InputError, match=r"-10, 2026-01-02T030406Z, and 1 before them$"):
        read_run(folder)


def test_the_newest_is_the_last_whatever_it_is_called(tmp_path: Path) -> None:
    keep(tmp_path, "a", started="2026-01-02T00:00:00+00:00")
    keep(tmp_path, "b", started="2026-01-01T00:00:00+00:00")
    assert [run.name for run in read_runs(str(tmp_path)).runs] == ["b", "a"]


def test_what_is_no_run_is_named_in_one_line(tmp_path: Path) -> None:
    keep(tmp_path, "good")
    (tmp_path / "empty").mkdir()
    (tmp_path / "notes.txt").write_text("mine")
    (tmp_path / "broken").mkdir()
    (tmp_path / "broken" / "summary.json").write_text('{"fleet": ')
    found = read_runs(str(tmp_path))
    assert [run.name for run in found.runs] == ["good"]
    assert [line.removeprefix(f"{tmp_path}/").partition(": ")[0] for line in found.skipped] == [
        "broken/summary.json", "empty", "notes.txt",
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("folder", "why"),
    [
        ("/nothing/there", "No such file or directory"),
        ("/etc/hostname", "Not a directory"),
        ("nul\0", "embedded null byte"),
    ],
)
def test_a_folder_that_is_none_is_refused(folder: str, why: str) -> None:
    with pytest.raises(InputError, match=f"{why}; give a folder that --runs has filled"):
        read_runs(folder)


@pytest.mark.parametrize("path", ["x" * 5000, "nul\0", "", os.sep])
def test_a_path_that_is_none_is_bad_input(
    path: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)  # a run may have left its summary where the tests are run
    with pytest.raises(InputError):
        read_run(path)
