"""
Before a run: its plan, where only that is wanted, and a question, where its ACS is elsewhere.

A wrong ``--host`` sends a fleet to somebody's ACS. So a run names an ACS that is not on loopback,
with what it will get, and asks who sits at a terminal (decision 0036).
"""

from __future__ import annotations

import argparse
import os
import sys

from caretaker.closed_output import say
from caretaker.reporting.outcomes import BAD_INPUT
from caretaker.swarm.first_check import is_due
from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import LocustOptions
from caretaker.swarm.run_plan import RunPlan, lines


def ask_first(options: argparse.Namespace) -> None:
    """
    Print the plan of a command line, or ask for consent to it, where that is due.

    Raises:
        InputError: the run can't be as planned.
    """
    if options.worker or not (options.dry_run or _begins_at_an_acs(options)):
        return
    settings = Settings.of(options)
    plan = RunPlan(settings, LocustOptions.of(options), options.host or "", is_due(options))
    if settings.dry_run:
        plan.check()
        say("\n".join(lines(plan)))
        raise SystemExit(0)
    if plan.is_elsewhere:
        _ask(plan, is_agreed=settings.yes)


def _begins_at_an_acs(options: argparse.Namespace) -> bool:
    """Whether a run begins at once, at an ACS that the user has named."""
    return bool(options.host and LocustOptions.of(options).begins_at_once)


def _ask(plan: RunPlan, *, is_agreed: bool) -> None:
    text = f"this run goes to {plan.target()}, not this machine: {plan.size_and_rate()}"
    print(f"caretaker: {text}", file=sys.stderr, flush=True)
    if is_agreed or not is_at_terminal():
        return
    print("Is this ACS yours to test? [y/N] ", end="", file=sys.stderr, flush=True)
    if sys.stdin.readline().strip().lower() not in ("y", "yes"):
        print("caretaker: not begun", file=sys.stderr, flush=True)
        raise SystemExit(BAD_INPUT)


def is_at_terminal() -> bool:
    """Whether somebody can be asked: not a job in the background, nor one without a terminal."""
    try:
        has_terminal = sys.stdin.isatty() and sys.stderr.isatty()
        return has_terminal and os.tcgetpgrp(sys.stdin.fileno()) == os.getpgrp()
    except (OSError, ValueError, AttributeError):  # closed
        return False
