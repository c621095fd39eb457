"""``caretaker completion``: a script with which a shell completes commands, options and values."""

from __future__ import annotations

import argparse
import re
from collections.abc import Sequence

import shtab

# Locust replaces Python's sockets, so it comes before what uses them.
from caretaker.swarm.run_parser import run_parser  # isort: skip

from caretaker.closed_output import say
from caretaker.commands import command_parser
from caretaker.scenarios import SCENARIOS
from caretaker.swarm.locust_options import LOCUST_OPTIONS
from caretaker.swarm.main import DEFAULTS
from caretaker.swarm.options import OPTIONS

COMPLETED_AS = (("file", shtab.FILE), ("folder", shtab.DIRECTORY))
"""How the unit of an option begins whose value is a name of these."""


def main(arguments: Sequence[str]) -> int:
    """Print the script of a shell."""
    shell = command_parser().parse_args(["completion", *arguments]).shell
    say(shtab.complete(completed_parser(), shell))
    return 0


def completed_parser() -> argparse.ArgumentParser:
    """The parser of all commands, which says of each option how its value is completed."""
    run = run_parser(DEFAULTS)
    for action in run._actions:  # noqa: SLF001  # there is no other way to see them
        declared = OPTIONS.get(action.dest) or LOCUST_OPTIONS.get(action.dest)
        if declared is not None and action.option_strings:
            _complete(action, declared.unit, declared.help)
    return command_parser(run)


def _complete(action: argparse.Action, unit: str, about: str) -> None:
    action.help = about.partition(". ")[0].rstrip(".").replace("%", "%%")
    if action.dest == "scenario":
        action.choices = list(SCENARIOS)
    elif re.fullmatch(r"[a-z]+(\|[a-z]+)+", unit):
        action.choices = unit.split("|")
    for begin, kind in COMPLETED_AS:
        if unit.lower().startswith(begin):
            action.complete = kind  # type: ignore[attr-defined]  # shtab's own
