"""The command ``caretaker runs FOLDER``: the runs that ``--runs`` has kept."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from itertools import chain
from typing import Any, NamedTuple

from caretaker.reporting.kept_runs import KeptRun, read_runs
from caretaker.reporting.metrics import numbers
from caretaker.reporting.number_text import readable
from caretaker.reporting.summary_types import Summary
from caretaker.reporting.terminal import aligned, one_line


class Column(NamedTuple):
    """
    A column of the list.

    Args:
        title: for people.
        value: of a run, as JSON has it; None where the run does not say.
        unit: of a number; None for a text.
    """

    title: str
    value: Callable[[KeptRun], Any]
    unit: str | None = None

    def text(self, run: KeptRun) -> str:
        """The value as people read it."""
        return one_line(readable(self.value(run), self.unit or ""))


def _verdict(part: str) -> Callable[[KeptRun], str | None]:
    def of(run: KeptRun) -> str | None:
        verdict: Mapping[str, Any] = run.summary.get("verdict", {})
        return verdict.get(part)

    return of


def _metric(path: str) -> Callable[[KeptRun], float | None]:
    return lambda run: numbers(run.summary).get(path)


def _scenario(run: KeptRun) -> str | None:
    return run.summary["scenario"]["name"] if "scenario" in run.summary else None


COLUMNS: Mapping[str, Column] = {
    "folder": Column("Folder", lambda run: run.name),
    "started": Column("Started", lambda run: run.started or None),
    "outcome": Column("Outcome", _verdict("outcome")),
    "scenario": Column("Scenario", _scenario),
    "cpes": Column("CPEs", _metric("fleet.cpes"), ""),
    "sessions_per_second": Column("Sessions", _metric("sessions.per_second"), "/s"),
    "from_plan_p99_ms": Column("p99 from plan", _metric("informs.from_plan_ms.p99"), "ms"),
    "finding": Column("Finding", _verdict("finding")),
}
"""The columns, by their names in JSON."""


def listing(runs: Sequence[KeptRun]) -> list[str]:
    """The runs as the lines of a table for people; numbers are on the right."""
    columns = COLUMNS.values()
    heads = [column.title for column in columns]
    rows = ([column.text(run) for column in columns] for run in runs)
    numbers = [at for at, column in enumerate(columns) if column.unit is not None]
    return aligned([heads, *rows], numbers)


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("folder", metavar="FOLDER", help="that --runs has filled")
    parser.add_argument("--json", action="store_true", help="print a JSON list for machines")


def run(options: argparse.Namespace) -> int:
    """
    List the runs of a folder, the newest last.

    Raises:
        InputError: the folder can't be read.
    """
    found = read_runs(options.folder)
    say_skipped(found.skipped)
    say_not_known([kept.summary for kept in found.runs])
    if options.json:
        rows = [{name: column.value(run) for name, column in COLUMNS.items()} for run in found.runs]
        print(json.dumps(rows, indent=1))  # noqa: T201  # a command prints
    else:
        lines = listing(found.runs) if found.runs else [f"{options.folder}: no runs in it"]
        print("\n".join(lines))  # noqa: T201
    return 0


def say_skipped(lines: Iterable[str]) -> None:
    """Name what is no run, apart from the output."""
    for line in lines:
        print(f"caretaker: skipped {one_line(line)}", file=sys.stderr)  # noqa: T201


def say_not_known(summaries: Sequence[Summary]) -> None:
    """Name in one line what runs of older builds do not say."""
    lacking = [paths for summary in summaries if (paths := summary.get("not_known"))]
    if lacking:
        of = (
            "1 run of an older build"
            if len(lacking) == 1
            else f"{len(lacking)} runs of older builds"
        )
        paths = ", ".join(dict.fromkeys(chain.from_iterable(lacking)))
        print(f"caretaker: not known of {of}: {one_line(paths)}", file=sys.stderr)  # noqa: T201
