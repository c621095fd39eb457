"""
The file of ``--state``: what outlives the power of each CPE of one fleet (decision 0028).

It is an SQLite database in WAL mode. A transaction is in it as a whole or not at all, whenever
its process dies, so the file can be opened after that and has what was written last. One process
at a time can use it: SQLite's own lock is held until the file is closed, or its process ends.
"""

from __future__ import annotations

import os
import sqlite3
from collections.abc import Iterable, Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import NamedTuple, Self

from caretaker.device import persistent_state
from caretaker.errors import InputError
from caretaker.index_set import Ranges

FILE_VERSION = 1
"""Of the tables below."""
VERSION = f"{FILE_VERSION}.{persistent_state.VERSION}"
"""Of the file and of the records in it."""
_APPLICATION_ID = 0x43504553
"""Says in the header of the file that it is ours ("CPES"); 0 in a file that is new."""
_TABLES = """
CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL) WITHOUT ROWID;
CREATE TABLE acs (id INTEGER PRIMARY KEY, url TEXT NOT NULL UNIQUE);
CREATE TABLE cpes (cpe INTEGER PRIMARY KEY, acs INTEGER NOT NULL, record BLOB NOT NULL);
"""
_WRITE = """
INSERT INTO cpes (cpe, acs, record) VALUES (?, ?, ?)
ON CONFLICT (cpe) DO UPDATE SET acs = excluded.acs, record = excluded.record
"""
EMBEDDED_ACS = "the embedded ACS"
"""Stands for the URL of the embedded ACS, whose port is another in each run."""


class StoredCPE(NamedTuple):
    """
    A CPE in the file.

    Args:
        cpe: its index in the fleet.
        record: the bytes of its ``PersistentState``.
        acs_is_new: whether the fleet has another ACS now than when the record was made.
    """

    cpe: int
    record: bytes
    acs_is_new: bool = False


class StateFile:
    """
    The file, open for this process alone. Its methods wait for the disk.

    Args:
        path: of the file; it is made if there is none.

    Raises:
        InputError: another run uses it, it is no such file, it is broken, or it can't be written.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._acs = 0
        _check_writable(path)
        with self._bad_input():
            # In SQLite's own thread mode; the callers of the methods are one after the other.
            self._database = sqlite3.connect(
                path, timeout=0, isolation_level=None, check_same_thread=False
            )
            try:
                self._open()
            except BaseException:
                self._database.close()
                raise

    def _open(self) -> None:
        self._do("PRAGMA locking_mode = EXCLUSIVE")
        [(owner,)] = self._do("PRAGMA application_id")
        [(tables,)] = self._do("SELECT count(*) FROM sqlite_master")
        if owner != _APPLICATION_ID and (owner, tables) != (0, 0):
            raise InputError(f"{self._named} is another program's; name another file")
        self._do("PRAGMA journal_mode = WAL")
        # A transaction is on the disk before it counts as written. There is one a second.
        self._do("PRAGMA synchronous = FULL")
        if tables == 0:
            statements = f"{_TABLES}PRAGMA application_id = {_APPLICATION_ID};"
            self._database.executescript(f"BEGIN IMMEDIATE;{statements}COMMIT;")
        [(found,)] = self._do("PRAGMA quick_check(1)")
        if found != "ok":  # lines about pages, which help nobody to mend it
            raise sqlite3.DatabaseError("database disk image is malformed")

    @property
    def _named(self) -> str:
        return f"--state: {self.path}"

    def _do(self, statement: str, *values: object) -> list[tuple[object, ...]]:
        with closing(self._database.execute(statement, values)) as cursor:
            return cursor.fetchall()

    @contextmanager
    def _bad_input(self) -> Iterator[None]:
        """What SQLite says about the file, in one line with the cure."""
        try:
            yield
        except sqlite3.Error as error:
            code = getattr(error, "sqlite_errorcode", 0) & 0xFF
            cure = _CURES.get(code, f"{error}; restore it from a copy, or name another file")
            raise InputError(f"{self._named}: {cure}") from error

    def agree(self, facts: Mapping[str, str], acs_url: str) -> None:
        """
        Check that the file is of this fleet; a new file becomes so.

        Args:
            facts: what makes the fleet, by the option that says it.
            acs_url: of its ACS, or ``EMBEDDED_ACS``; another one than before is no contradiction.

        Raises:
            InputError: the file is of another fleet, or can't be written.
        """
        with self._bad_input(), self._transaction():
            kept = {str(name): str(value) for name, value in self._do("SELECT * FROM meta")}
            for name, value in {"version": VERSION, **facts}.items():
                if kept.setdefault(name, value) != value:
                    self._refuse(name, kept[name], value)
            # Also where nothing is new: a file that can't be written is found before the run.
            self._do("DELETE FROM meta")
            self._database.executemany("INSERT INTO meta VALUES (?, ?)", kept.items())
            self._do("INSERT OR IGNORE INTO acs (url) VALUES (?)", acs_url)
            [(number,)] = self._do("SELECT id FROM acs WHERE url = ?", acs_url)
            self._acs = int(str(number))

    def _refuse(self, name: str, kept: str, given: str) -> None:
        cure = "give that, or name another file"
        raise InputError(f"{self._named}: has {name} {kept}, this run has {given}; {cure}")

    @contextmanager
    def _transaction(self) -> Iterator[None]:
        self._do("BEGIN IMMEDIATE")
        try:
            yield
            self._do("COMMIT")
        except BaseException:
            if self._database.in_transaction:
                self._do("ROLLBACK")
            raise

    def write(self, records: Iterable[tuple[int, bytes]]) -> None:
        """
        Put the records of CPEs in the place of those before them; all or, with an error, none.

        Raises:
            sqlite3.Error: the file can't be written now; what it had is still there.
        """
        with self._transaction():
            rows = ((index, self._acs, record) for index, record in records)
            self._database.executemany(_WRITE, rows)

    def read(self, ranges: Ranges) -> list[StoredCPE]:
        """
        The CPEs with these indices that are in the file.

        Raises:
            sqlite3.Error: the file can't be read.
        """
        found = []
        for start, stop in ranges:
            query = "SELECT cpe, record, acs <> ? FROM cpes WHERE cpe >= ? AND cpe < ?"
            with closing(self._database.execute(query, (self._acs, start, stop))) as rows:
                found += [StoredCPE(index, record, bool(new)) for index, record, new in rows]
        return found

    def count(self) -> int:
        """How many CPEs are in the file."""
        [(number,)] = self._do("SELECT count(*) FROM cpes")
        return int(str(number))

    def close(self) -> None:
        """Close it; what SQLite had beside the file is in it then."""
        self._database.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()


_BUSY, _READ_ONLY, _FULL, _CAN_NOT_OPEN = 5, 8, 13, 14
_CURES = {
    _BUSY: "another run uses it; wait for its end, or name another file",
    _READ_ONLY: "is read-only; make it and its folder writable, or name another file",
    _FULL: "the disk is full; make room, or name another file",
    _CAN_NOT_OPEN: "can't be opened here; name a file in a folder that can be written",
}
"""What helps against the errors of SQLite (sqlite.org/rescode.html), by their codes."""


def _check_writable(path: Path) -> None:
    """Refuse what the user has protected, also where this process could write it all the same."""
    if path.is_dir():
        raise InputError(f"--state: {path}: is a folder; name a file")
    if path.exists() and not (path.stat().st_mode & 0o222 and os.access(path, os.W_OK)):
        raise InputError(f"--state: {path}: {_CURES[_READ_ONLY]}")
