"""
Parameter exports: the CSV files in which a device's parameters are kept.

The layout is that of GenieACS's exports, old (5 columns) or new (12 columns) to read, the old one
to write. Columns are found by name, so their order and further ones do not matter.
"""

from __future__ import annotations

import csv
import io
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from caretaker.data_model.parameter import Row
from caretaker.data_model.types import ANY
from caretaker.errors import ProfileError

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
    """

    rows: list[Row]
    about: dict[str, str] = field(default_factory=dict)
    is_real: bool = True


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


def _read_csv(name: str, data: bytes) -> list[dict[str, str]]:
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError:
        text = data.decode("latin-1")
    csv.field_size_limit(1 << 24)
    first = text.partition("\n")[0]
    delimiter = ";" if ";" in first and "," not in first else ","
    reader = csv.DictReader(io.StringIO(text, newline=""), delimiter=delimiter, restval="")
    columns = [(column or "").strip().lower() for column in reader.fieldnames or ()]
    if "parameter" not in columns or "value" not in columns:
        cure = "export the device's parameters from GenieACS as CSV"
        raise ProfileError(f"profile {name}: no columns 'Parameter' and 'Value'; {cure}")
    reader.fieldnames = columns
    try:
        return list(reader)
    except csv.Error as error:
        where = f"line {reader.line_num}"
        raise ProfileError(f"profile {name}: {where} is not CSV ({error}); mend it") from error


def _flag(text: str) -> bool:
    return text.strip().lower() in ("true", "1")


def _sort_out(lines: list[dict[str, str]], known: Mapping[str, Row]) -> Export:
    rows: dict[str, Row] = {}
    about: dict[str, str] = {}
    paths = [line["parameter"].strip().rstrip(".") for line in lines]
    parents = {path[:dot] for path in paths for dot in _dots(path)}
    for path, line in zip(paths, lines, strict=True):
        top, _, rest = path.partition(".")
        if f"{top}." in ROOTS:
            is_object = path in parents or not rest or _flag(line.get("object", ""))
            usual = known.get(rest, Row(rest, is_object, False, type=ANY))
            row = Row(
                f"{path}." if is_object else path,
                is_object,
                _flag(line.get("writable", "")) if line.get("writable") else usual.writable,
                "" if is_object else line["value"],
                line.get("value type", "").strip() or usual.type,
                hidden=_flag(line["hidden"]) if line.get("hidden") else None,
            )
            rows[row.path] = row
        elif top == "DeviceID":
            about[rest] = line["value"]
    return Export(list(rows.values()), about)


def _dots(path: str) -> list[int]:
    if len(path) > MAX_PATH:  # each dot makes a path of its own
        raise ProfileError(f"{path[:60]}...: a path has at most {MAX_PATH} characters; shorten it")
    return [dot.start() for dot in re.finditer(r"\.", path)]


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
        (int(part), "") if part.isascii() and part.isdigit() else (-1, part)
        for part in row.path.rstrip(".").split(".")
    ]


def with_parents(rows: Iterable[Row]) -> dict[str, Row]:
    """The rows by path, with the objects that they only imply; the root's too."""
    by_path = {row.path: row for row in rows}
    for path in list(by_path):
        for dot in _dots(path.rstrip(".")):
            parent = path[: dot + 1]
            by_path.setdefault(parent, Row(parent, is_object=True, writable=False, type=ANY))
    return by_path
