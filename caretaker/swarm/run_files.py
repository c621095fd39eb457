"""
The files that a run leaves behind: those that options name, and its folder below ``--runs``.

A folder gets its name when all is in it, so a run that was killed leaves none that looks whole.
"""

from __future__ import annotations

import errno
import json
import os
import shutil
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from itertools import count
from pathlib import Path

from caretaker.engine.row_files import open_rows
from caretaker.engine.session_export import part
from caretaker.reporting.junit import junit
from caretaker.reporting.kept_runs import SUMMARY_FILE
from caretaker.reporting.report import page
from caretaker.reporting.summary_types import Summary
from caretaker.reporting.timeline_rows import TIMELINE_COLUMNS, timeline_rows
from caretaker.reporting.verdict import judge
from caretaker.swarm.options import Settings


def _summary(summary: Summary, _: datetime) -> bytes:
    return json.dumps(summary, indent=1).encode() + b"\n"


def _report(summary: Summary, _: datetime) -> bytes:
    return page(summary).encode("utf-8", "replace")


def _command(summary: Summary, _: datetime) -> bytes:
    return summary.get("command", "").encode("utf-8", "replace") + b"\n"


Content = Callable[[Summary, datetime], bytes]

FOLDER_FILES: Mapping[str, Content] = {
    SUMMARY_FILE: _summary,
    "report.html": _report,
    "junit.xml": junit,
    "command.txt": _command,
}
"""The files in the folder of a run, with what makes the content of each."""


def write_files(settings: Settings, summary: Summary, ended: datetime) -> list[str]:
    """
    Judge a run, and write all that it leaves behind.

    What can't be written is a ground of the verdict, so the other files are written again with it.

    Args:
        settings: of the run, which name the files.
        summary: of the run; its ``verdict`` and what was ``unwritten`` are put into it.
        ended: when it did.

    Returns:
        A line for each file or folder that could not be written; the others are.
    """
    _judge(summary, [])
    unwritten = list(_unwritten(settings, summary, ended))
    _judge(summary, unwritten)
    if settings.runs is not None:
        try:
            keep_run(settings.runs, summary, ended)
        except OSError as error:
            unwritten.append(f"--runs {settings.runs}: {error.strerror}")
            _judge(summary, unwritten)
    if unwritten:
        list(_unwritten(settings, summary, ended))
    return unwritten


def _judge(summary: Summary, unwritten: list[str]) -> None:
    if unwritten:
        summary["unwritten"] = unwritten
    summary["verdict"] = judge(summary)


def _unwritten(settings: Settings, summary: Summary, ended: datetime) -> Iterator[str]:
    files = (
        (settings.summary_json, _summary),
        (settings.junit, junit),
        (settings.report, _report),
    )
    for path, content in files:
        if path is not None:
            try:
                path.write_bytes(content(summary, ended))
            except OSError as error:
                yield f"{path}: {error.strerror}"
    for path in settings.exports:
        try:
            _export_timeline(part(path, "timeline"), summary)
        except OSError as error:
            yield f"--export {part(path, 'timeline')}: {error.strerror or error}"


def _export_timeline(path: Path, summary: Summary) -> None:
    file = open_rows(path, TIMELINE_COLUMNS)
    try:
        file.write(timeline_rows(summary["timeline"]))
    finally:
        file.close()


def keep_run(folder: Path, summary: Summary, ended: datetime) -> Path:
    """
    Give a run its folder in a folder of runs.

    Args:
        folder: of the runs; it is made if its parent exists.
        summary: of the run; its ``started`` becomes the name, with a number if that is taken.
        ended: when the run did.

    Returns:
        The folder of the run.

    Raises:
        OSError: a file could not be written; then nothing stays.
    """
    started = datetime.fromisoformat(summary["started"])
    name = started.strftime("%Y-%m-%dT%H%M%SZ")
    unfinished = folder / f".{name}-{os.getpid()}"
    try:
        folder.mkdir(exist_ok=True)
        unfinished.mkdir(exist_ok=True)
        for file, content in FOLDER_FILES.items():
            (unfinished / file).write_bytes(content(summary, ended))
        return _renamed(unfinished, folder / name)
    except OSError:
        shutil.rmtree(unfinished, ignore_errors=True)
        raise


def _renamed(folder: Path, name: Path) -> Path:
    """Give a folder a name, or the first numbered one that is free."""
    for number in count(1):
        target = name if number == 1 else name.with_name(f"{name.name}-{number}")
        try:
            if not target.exists():
                return folder.rename(target)
        except OSError as error:  # another run was faster
            if error.errno not in (errno.ENOTEMPTY, errno.EEXIST):
                raise
    raise AssertionError("there is always another number")
