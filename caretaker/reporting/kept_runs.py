"""
Runs that ``--runs FOLDER`` has kept, read again.

Each run has a folder there (``swarm.run_files`` writes it). Folders and files of others are told,
and passed over. Names that begin with a dot are folders of runs that never ended.
"""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path
from typing import NamedTuple

from caretaker.errors import InputError
from caretaker.reporting.summary_file import read_known
from caretaker.reporting.summary_types import Summary

SUMMARY_FILE = "summary.json"
"""The name of the summary in the folder of a run."""
_MOST_NAMED = 3
"""Runs that a message names."""


class KeptRun(NamedTuple):
    """A run in a folder of runs: the name of its own folder, and its summary."""

    name: str
    summary: Summary

    @property
    def started(self) -> str:
        """When it began: an ISO time in UTC, empty where that is unknown."""
        return self.summary.get("started", "")


class KeptRuns(NamedTuple):
    """The runs of a folder, the newest last, and a line for each thing in it that is none."""

    runs: Sequence[KeptRun]
    skipped: Sequence[str]


def read_run(path: str) -> Summary:
    """
    The summary of a run, by its file or the folder that has it.

    Raises:
        InputError: it can't be read, or is none of this minor version.
    """
    return read_known(file_of(path))


def file_of(path: str) -> str:
    """
    The file of a run's summary: this one, or that in the folder of the run.

    Raises:
        InputError: a folder without it.
    """
    if not _is_folder(path):
        return path
    file = Path(path) / SUMMARY_FILE
    if not os.path.exists(file):  # noqa: PTH110  # Path's fails for a folder that is locked
        names = [run.parent.name for run in Path(path).glob(f"[!.]*/{SUMMARY_FILE}")]
        raise InputError(f"{path}: a folder without {SUMMARY_FILE}; {_runs_to_give(names)}")
    return str(file)


def _runs_to_give(names: Sequence[str]) -> str:
    """What to give instead of a folder that has these runs."""
    newest = sorted(names, key=_in_order)[-_MOST_NAMED:]
    if not newest:
        return "give the folder of a run that --runs has kept"
    others = f", and {len(names) - len(newest)} before them" if len(names) > len(newest) else ""
    return f"give one of the runs in it: {', '.join(newest)}{others}"


def _in_order(name: str) -> tuple[str, int, str]:
    """Sorts names of runs: those of one second are numbered, and -2 comes before -10."""
    return name.partition("Z")[0], len(name), name


def _is_folder(path: str | Path) -> bool:
    try:
        return Path(path).is_dir()
    except OSError:  # too long, or not to be looked at: reading it will tell
        return False


def read_runs(folder: str) -> KeptRuns:
    """
    All runs of a folder.

    Raises:
        InputError: the folder can't be read.
    """
    try:
        entries = [path for path in Path(folder).iterdir() if not path.name.startswith(".")]
    except (OSError, ValueError) as error:
        why = getattr(error, "strerror", None) or error
        cure = "give a folder that --runs has filled"
        raise InputError(f"{folder}: {why}; {cure}") from error
    runs, skipped = [], []
    for path in sorted(entries):
        if not _is_folder(path):
            skipped.append(f"{path}: not the folder of a run")
            continue
        try:
            runs.append(KeptRun(path.name, read_run(str(path))))
        except InputError as error:
            skipped.append(str(error))
    # Runs of one second are numbered: -2 comes before -10.
    return KeptRuns(sorted(runs, key=lambda r: (r.started, len(r.name), r.name)), skipped)
