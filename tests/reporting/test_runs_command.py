"""``caretaker runs``: the kept runs as a table, and as JSON."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from helpers.summaries import scenario, summary

from caretaker import __version__
from caretaker.__main__ import main


def keep(folder: Path, name: str, **sections: Any) -> None:
    (folder / name).mkdir()
    (folder / name / "summary.json").write_text(json.dumps(summary() | sections))


VERDICT = {"outcome": "broken", "exit_code": 3, "finding": "2 levels\nbroken", "grounds": []}


def test_people_get_a_line_for_each_run(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(tmp_path, "b", started="2026-01-02T00:00:00+00:00", verdict=VERDICT,
         scenario=scenario(name="power-cut"))  # fmt: skip
    keep(tmp_path, "a")
    (tmp_path / "notes.txt").write_text("mine")
    assert main(["runs", str(tmp_path)]) == 0
    output = capsys.readouterr()
    heads, first, second = output.out.splitlines()
    assert heads.split() == [
        "Folder", "Started", "Outcome", "Scenario", "CPEs", "Sessions", "p99", "from", "plan",
        "Finding",
    ]  # fmt: skip
    assert first.split() == ["a", "-", "-", "-", "10", "10/s", "2", "ms", "-"]
    assert second.endswith("2 levels broken")
    assert output.err == f"caretaker: skipped {tmp_path}/notes.txt: not the folder of a run\n"


def test_machines_get_json(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    keep(tmp_path, "b", started="2026-01-02T00:00:00+00:00", verdict=VERDICT)
    assert main(["runs", str(tmp_path), "--json"]) == 0
    assert json.loads(capsys.readouterr().out) == [
        {
            "folder": "b",
            "started": "2026-01-02T00:00:00+00:00",
            "outcome": "broken",
            "scenario": None,
            "cpes": 10,
            "sessions_per_second": 10.0,
            "from_plan_p99_ms": 2.0,
            "finding": "2 levels\nbroken",
        }
    ]


def test_an_empty_folder_says_so(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", str(tmp_path)]) == 0
    assert capsys.readouterr().out == f"{tmp_path}: no runs in it\n"


def test_a_folder_that_is_none_is_bad_input(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["runs", "/etc/hostname"]) == 2
    error = capsys.readouterr().err
    assert error.startswith("caretaker: /etc/hostname: Not a directory; give a folder")
    assert error.count("\n") == 1


def test_what_older_builds_did_not_write_is_named_in_one_line(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("a", "b"):
        keep(tmp_path, name, version=__version__)
        file = tmp_path / name / "summary.json"
        made = json.loads(file.read_text())
        del made["export"], made["cures"]
        file.write_text(json.dumps(made))
    keep(tmp_path, "c", version=__version__)
    assert main(["runs", str(tmp_path)]) == 0
    output = capsys.readouterr()
    assert [line.split()[0] for line in output.out.splitlines()] == ["Folder", "a", "b", "c"]
    assert output.err == "caretaker: not known of 2 runs of older builds: export, cures\n"
