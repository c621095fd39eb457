"""
The master's side of ``--state``: takes records of CPEs from workers, and has a thread write them.

Records wait in memory, one for each CPE at most, until they are in the file; only then is their
worker told so. While the file can't be written (a full disk) they stay there, and the next attempt
has them too. Those that are there at the end of the run are counted as unwritten.
"""

from __future__ import annotations

import logging
import sqlite3
from collections.abc import Callable, Iterable, Mapping
from itertools import islice
from pathlib import Path
from typing import TypeVar

import gevent
from gevent.lock import Semaphore
from gevent.threadpool import ThreadPool

from caretaker.errors import InputError
from caretaker.index_set import IndexSet, Ranges
from caretaker.profiles.profile import DEFAULT_MIX
from caretaker.reporting.summary_types import StateSection
from caretaker.swarm.options import Settings
from caretaker.swarm.state_file import StateFile, StoredCPE

_Result = TypeVar("_Result")
_log = logging.getLogger(__name__)

WRITE_SECONDS = 0.5
"""How often records are written; so much of the last of them is lost with the machine."""
TRANSACTION = 2_000
"""Records of a transaction: the thread stops the loop for no longer than a part of this takes."""
CLOSE_SECONDS = 20.0
"""How long the end of a run waits until all records are written."""


def fleet_facts(settings: Settings, users: int | None) -> dict[str, str]:
    """
    What makes the CPEs of a fleet, and how many there are, by the options that say it.

    Args:
        settings: of the run.
        users: of the run; None where nobody has said how many there will be.
    """
    facts = {
        "--seed": str(settings.seed),
        "--serial-prefix": settings.serial_prefix,
        "--devices": "none" if settings.devices is None else settings.devices.identity,
        "--profile": ", ".join(map(str, settings.profiles)) or ", ".join(DEFAULT_MIX),
    }
    if users is not None:
        facts["--users x --cpes-per-user ="] = str(users * settings.cpes_per_user)
    return facts


class StateStore:
    """
    Keeps the state of a fleet.

    Args:
        path: of the file, which stays open until ``close``.

    Raises:
        InputError: the file can't be used.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file = StateFile(path)
        self._pool = ThreadPool(1)
        self._one_at_a_time = Semaphore()
        self._waiting: dict[int, bytes] = {}
        self._in_writing: dict[int, bytes] = {}
        self._told: list[Callable[[], None]] = []
        self._kept = 0
        self._outdated = 0
        self._problem = ""
        self._writer = gevent.spawn(self._write_all)

    def agree(self, facts: Mapping[str, str], acs_url: str) -> None:
        """
        Check that the file is of this fleet, before a run; see ``StateFile.agree``.

        Raises:
            InputError: it is not, or can't be written.
        """
        self._outdated = 0
        with self._one_at_a_time:
            self._in_thread(lambda: self._file.agree(facts, acs_url))

    def _in_thread(self, work: Callable[[], _Result]) -> _Result:
        """Wait for work in the one thread that uses the file; raises what it raises."""
        result, error = self._pool.apply(_outcome_of, (work,))
        if error is not None:
            raise error
        return result  # type: ignore[return-value]  # there is one without an error

    # Records.

    def put(self, records: Iterable[tuple[int, bytes]], written: Callable[[], None]) -> None:
        """
        Take records. Does not wait.

        Args:
            records: with the index of the CPE of each.
            written: called when all of them are in the file, in the greenlet of the writer.
        """
        self._waiting.update(records)
        self._told.append(written)

    def refuse(self, number: int) -> None:
        """Count records that came from a worker that does not hold their CPEs any more."""
        self._outdated += number

    def read(self, ranges: Ranges) -> list[StoredCPE]:
        """The CPEs of these indices that have a state, written or not; waits for the thread."""
        if not ranges:
            return []
        wanted = IndexSet(ranges)
        unwritten = {
            index: record
            for records in (self._in_writing, self._waiting)
            for index, record in records.items()
            if index in wanted
        }
        try:
            found = {each.cpe: each for each in self._in_thread(lambda: self._file.read(ranges))}
        except sqlite3.Error as error:
            self._fail(str(error))
            found = {}
        found |= {index: StoredCPE(index, record) for index, record in unwritten.items()}
        return list(found.values())

    # The file.

    def _write_all(self) -> None:
        while True:
            gevent.sleep(WRITE_SECONDS)
            self.write()

    def write(self) -> None:
        """Write all records that wait, and wait until that is done or has failed."""
        with self._one_at_a_time:
            if not self._waiting and not self._told:
                return
            told, self._told = self._told, []
            self._in_writing, self._waiting = self._waiting, {}
            try:
                self._write_parts()
            except sqlite3.Error as error:
                self._fail(str(error))
                # What was not written is older than what came meanwhile. Workers that are not told
                # wait, and then send what is the state by then.
                self._waiting = {**self._in_writing, **self._waiting}
                self._in_writing = {}
                return
        self._problem = ""
        for written in told:
            written()

    def _write_parts(self) -> None:
        """Write ``_in_writing``, in parts between which others can read."""
        while self._in_writing:
            part = list(islice(self._in_writing.items(), TRANSACTION))
            self._in_thread(lambda part=part: self._file.write(part))  # type: ignore[misc]
            for index, _ in part:
                del self._in_writing[index]

    def _fail(self, problem: str) -> None:
        if problem != self._problem:
            _log.warning("--state %s: %s; the run goes on", self._path, problem)
        self._problem = problem

    def flush(self) -> None:
        """Have all written that has come, for so long as the end of a run may wait for that."""
        gevent.spawn(self._write_and_count).join(CLOSE_SECONDS)

    def _write_and_count(self) -> None:
        self.write()
        self._kept = self._in_thread(self._file.count)

    def section(self, of_workers: StateSection) -> StateSection:
        """The section of the summary: what workers have counted, and what is of the file."""
        return {
            **of_workers,
            "kept": self._kept,
            "outdated": self._outdated,
            "unwritten": len(self._waiting) + len(self._in_writing),
        }

    def close(self) -> None:
        """Close the file."""
        self._writer.kill()
        self.flush()
        gevent.spawn(self._in_thread, self._file.close).join(CLOSE_SECONDS)


def _outcome_of(work: Callable[[], _Result]) -> tuple[_Result | None, Exception | None]:
    """What work returns or raises; gevent prints what a thread of its pool raises."""
    try:
        return work(), None
    except (InputError, sqlite3.Error) as error:
        return None, error
