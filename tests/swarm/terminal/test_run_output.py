"""Where the output of a run goes, by its command line."""

from __future__ import annotations

import json
import logging
import os
from argparse import Namespace
from collections.abc import Iterator
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, BinaryIO

import pytest
from helpers.summaries import summary
from locust import User

from caretaker.reporting.verdict import judge
from caretaker.swarm.terminal import run_output
from caretaker.swarm.terminal.run_output import RunOutput, has_screen
from caretaker.swarm.user import CPEUser

TABLES = logging.getLogger("locust.stats_logger")


def chosen(output: RunOutput, **options: Any) -> Namespace:
    usual = {"worker": False, "json_summary": False, "quiet": False, "live_interval": 5.0,
             "loglevel": "INFO", "only_summary": True}  # fmt: skip
    made = Namespace(**usual | options)
    output.choose(made)
    return made


def ended() -> Any:
    made = summary()
    made["verdict"] = judge(made)
    return made


@contextmanager
def standard_output() -> Iterator[BinaryIO]:
    """Standard output is a pipe, which is read at the end that is given."""
    before = os.dup(1)
    reading, writing = os.pipe()
    os.dup2(writing, 1)
    os.close(writing)
    with os.fdopen(reading, "rb", buffering=0) as file:
        yield file
    os.dup2(before, 1)
    os.close(before)


@pytest.fixture
def tables() -> Iterator[None]:
    """Locust's tables are printed by whoever comes later."""
    yield
    TABLES.disabled = False


def test_a_summary_is_printed_as_text(capfd: pytest.CaptureFixture[str]) -> None:
    RunOutput().summary(ended())
    assert "Result  " in capfd.readouterr().out


def test_with_json_it_is_alone_on_standard_output() -> None:
    made = ended()
    with standard_output() as reading:
        output = RunOutput()
        chosen(output, json_summary=True)
        os.write(1, b"said by somebody\n")
        output.summary(made)
        assert json.loads(reading.read(1 << 16)) == json.loads(json.dumps(made))


def test_json_that_nobody_reads_any_more_is_no_error() -> None:
    with standard_output() as reading:
        output = RunOutput()
        chosen(output, json_summary=True)
        reading.close()
        output.summary(ended())


@pytest.mark.parametrize(
    ("options", "is_held"),
    [
        ({}, True),
        ({"worker": True}, False),
        ({"quiet": True}, False),
        ({"live_interval": 0.0}, False),
    ],
)
def test_a_terminal_has_a_screen(
    options: dict[str, Any], is_held: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run_output, "has_screen", lambda: True)
    output = RunOutput()
    chosen(output, **options)
    assert (output.held is not None) is is_held
    if output.held is not None:
        output.held.file.close()


def test_without_room_for_a_file_there_are_lines(monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(**_: object) -> None:
        raise OSError

    monkeypatch.setattr(run_output, "has_screen", lambda: True)
    monkeypatch.setattr(run_output, "TemporaryFile", fail)
    output = RunOutput()
    chosen(output)
    assert output.held is None


@pytest.mark.parametrize(
    ("is_terminal", "term", "has"),
    [
        (True, "xterm-256color", True),
        (True, "dumb", False),
        (True, "", False),
        (False, "xterm-256color", False),
    ],
)
def test_only_a_terminal_that_can_be_drawn_on_has_one(
    is_terminal: bool, term: str, has: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", term)
    monkeypatch.setattr(os, "isatty", lambda _: is_terminal)
    monkeypatch.setattr("sys.stdout", SimpleNamespace(isatty=lambda: is_terminal))
    assert has_screen() is has


@pytest.mark.parametrize(
    ("given", "level"), [("INFO", "WARNING"), ("DEBUG", "DEBUG"), ("ERROR", "ERROR")]
)
def test_quiet_leaves_out_notes_unless_a_level_was_asked_for(given: str, level: str) -> None:
    assert chosen(RunOutput(), quiet=True, loglevel=given).loglevel == level


class Portal(User):
    """A user of another kind."""


@pytest.mark.parametrize(
    ("users", "options", "has"),
    [
        ([CPEUser], {}, False),
        ([CPEUser, Portal], {}, True),
        ([CPEUser], {"only_summary": False}, True),
        ([CPEUser, Portal], {"quiet": True}, False),
    ],
)
def test_locusts_tables_are_there_for_others_than_cpes(
    users: list[type[User]], options: dict[str, Any], has: bool, tables: None
) -> None:
    given = Namespace(**{"only_summary": True, **options})
    output, environment = RunOutput(), Namespace(parsed_options=given, user_classes=users)
    output.begin(environment)  # type: ignore[arg-type]
    assert TABLES.disabled is not has


def test_no_table_tears_a_screen(monkeypatch: pytest.MonkeyPatch, tables: None) -> None:
    monkeypatch.setattr(run_output, "has_screen", lambda: True)
    output = RunOutput()
    given = chosen(output, only_summary=False)
    output.begin(Namespace(parsed_options=given, user_classes=[CPEUser]))  # type: ignore[arg-type]
    during = TABLES.disabled
    output.end()
    assert (during, TABLES.disabled) == (True, False)
    assert output.held is not None
    output.held.file.close()
