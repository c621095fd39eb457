"""
The raw data of every session of a worker, a row each, in a file (docs/export.md).

A session that ends is only put on a list. A thread makes rows of the list and writes them, so the
loop never waits for a disk.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import NamedTuple

import gevent
from gevent.event import Event
from gevent.threadpool import ThreadPool

from caretaker.engine.active_session import ActiveSession
from caretaker.engine.row_files import Columns, Row, RowFile, open_rows
from caretaker.stats.records import SessionRecord
from caretaker.stats.results import Results

_log = logging.getLogger(__name__)

MOST_WAITING = 200_000
"""Sessions that wait to be written; more are lost, so that a slow disk costs no memory."""
BATCH = 1000
"""Sessions that are written together: the thread stops the loop for no longer than this takes."""
INTERVAL = 0.5
"""Seconds between two looks at the list."""

UNFINISHED = "unfinished"
"""The outcome of a session that still runs at the end."""

COLUMNS: Columns = {
    "cpe": str,
    "events": str,
    "planned": float,
    "started": float,
    "ended": float,
    "outcome": str,
    "reason": str,
    "blame": str,
    "accepted": float,
    "inform_sent": float,
    "informed": float,
}
"""The columns of a session, as docs/export.md describes them."""


class _Session(NamedTuple):
    cpe_index: int
    record: SessionRecord
    has_ended: bool


class SessionExport:
    """
    Writes every session of one worker's run into a file.

    Args:
        path: of the file.
        start: of the run, on the clock of the records.
        serial_number: of the CPE with an index.
        open_file: makes the file.

    Raises:
        OSError: the file can't be written.
    """

    def __init__(
        self,
        path: Path,
        start: float,
        serial_number: Callable[[int], str],
        open_file: Callable[[Path, Columns], RowFile] = open_rows,
    ) -> None:
        self._path = path
        self._start = start
        self._serial_number = serial_number
        self._file = open_file(path, COLUMNS)
        self._waiting: list[_Session] = []
        self._written = 0
        self._unwritten = 0
        self._problem = ""
        self._closing = Event()
        self._closed = False
        self._pool = ThreadPool(1)
        self._writer = gevent.spawn(self._write)

    def session(self, index: int, record: SessionRecord, *, has_ended: bool = True) -> None:
        """Take a session that has ended, or still runs at the end of the run. Does not wait."""
        if self._closing.is_set():
            return
        if len(self._waiting) < MOST_WAITING and not self._problem:
            self._waiting.append(_Session(index, record, has_ended))
            return
        if not self._problem:
            self._fail(f"more than {MOST_WAITING} sessions wait to be written")
        self._unwritten += 1

    def _write(self) -> None:
        is_last = False
        while not is_last:
            is_last = self._closing.wait(INTERVAL)
            waiting, self._waiting = self._waiting, []
            for at in range(0, len(waiting), BATCH):
                self._write_batch(waiting[at : at + BATCH])
        self._take_problem(self._pool.apply(_problem_of, (self._file.close,)), self._written)

    def _write_batch(self, batch: list[_Session]) -> None:
        if self._problem:
            self._unwritten += len(batch)
            return
        self._written += len(batch)
        self._take_problem(self._pool.apply(_problem_of, (self._save, batch)), len(batch))

    def _save(self, batch: list[_Session]) -> None:
        self._file.write([self._row(session) for session in batch])

    def _take_problem(self, problem: str, rows: int) -> None:
        if problem:
            self._written -= rows
            self._unwritten += rows
            self._fail(problem)

    def _fail(self, problem: str) -> None:
        if not self._problem:
            _log.warning("--export %s: %s; the run goes on", self._path, problem)
        self._problem = problem

    def _row(self, session: _Session) -> Row:
        record = session.record
        return (
            self._serial_number(session.cpe_index),
            ";".join(record.events),
            self._at(record.planned),
            self._at(record.started),
            self._at(record.started + record.seconds) if session.has_ended else None,
            record.outcome.value if session.has_ended else UNFINISHED,
            record.reason,
            record.blame.value if record.blame is not None else None,
            self._at(record.accepted),
            self._at(record.inform_sent),
            self._at(record.informed),
        )

    def _at(self, time: float | None) -> float | None:
        """Seconds of the run."""
        return None if time is None else round(time - self._start, 6)

    def stop(self, running: Iterable[ActiveSession]) -> None:
        """Take the sessions that still run, and no more after them. Does not wait."""
        for active in running:
            active.note_inform()
            self.session(active.index, active.record(active.started), has_ended=False)
        self._closing.set()

    def close(self, seconds: float) -> None:
        """Wait so many seconds, after ``stop``, until all sessions are written."""
        self._writer.join(seconds)
        if self._writer.dead:
            self._pool.kill()
        else:
            self._fail("not written in time")
        self._closed = True

    def book(self, results: Results) -> None:
        """Add how many sessions are in the file, and how many are not."""
        results.count("export.rows", self._written)
        late = len(self._waiting) if self._closed else 0
        results.count("export.unwritten", self._unwritten + late)


def _problem_of(work: Callable[..., None], *arguments: object) -> str:
    """Do something; returns why that failed, nothing if it did not. Runs in the thread."""
    try:
        work(*arguments)
    except OSError as error:
        return error.strerror or str(error)
    except Exception as error:  # noqa: BLE001  # no export is worth a run
        return f"a bug of Caretaker, {type(error).__name__}: {error}"
    return ""


def part(path: Path, name: str) -> Path:
    """The file of one part of an export: ``run-w0.csv`` of ``run.csv``."""
    return path.with_name(f"{path.stem}-{name}{path.suffix}")
