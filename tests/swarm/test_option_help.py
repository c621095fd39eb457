"""The help of a run: no option without a line, neither there nor in docs/options.md."""

from __future__ import annotations

import argparse
import shlex

import pytest
from helpers.option_docs import PATH, document

from caretaker.swarm.locust_options import HELP_GROUPS, LOCUST_OPTIONS
from caretaker.swarm.main import defaults
from caretaker.swarm.option_help import OptionLine, lines, markdown, page
from caretaker.swarm.options import OPTIONS
from caretaker.swarm.run_parser import run_parser

LINES = lines(run_parser(defaults([], 0)))
ALL = [line for group in LINES.values() for line in group]


def test_every_option_of_the_parser_has_a_line() -> None:
    shown = {flag for line in ALL for flag in line.flags}
    for action in run_parser({})._actions:
        assert action.help == argparse.SUPPRESS or set(action.option_strings) <= shown
    assert len(ALL) == len(OPTIONS) + len(LOCUST_OPTIONS)


def test_every_group_has_options() -> None:
    assert tuple(LINES) == HELP_GROUPS
    assert all(LINES.values())


@pytest.mark.parametrize("line", ALL, ids=lambda line: line.title)
def test_a_line_has_what_a_user_needs(line: OptionLine) -> None:
    words = shlex.split(line.example)
    assert line.meaning.endswith((".", ")"))
    assert bool(line.unit) == bool(line.default)
    assert words[:1] == [*line.flags[-1:]] or not line.flags
    assert (len(words) > 1) == bool(line.unit)


def test_the_docs_are_made_of_the_options() -> None:
    assert PATH.read_text() == document(), "run ./scripts/options"


def test_a_default_of_the_run_is_shown_instead_of_locusts() -> None:
    by_flag = {line.flags[-1]: line for line in ALL if line.flags}
    assert by_flag["--users"].default == "1000"
    assert by_flag["--cr-rate"].default == "20"
    assert by_flag["--master-bind-host"].default == "127.0.0.1"


@pytest.mark.parametrize("columns", [40, 80, 100])
def test_the_page_fits_the_terminal_but_for_what_is_typed(columns: int) -> None:
    text = page(LINES, columns)
    for row in text.splitlines():
        assert len(row) <= columns or row.startswith(("  -", "        Example", "Usage", "  <"))


def test_a_bar_in_a_unit_ends_no_cell_of_the_table() -> None:
    line = OptionLine(("--start",), "a|b", "As <prefix>.", "a", "--start b", "")
    assert r"| `--start <a\|b>` | As \<prefix>. | a | `--start b` |  |" in markdown({"x": [line]})
