"""Files of rows: CSV, JSON Lines and Parquet behind one interface."""

from __future__ import annotations

import csv
import io
import json
import os
from collections.abc import Callable, Iterable, Mapping, Sequence
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Protocol

from caretaker.errors import InputError

Cell = str | int | float | None
Row = Sequence[Cell]
Columns = Mapping[str, type]
"""The names of the columns, with ``str``, ``int`` or ``float`` each."""

ROW_GROUP = 20_000
"""Rows that Parquet keeps together, and that wait in memory for each other."""


class RowFile(Protocol):
    """A file that takes rows."""

    def write(self, rows: Sequence[Row]) -> None:
        """
        Add rows, a cell for each column.

        Raises:
            OSError: they are not in the file, as when the disk is full.
        """

    def close(self) -> None:
        """
        Complete the file.

        Raises:
            OSError: it is not complete.
        """


class _LinesFile:
    """
    A file of lines of text; a batch of rows is in it as a whole or not at all.

    Args:
        path: of the file, which begins anew.
        head: its first lines.

    Raises:
        OSError: it can't be written.
    """

    def __init__(self, path: Path, head: str = "") -> None:
        self._file = path.open("wb", buffering=0)
        self._size = 0
        self._add(head)

    def _add(self, text: str) -> None:
        left = memoryview(text.encode("utf-8", "replace"))
        size = len(left)
        try:
            while left:
                left = left[self._file.write(left) :]
        except OSError:
            os.ftruncate(self._file.fileno(), self._size)
            self._file.seek(self._size)
            raise
        self._size += size

    def close(self) -> None:
        """Close the file."""
        self._file.close()


class CSVFile(_LinesFile):
    """As RFC 4180 has it, after a line with the names of the columns; what is None is empty."""

    def __init__(self, path: Path, columns: Columns) -> None:
        super().__init__(path, _csv([list(columns)]))

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows."""
        self._add(_csv(rows))


def _csv(rows: Iterable[Row]) -> str:
    text = io.StringIO()
    csv.writer(text).writerows(rows)
    return text.getvalue()


class JSONLinesFile(_LinesFile):
    """A JSON object a line, with the columns as its keys."""

    def __init__(self, path: Path, columns: Columns) -> None:
        super().__init__(path)
        self._names = list(columns)

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows."""
        objects = (dict(zip(self._names, row, strict=True)) for row in rows)
        self._add("".join(f"{json.dumps(each)}\n" for each in objects))


class ParquetFile:
    """A Parquet file; it can be read once it is closed."""

    def __init__(self, path: Path, columns: Columns) -> None:
        import pyarrow as pa  # noqa: PLC0415  # optional, and only for those who ask for it
        from pyarrow import parquet  # noqa: PLC0415

        types = {str: pa.string(), int: pa.int64(), float: pa.float64()}
        self._pa: Any = pa
        self._schema = pa.schema([(name, types[kind]) for name, kind in columns.items()])
        self._writer = parquet.ParquetWriter(path, self._schema)
        self._rows: list[Row] = []

    def write(self, rows: Sequence[Row]) -> None:
        """Add rows."""
        self._rows += rows
        if len(self._rows) >= ROW_GROUP:
            self._write_group()

    def _write_group(self) -> None:
        rows, self._rows = self._rows, []
        if rows:
            columns = [list(column) for column in zip(*rows, strict=True)]
            arrays = [
                self._pa.array(column, field.type)
                for column, field in zip(columns, self._schema, strict=True)
            ]
            self._writer.write_table(self._pa.Table.from_arrays(arrays, schema=self._schema))

    def close(self) -> None:
        """Write what waits, and the end of the file."""
        self._write_group()
        self._writer.close()


FORMATS: Mapping[str, Callable[[Path, Columns], RowFile]] = {
    ".csv": CSVFile,
    ".jsonl": JSONLinesFile,
    ".parquet": ParquetFile,
}
"""The formats by the ending of the file's name."""


def check_format(path: Path) -> None:
    """
    Check that a file of this name can be made.

    Raises:
        InputError: no format has this ending, or its library is not installed.
    """
    if path.suffix not in FORMATS:
        raise InputError(f"{path}: the name ends with none of {', '.join(FORMATS)}")
    if path.suffix == ".parquet" and find_spec("pyarrow") is None:
        raise InputError(f"{path}: Parquet needs pyarrow; pip install 'caretaker-cwmp[parquet]'")


def open_rows(path: Path, columns: Columns) -> RowFile:
    """
    A new file in the format of its name.

    Raises:
        OSError: it can't be written.
    """
    return FORMATS[path.suffix](path, columns)
