"""
Parameter exports: the CSV files in which a device's parameters are kept.

The layout is that of GenieACS's exports, old (5 columns) or new (10 and 12 columns) to read, the
old one to write. Columns are found by name, so their order and further ones do not matter.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple

from caretaker.data_model.parameter import Row
from caretaker.data_model.types import ANY
from caretaker.errors import ProfileError
from caretaker.plain_numbers import is_digits

ROOTS = ("Device.", "InternetGatewayDevice.")
COLUMNS = ("Parameter", "Object", "Writable", "Value", "Value type")
HIDDEN = "Hidden"
"""A column of our own: whether a parameter reads as null; in exports of data models alone."""
MAX_PATH = 256
"""Characters of a path (CWMP schemas)."""


@dataclass
class Export:
    """
    What an export holds.

    Args:
        rows: of the device: its objects and parameters.
        about: the ACS's own rows of ``DeviceID``, by their last name.
        is_real: whether the device is; those of our own profiles are made up.
        odd: what could not be read as it stands, each with its name.
    """

    rows: list[Row]
    about: dict[str, str] = field(default_factory=dict)
    is_real: bool = True
    odd: list[str] = field(default_factory=list)


def read_export(name: str, data: bytes, known: Mapping[str, Row] | None = None) -> Export:
    """
    The rows of an export.

    Args:
        name: for errors.
        data: the content of the file.
        known: rows by their path below the root, which give access and type where the export
            does not.

    Raises:
        ProfileError: it is no parameter export, or of no device we know the root of.
    """
    export = _sort_out(_read_csv(name, data), known or {})
    if not export.rows:
        cure = "the export must hold the device's own parameters"
        raise ProfileError(f"profile {name}: no row below {' or '.join(ROOTS)}; {cure}")
    return export


_READ = ("parameter", "object", "writable", "value", "value type", "hidden")
_BEFORE_HEADER = re.compile(r"\A(?:[ \t]*(?:sep=.)?[\r\n])+", re.IGNORECASE)
"""Empty lines, and the line in which spreadsheets name the delimiter."""
_ACCESS_LIST = "access list"
"""A column whose entries some versions write without quotes, so that a line has more fields."""


class _Line(NamedTuple):
    """The fields of a line that are read, in the order of ``_READ``; empty where it has none."""

    path: str
    is_object: str
    writable: str
    value: str
    type: str
    hidden: str


def _read_csv(name: str, data: bytes) -> Iterator[_Line]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    csv.field_size_limit(1 << 24)
    text = _BEFORE_HEADER.sub("", text)
    first = text.partition("\n")[0]
    delimiter = max(",;\t", key=first.count)
    reader = csv.reader(io.StringIO(text, newline=""), delimiter=delimiter)
    try:
        columns = [column.strip().lower() for column in next(reader, ())]
        if "parameter" not in columns or "value" not in columns:
            cure = (
                "give GenieACS's CSV export of the device, or what "
                "'python -m caretaker profile import' makes of a dump, document or data model"
            )
            raise ProfileError(f"profile {name}: no columns 'Parameter' and 'Value'; {cure}")
        yield from _lines(columns, reader)
    except csv.Error as error:
        where = f"line {reader.line_num}"
        raise ProfileError(f"profile {name}: {where} is not CSV ({error}); mend it") from error


def _lines(columns: Sequence[str], reader: Iterable[list[str]]) -> Iterator[_Line]:
    count = len(columns)
    path, *others = (columns.index(name) if name in columns else count for name in _READ)
    for line in reader:
        fields = _unshifted(columns, line) if len(line) > count else line
        fields.extend([""] * (count + 1 - len(fields)))  # one more, for absent columns
        if fields[path]:
            yield _Line(fields[path].strip().rstrip("."), *[fields[place] for place in others])


def _unshifted(columns: Sequence[str], fields: list[str]) -> list[str]:
    """The fields of a line whose access list, or else value, has commas, each in its column."""
    surplus = len(fields) - len(columns)
    while surplus and not fields[-1]:  # commas at the end of the line
        fields.pop()
        surplus -= 1
    at = columns.index(_ACCESS_LIST if _ACCESS_LIST in columns else "value")
    fields[at : at + surplus + 1] = [",".join(fields[at : at + surplus + 1])]
    return fields


_FLAGS = {"true": True, "1": True, "false": False, "0": False, "": False}


def _flag(text: str) -> bool | None:
    """A flag; None where it is none."""
    return _FLAGS.get(text if text in _FLAGS else text.strip().lower())


def _sort_out(lines: Iterable[_Line], known: Mapping[str, Row]) -> Export:
    odd: list[str] = []
    kept: list[_Line] = []
    for line in lines:
        if len(line.path) > MAX_PATH:
            odd.append(f"{line.path[:60]}...: has more than {MAX_PATH} characters; left out")
        else:
            kept.append(line)
    rows: dict[str, Row] = {}
    about: dict[str, str] = {}
    parents = parents_of([line.path for line in kept])
    for line in kept:
        top, _, rest = line.path.partition(".")
        if f"{top}." in ROOTS:
            is_object = line.path in parents or not rest or bool(_flag(line.is_object))
            row = _row(line, known.get(rest), odd, is_object=is_object)
            rows[row.path] = row
        elif top == "DeviceID":
            about[rest] = line.value
    return Export(list(rows.values()), about, odd=odd)


def _row(line: _Line, usual: Row | None, odd: list[str], *, is_object: bool) -> Row:
    writable: bool | None = usual is not None and usual.writable
    if line.writable:
        writable = _flag(line.writable)
    if writable is None:
        odd.append(f"{line.path}: Writable is {line.writable[:20]!r}; read-only")
    return Row(
        f"{line.path}." if is_object else line.path,
        is_object,
        bool(writable),
        "" if is_object else line.value,
        line.type.strip() or (ANY if usual is None else usual.type),
        hidden=_flag(line.hidden) if line.hidden else None,
    )


def parents_of(paths: Iterable[str]) -> set[str]:
    """The paths of all objects above these, without the dot at their end."""
    parents: set[str] = set()
    for path in paths:
        dot = path.rfind(".")
        while dot > 0 and path[:dot] not in parents:
            parents.add(path[:dot])
            dot = path.rfind(".", 0, dot)
    return parents


def write_export(export: Export) -> bytes:
    """The CSV file of these rows, sorted by path."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    with_hidden = any(row.hidden is not None for row in export.rows)
    writer.writerow((*COLUMNS, HIDDEN) if with_hidden else COLUMNS)
    for name, value in sorted(export.about.items()):
        writer.writerow((f"DeviceID.{name}", "false", "false", value, "xsd:string"))
    for row in sorted(export.rows, key=_by_number):
        flags = (_text(row.is_object), _text(row.writable))
        kind = "" if row.is_object else row.type
        hidden = () if row.hidden is None else (_text(row.hidden),)
        writer.writerow((row.path.rstrip("."), *flags, row.value, kind, *hidden))
    return text.getvalue().encode()


def _text(flag: object) -> str:
    return "true" if flag else "false"


def _by_number(row: Row) -> list[tuple[int, str]]:
    """A key that sorts row 2 of a table before row 10, and an object before what it holds."""
    return [
        (int(part), "") if is_digits(part) else (-1, part)
        for part in row.path.rstrip(".").split(".")
    ]


def with_parents(rows: Iterable[Row]) -> dict[str, Row]:
    """The rows by path, with the objects that they only imply; the root's too."""
    by_path = {row.path: row for row in rows}
    for parent in sorted(parents_of(path.rstrip(".") for path in by_path)):
        path = f"{parent}."
        by_path.setdefault(path, Row(path, is_object=True, writable=False, type=ANY))
    return by_path
