"""``caretaker trend``: exit codes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.summaries import with_latency

from caretaker import __version__
from caretaker.__main__ import main

LATENCY = "tasks.latency_ms.p99"


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """Of seven runs that were alike."""
    for number in range(7):
        keep(tmp_path, number, 10.0)
    return tmp_path


def keep(folder: Path, number: int, latency: float) -> None:
    made = with_latency(latency) | {"started": f"2026-01-0{number + 1}T00:00:00+00:00"}
    (folder / f"run-{number}").mkdir()
    (folder / f"run-{number}" / "summary.json").write_text(json.dumps(made))


@pytest.mark.parametrize(("newest", "code"), [(10.0, 0), (48.0, 3)])
def test_a_regression_fails_the_build(folder: Path, newest: float, code: int) -> None:
    keep(folder, 7, newest)
    assert main(["trend", str(folder), "--metric", LATENCY]) == code
    assert main(["trend", str(folder), "--metric", LATENCY, "--last", "1"]) == code


def test_runs_of_older_builds_count_as_far_as_they_go(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    for file in folder.rglob("summary.json"):
        made = json.loads(file.read_text()) | {"version": __version__}
        del made["export"], made["tasks"]["cut"]
        file.write_text(json.dumps(made))
    keep(folder, 7, 48.0)
    assert main(["trend", str(folder), "--metric", LATENCY]) == 3
    assert main(["trend", str(folder), "--metric", "export.unwritten"]) == 4
    lines = capsys.readouterr().err.splitlines()
    assert lines == ["caretaker: not known of 7 runs of older builds: tasks.cut, export"] * 2


def test_too_few_runs_are_not_green(tmp_path: Path) -> None:
    keep(tmp_path, 0, 10.0)
    assert main(["trend", str(tmp_path)]) == 4


def test_the_threshold_is_the_users(folder: Path) -> None:
    keep(folder, 7, 12.0)
    assert main(["trend", str(folder), "--metric", LATENCY]) == 3
    assert main(["trend", str(folder), "--metric", LATENCY, "--threshold", "30 %"]) == 0


def test_it_writes_a_page_and_prints_markdown(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    page = folder / "trend.html"
    assert main(["trend", str(folder), "--markdown", "--report", str(page)]) == 0
    assert capsys.readouterr().out.startswith("**held: nothing is worse")
    assert "From run to run" in page.read_text()


def test_what_is_no_run_is_named_once(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    (folder / "notes.txt").write_text("mine")
    assert main(["trend", str(folder)]) == 0
    assert capsys.readouterr().err == (
        f"caretaker: skipped {folder}/notes.txt: not the folder of a run\n"
    )


@pytest.mark.parametrize(
    ("arguments", "complaint"),
    [
        (["/nothing"], "caretaker: /nothing: No such file or directory; give a folder that --runs"),
        (["/etc/hostname"], "caretaker: /etc/hostname: Not a directory; give"),
        ([".", "--metric", "sesions.failed"], "no metric 'sesions.failed'; did you mean"),
        ([".", "--last", "0"], "'0' is not a number of runs, like 20"),
        ([".", "--last", "few"], "'few' is not a number of runs"),
        ([".", "--threshold", "little"], "write percent, like 10"),
        ([], "the following arguments are required: FOLDER"),
    ],
)
def test_bad_input_is_one_line(
    arguments: list[str], complaint: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        code = main(["trend", *arguments])
    except SystemExit as exit_:
        code = exit_.code  # type: ignore[assignment]
    error = capsys.readouterr().err
    assert code == 2
    assert complaint in error
    assert error.count("\n") == 1


def test_a_folder_without_runs_is_bad_input(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["trend", str(tmp_path)]) == 2
    assert f"{tmp_path}: no runs in it; give a folder" in capsys.readouterr().err
