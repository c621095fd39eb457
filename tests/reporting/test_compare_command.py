"""``caretaker compare``: files and folders, exit codes, and what it refuses."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from helpers.summaries import summary

from caretaker.__main__ import main


@pytest.fixture
def files(tmp_path: Path) -> tuple[str, str]:
    a, b = tmp_path / "a.json", tmp_path / "b.json"
    a.write_text(json.dumps(summary()))
    b.write_text(json.dumps(summary(failed=5)))
    return str(a), str(b)


def test_it_prints_what_got_worse(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *files]) == 0
    text = capsys.readouterr().out
    first, a, b, *_ = text.splitlines()
    assert first.startswith("B is worse in 2 of ")
    assert a == f"A: {files[0]} (10 CPEs, 10 s)"
    assert b.startswith(f"B: {files[1]} (")
    assert "Worse (2)\n  sessions.failed_ratio" in text


def test_worse_can_be_a_failure(files: tuple[str, str]) -> None:
    assert main(["compare", "--fail-on-worse", *files]) == 3
    assert main(["compare", "--fail-on-worse", files[0], files[0]]) == 0


def test_it_writes_a_page(files: tuple[str, str], tmp_path: Path) -> None:
    page = tmp_path / "c.html"
    assert main(["compare", *files, "--threshold", "20 %", "--report", str(page)]) == 0
    assert "sessions.failed_ratio" in page.read_text()
    assert "The same within 20 %" in page.read_text()


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ("nonsense", "not JSON; give a file that --summary-json has written"),
        ("[]", "not the summary of a run; give a file that"),
        ('{"fleet": {}, "sessions": 5}', "not the summary of a run"),
        (None, "No such file or directory"),
    ],
)
def test_what_is_no_summary(
    files: tuple[str, str],
    content: str | None,
    complaint: str,
    capsys: pytest.CaptureFixture[str],
) -> None:
    Path(files[1]).unlink()
    if content is not None:
        Path(files[1]).write_text(content)
    assert main(["compare", *files]) == 2
    error = capsys.readouterr().err
    assert error.startswith(f"caretaker: {files[1]}: {complaint}")
    assert error.count("\n") == 1


@pytest.mark.parametrize(("version", "code"), [("0.1.7", 0), ("0.2.0", 2), ("1.1.0", 2)])
def test_other_versions(
    files: tuple[str, str], version: str, code: int, capsys: pytest.CaptureFixture[str]
) -> None:
    for file, its in zip(files, ("0.1.0", version), strict=True):
        Path(file).write_text(json.dumps(summary() | {"version": its}))
    assert main(["compare", *files]) == code
    if code:
        minor = version.rpartition(".")[0]
        assert f"minor version: 0.1 in A, {minor} in B" in capsys.readouterr().err


def test_runs_of_another_load_are_refused_in_one_line(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    for file, scenario in zip(files, ("power-cut", "power-cut share=0.5"), strict=True):
        settings = {"--scenario": scenario, "--cr-rate": 5}
        Path(file).write_text(json.dumps(summary() | {"settings": settings}))
    assert main(["compare", "--fail-on-worse", *files]) == 2
    error = capsys.readouterr().err
    assert "not comparable (scenario: power-cut in A, power-cut share=0.5 in B); compare" in error
    assert error.count("\n") == 1
    assert main(["compare", "--fail-on-worse", "--anyway", *files]) == 0
    assert "Warning: scenario: power-cut in A, " in capsys.readouterr().out


def test_what_is_not_shown_is_never_green(files: tuple[str, str]) -> None:
    Path(files[1]).write_text(json.dumps(summary() | {"interrupted": True}))
    assert main(["compare", *files]) == 0
    assert main(["compare", "--fail-on-worse", *files]) == 4


def test_the_folder_of_a_run_stands_for_its_summary(
    files: tuple[str, str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    folder = tmp_path / "run"
    folder.mkdir()
    Path(files[1]).rename(folder / "summary.json")
    assert main(["compare", "--fail-on-worse", files[0], str(folder)]) == 3
    assert f"B: {folder} (10 CPEs" in capsys.readouterr().out
    assert main(["compare", files[0], str(tmp_path)]) == 2
    complaint = f"{tmp_path}: a folder without summary.json; give one of the runs in it: run"
    assert complaint in capsys.readouterr().err


def test_it_prints_markdown(files: tuple[str, str], capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["compare", "--markdown", *files]) == 0
    assert capsys.readouterr().out.startswith("**B is worse in 2 of ")


def test_a_page_that_cant_be_written(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["compare", *files, "--report", "/nothing/there.html"]) == 2
    assert "--report /nothing/there.html: No such file" in capsys.readouterr().err


def test_a_threshold_that_is_none(
    files: tuple[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as exit_:
        main(["compare", *files, "--threshold", "little"])
    assert exit_.value.code == 2
    assert "'little' is not a number from 0 to 1000; write percent" in capsys.readouterr().err
