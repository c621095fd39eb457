"""What a run prints, and where: chosen from its command line, before workers are forked."""

from __future__ import annotations

import argparse
import atexit
import json
import logging
import os
import sys
from contextlib import suppress
from tempfile import TemporaryFile
from typing import TYPE_CHECKING

from rich.console import Console

from caretaker.closed_output import say
from caretaker.reporting.summary_text import render
from caretaker.reporting.summary_types import Summary
from caretaker.swarm.terminal.held_output import HeldOutput
from caretaker.swarm.user import CPEUser

if TYPE_CHECKING:
    from locust.env import Environment

_TABLES = logging.getLogger("locust.stats_logger")
"""What Locust prints its statistics with."""


class RunOutput:
    """The output of the processes of a run."""

    def __init__(self) -> None:
        self.held: HeldOutput | None = None
        """Takes what would tear the screen; None where there is no screen."""
        self._json: int | None = None
        self._has_tables = True

    def choose(self, options: argparse.Namespace) -> None:
        """Choose where the output goes that a command line asks for."""
        if options.worker:
            return
        if options.json_summary:
            self._json = os.dup(1)
            sys.stdout.flush()
            os.dup2(2, 1)
        if options.quiet and options.loglevel == "INFO":
            options.loglevel = "WARNING"
        if options.live_interval and not options.quiet and has_screen():
            terminals = [descriptor for descriptor in (1, 2) if os.isatty(descriptor)]
            with suppress(OSError):  # no room for a file: then there are lines
                self.held = HeldOutput(TemporaryFile(buffering=0), terminals)  # noqa: SIM115
                # It is to be called after Locust's wait for its workers, which is set up later.
                atexit.register(self.held.end, os.getpid())

    def of_worker(self) -> None:
        """Hold back what this worker prints, if its master shows a screen."""
        if self.held is not None:
            self.held.hold()

    def begin(self, environment: Environment) -> None:
        """
        Leave out the tables of Locust where nobody needs them.

        They are the same figures for CPEs alone, forty lines of 139 columns. What users of other
        kinds do is nowhere else.
        """
        given = vars(environment.parsed_options)
        others = any(not issubclass(kind, CPEUser) for kind in environment.user_classes)
        is_asked = others or not given.get("only_summary", False)
        self._has_tables = is_asked and not given.get("quiet", False)
        _TABLES.disabled = not self._has_tables or self.held is not None

    def end(self) -> None:
        """The run has ended, and the screen is closed."""
        _TABLES.disabled = not self._has_tables

    def summary(self, summary: Summary) -> None:
        """Print the summary of a run: for people, and with ``--json`` for programs."""
        say(f"\n{render(summary)}")
        if self._json is not None:
            with suppress(OSError), os.fdopen(self._json, "w", closefd=False) as file:
                file.write(f"{json.dumps(summary, indent=1)}\n")


def has_screen() -> bool:
    """Whether standard output is a terminal that can be drawn on, and says what it is."""
    console = Console()
    return os.isatty(1) and bool(os.environ.get("TERM")) and not console.is_dumb_terminal
