"""A run as its user sees it: the screen in a terminal, lines in a pipe, JSON for a program."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from helpers.processes import ended_well, environment, run, was_interrupted
from helpers.terminals import terminal
from helpers.waiting import PATIENCE

from caretaker.swarm.terminal.live_line import WIDTH

pytestmark = [pytest.mark.processes]
LEFT = "\x1b[?1049l"
"""What gives a terminal its own screen back."""


def command(folder: Path, *more: str) -> tuple[str, ...]:
    summary = ("--summary-json", str(folder / "summary.json"))
    return (
        "caretaker",
        "run",
        "--users",
        "20",
        "--cr-rate",
        "5",
        "--run-time",
        "1h",
        *summary,
        *more,
    )


def summary_in(folder: Path) -> Any:
    return json.loads((folder / "summary.json").read_text())


@pytest.mark.parametrize("processes", ["0", "2"])
def test_a_terminal_has_the_screen_and_q_ends_the_run_with_its_verdict(
    tmp_path: Path, processes: str
) -> None:
    with terminal(*command(tmp_path, "--processes", processes)) as shown:
        screen = shown.wait_for(r"(?s)20 CPEs.*succeeded [1-9]")
        for word in ("of 3600 s", "planned", "-> session end", "loop lag", "q ends"):
            assert word in screen
        shown.resize(50, 160)
        shown.wait_for(r"\n[^\n]{160}\n")
        shown.type("q")
        code, text = shown.end()
        assert was_interrupted(code, summary_in(tmp_path)), text
        assert "\nResult  " in text.rpartition(LEFT)[2], text
        assert "Traceback" not in text
        assert shown.is_as_before


def test_what_is_logged_and_printed_comes_back_when_the_screen_goes(tmp_path: Path) -> None:
    with terminal(*command(tmp_path, "--processes", "2")) as shown:
        shown.wait_for(r"All users spawned[^\n]*\n[^$]*q ends")
        shown.type("\x03")
        _, text = shown.end()
        after = text.rpartition(LEFT)[2]
        assert 0 < after.index("All users spawned") < after.index("\nResult  ")
        # Workers that leave before their master has ended the run would give their CPEs away.
        assert after.count("Sending spawn jobs") == 1
        assert shown.is_as_before


def test_a_master_that_is_killed_leaves_the_terminal_and_what_was_logged(tmp_path: Path) -> None:
    with terminal(*command(tmp_path, "--processes", "2")) as shown:
        shown.wait_for(r"All users spawned[^\n]*\n[^$]*q ends")
        shown.process.kill()
        shown.wait_for_text(LEFT)
        shown.wait_for_text("All users spawned")
        shown.wait_for_text(" ends: ")  # of its workers, which end later


def test_ctrl_c_before_a_run_gives_the_terminal_back(tmp_path: Path) -> None:
    with terminal(*command(tmp_path, "--master", "--expect-workers", "1",
                           "--master-bind-port", "0")) as shown:  # fmt: skip
        shown.wait_for("0 of 1 have joined")
        shown.type("\x03")
        code, text = shown.end()
        assert code == 130, text
        assert "interrupted before a run began" in text.rpartition(LEFT)[2]
        assert shown.is_as_before


@pytest.mark.parametrize("term", ["dumb", "unknown"])
def test_a_terminal_that_can_not_be_drawn_on_has_lines(tmp_path: Path, term: str) -> None:
    with terminal(*command(tmp_path, "--live-interval", "1"), TERM=term) as shown:
        shown.wait_for(r"\d+/3600s \| CPEs 20 \|")
        shown.type("q")
        _, text = shown.end()
        assert "\x1b" not in text
        assert "\nResult  " in text


def test_json_is_alone_on_standard_output(tmp_path: Path) -> None:
    arguments = ("caretaker", "run", "--users", "20", "--run-time", "10s", "--live-interval", "1")
    done = run(*arguments, "--json", "--summary-json", str(tmp_path / "summary.json"))
    assert json.loads(done.stdout) == json.loads((tmp_path / "summary.json").read_text())
    assert "\nResult  " in done.stderr
    live = [line for line in done.stderr.splitlines() if "/10s | CPEs" in line]
    assert live, done.stderr
    assert max(map(len, live)) <= WIDTH


def test_quiet_leaves_the_summary_alone() -> None:
    done = run("caretaker", "run", "--users", "5", "--run-time", "5s", "--quiet")
    assert "/5s | CPEs" not in done.stdout
    assert "\nResult  " in done.stdout
    assert "INFO" not in done.stderr


def test_output_that_nobody_reads_any_more_is_no_error(tmp_path: Path) -> None:
    arguments = [sys.executable, "-m", *command(tmp_path, "--run-time", "8s", "--json")]
    with (tmp_path / "errors").open("w") as errors:
        running = subprocess.Popen(
            arguments, stdout=subprocess.PIPE, stderr=errors, env=environment(),
            stdin=subprocess.DEVNULL,
        )  # fmt: skip
        assert running.stdout is not None
        running.stdout.close()
        assert ended_well(running.wait(PATIENCE), summary_in(tmp_path))
    assert "Traceback" not in (tmp_path / "errors").read_text()
