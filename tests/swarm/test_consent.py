"""Before a run: its plan, or a question where its ACS is elsewhere."""

from __future__ import annotations

import io
from functools import partial

import pytest
from helpers.options import parser

from caretaker.swarm import consent
from caretaker.swarm.command_line import after_parsing, check_together
from caretaker.swarm.consent import ask_first, is_at_terminal

ELSEWHERE = ("--host", "http://192.0.2.7:7547/")
NAMED = "caretaker: this run goes to 192.0.2.7:7547, not this machine: 100 CPEs, "


def begin(*arguments: str) -> None:
    made = parser(num_users=100, spawn_rate=50, run_time=60, headless=True)
    after_parsing(made, partial(check_together, made), ask_first)
    made.parse_args(arguments)


def sit_at_terminal(monkeypatch: pytest.MonkeyPatch, answer: str) -> None:
    monkeypatch.setattr(consent, "is_at_terminal", lambda: True)
    monkeypatch.setattr("sys.stdin", io.StringIO(answer))


@pytest.mark.parametrize("answer", ["y\n", "YES\n", " y \n"])
def test_a_run_begins_after_a_yes(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str
) -> None:
    sit_at_terminal(monkeypatch, answer)
    begin(*ELSEWHERE)
    error = capsys.readouterr().err
    assert error.startswith(NAMED)
    assert "yours to test?" in error


@pytest.mark.parametrize("answer", ["n\n", "\n", "", "yeah\n"])
def test_any_other_answer_ends_it(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str], answer: str
) -> None:
    sit_at_terminal(monkeypatch, answer)
    with pytest.raises(SystemExit) as exit_:
        begin(*ELSEWHERE)
    assert exit_.value.code == 2
    assert capsys.readouterr().err.endswith("caretaker: not begun\n")


def test_yes_asks_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    sit_at_terminal(monkeypatch, "n\n")
    begin(*ELSEWHERE, "--yes")
    assert capsys.readouterr().err.startswith(NAMED)


def test_without_a_terminal_it_is_named_and_begins(capsys: pytest.CaptureFixture[str]) -> None:
    begin(*ELSEWHERE)
    error = capsys.readouterr().err
    assert error.startswith(NAMED)
    assert error.count("\n") == 1


@pytest.mark.parametrize(
    "arguments", [(), ("--host", "http://127.0.0.1:7547/"), (*ELSEWHERE, "--worker")]
)
def test_nothing_is_said_of_this_machine_nor_by_a_worker(
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    arguments: tuple[str, ...],
) -> None:
    monkeypatch.setenv("CARETAKER_RUN_TOKEN", "a-token-of-many-characters")
    sit_at_terminal(monkeypatch, "n\n")
    begin(*arguments)
    assert capsys.readouterr().err == ""


def test_a_dry_run_prints_its_plan_and_ends_well(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        begin("--dry-run")
    assert exit_.value.code == 0
    assert "100 CPEs" in capsys.readouterr().out


def test_a_dry_run_of_what_can_not_be_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as exit_:
        begin("--dry-run", "--warm-up", "5m")
    assert exit_.value.code == 2
    assert "--warm-up 300s: --run-time 60s ends within it" in capsys.readouterr().err


@pytest.mark.parametrize("stream", [io.StringIO("y\n"), None])
def test_who_has_no_terminal_is_not_asked(
    monkeypatch: pytest.MonkeyPatch, stream: io.StringIO | None
) -> None:
    monkeypatch.setattr("sys.stdin", stream)
    assert not is_at_terminal()
