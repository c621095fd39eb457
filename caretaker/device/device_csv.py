"""
A list of devices as CSV: what an operator has of its devices, from a spreadsheet or a database.

The first line names the columns, of which ``COLUMNS`` has the names; a column may also be the path
of a parameter. Excel writes such files with semicolons, with a byte order mark, or in UTF-16.
"""

from __future__ import annotations

import codecs
import csv
import io
import re
from array import array
from collections.abc import Callable, Iterator, Mapping, Sequence
from itertools import chain
from typing import NoReturn

from caretaker.device.listed_devices import (
    MAC,
    MANUFACTURER,
    OUI,
    PATHS,
    PRODUCT_CLASS,
    SERIAL,
    ListedDevices,
)
from caretaker.errors import InputError
from caretaker.nearest_names import nearest_names
from caretaker.profiles.genieacs_csv import MAX_PATH, ROOTS
from caretaker.profiles.profile_toml import normalized_oui
from caretaker.quoting import quoted

MAX_LINE = 64 * 1024
"""Characters of a line: far beyond what a device has."""
MAX_PROFILES = 100
"""Profiles that the devices of one list can have."""
PROFILE = "profile"
COLUMNS: Mapping[str, tuple[str, ...]] = {
    SERIAL: ("serialnumber", "serialno", "sn", "deviceserialnumber", "deviceidserialnumber"),
    MANUFACTURER: ("vendor", "manufacturername", "deviceidmanufacturer"),
    OUI: ("manufactureroui", "vendoroui", "deviceidoui"),
    PRODUCT_CLASS: ("productclass", "deviceidproductclass"),
    "acs_username": ("acsuser", "acslogin", "username", "user", "login", "cwmpusername", "cwmpuser",
                     "managementserverusername"),
    "acs_password": ("acspass", "password", "pass", "cwmppassword", "managementserverpassword"),
    "cr_username": ("cruser", "connectionrequestusername", "connectionrequestuser",
                    "connreqauthlogin", "managementserverconnectionrequestusername"),
    "cr_password": ("crpass", "connectionrequestpassword", "connectionrequestpass",
                    "connreqauthpasswd", "managementserverconnectionrequestpassword"),
    MAC: ("macaddress", "macaddr", "basemac", "wanmac"),
    PROFILE: ("deviceprofile",),
}  # fmt: skip
"""The columns by the names that the documentation has, each with others that stand for it."""

_BY_NAME = {
    re.sub(r"[^a-z]", "", name): column
    for column, others in COLUMNS.items()
    for name in (column, *others)
}
_BY_PATH = {f"{root}{path}": column for column, path in PATHS.items() for root in ROOTS} | {
    f"{root}DeviceInfo.SerialNumber": SERIAL for root in ROOTS
}
_PATH = re.compile(r"(?:Device|InternetGatewayDevice)(?:\.[A-Za-z0-9_-]{1,64}){1,32}")
_CONTROL = re.compile(r"[\x00-\x08\x0a-\x1f\x7f\ufffe\uffff]")
_ROUNDED = re.compile(r"[0-9][.,][0-9]{1,20}E\+[0-9]{1,3}", re.IGNORECASE)
_DELIMITERS = (",", ";", "\t")
_MARKS = {codecs.BOM_UTF16_LE: "utf-16", codecs.BOM_UTF16_BE: "utf-16"}
"""The byte order marks of other encodings than UTF-8."""


def read_devices(name: str, data: bytes) -> ListedDevices:
    """
    The devices of a CSV file.

    Args:
        name: of the file, for errors.
        data: its content.

    Raises:
        InputError: it can't be used. The text names row and column, and never a password.
    """
    try:
        return _read(_lines(data))
    except InputError as error:
        raise InputError(f"{name}: {error}") from error


def _lines(data: bytes) -> Iterator[str]:
    """The lines, each made when it is asked for: the text of a large file takes four times it."""
    encoding = _MARKS.get(data[:2], "utf-8-sig")
    try:
        data.decode(encoding)
    except UnicodeDecodeError as error:
        row = data.count(b"\n", 0, error.start) + 1
        raise InputError(f"row {row} is not in UTF-8; save the file as 'CSV UTF-8'") from error
    for row, line in enumerate(io.TextIOWrapper(io.BytesIO(data), encoding, newline=""), 1):
        if len(line) > MAX_LINE:
            cure = "close each quote, and end each row with a line break"
            raise InputError(f"row {row} has more than {MAX_LINE} characters; {cure}")
        yield line


def _read(lines: Iterator[str]) -> ListedDevices:
    rows = _rows(lines)
    reader = _DeviceReader(_columns(next(rows, (1, []))[1]))
    # One row after the other: those of a million devices are never there together.
    devices = ListedDevices(reader.kept, map(reader.read, rows), reader.profiles)
    if not len(devices):
        raise InputError("has no devices; give a row for each below the names of the columns")
    same = devices.duplicate()
    if same is not None:
        first, second = (reader.rows[index] for index in same)
        serial = quoted(devices.serial_number(same[0]))
        raise InputError(
            f"rows {first} and {second} have the same serial number, {serial}; delete one"
        )
    return devices


def _rows(lines: Iterator[str]) -> Iterator[tuple[int, list[str]]]:
    """The rows that are not empty, each with its number as a spreadsheet counts."""
    header = next(lines, "")
    first = header.strip()
    said = re.fullmatch(r'"?sep=(.)"?', first, re.IGNORECASE)  # Excel's own word for it
    delimiter = said[1] if said else max(_DELIMITERS, key=first.count)
    if delimiter not in _DELIMITERS:
        raise InputError(f"row 1: {quoted(first)} is no separator; take comma, semicolon or tab")
    csv.field_size_limit(1 << 24)
    reader = csv.reader(
        chain([header], lines), delimiter=delimiter, skipinitialspace=True, strict=True
    )
    row = 0
    try:
        for row, fields in enumerate(reader, 1):  # an error is of the next one
            if any(fields) and not (said and row == 1):
                yield row, fields
    except csv.Error as error:
        cure = 'close each quote, and write a quote in a text as ""'
        raise InputError(f"row {row + 1} is not CSV ({error}); {cure}") from error


# -- columns --------------------------------------------------------------------------------------


def _columns(header: Sequence[str]) -> list[str]:
    names = [name.strip() for name in header]
    while names and not names[-1]:
        names.pop()
    found = list(map(_column, names))
    if SERIAL not in found:  # it may be the row of a device, which is not to be quoted
        raise InputError(f"row 1 names no column {SERIAL!r}; name the columns there")
    columns = [column or _refuse(name) for name, column in zip(names, found, strict=True)]
    for place, column in enumerate(columns):
        if column in columns[:place]:
            first = names[columns.index(column)]
            raise InputError(
                f"columns {quoted(first)} and {quoted(names[place])} are both {column}; delete one"
            )
    return columns


def _column(name: str) -> str:
    """The column that a name stands for; empty for none."""
    if name in _BY_PATH:
        return _BY_PATH[name]
    if len(name) <= MAX_PATH and _PATH.fullmatch(name):
        return name
    return _BY_NAME.get(re.sub(r"[\W_]", "", name).lower(), "")


def _refuse(name: str) -> NoReturn:
    near = nearest_names(name.lower(), COLUMNS, 1, 0.6)
    meant = f"name it {near[0]!r}, or delete it" if near else "rename it, or delete it"
    raise InputError(
        f"column {quoted(name)!r} is neither one of {', '.join(COLUMNS)} nor the path of a "
        f"parameter; {meant}"
    )


# -- devices --------------------------------------------------------------------------------------


class _DeviceReader:
    """
    Reads row after row.

    Args:
        columns: of the file, in its order.
    """

    def __init__(self, columns: Sequence[str]) -> None:
        self.kept = [SERIAL, *(name for name in columns if name not in (SERIAL, PROFILE))]
        """The columns of a device, in the order of what ``read`` returns."""
        self.rows = array("I")
        """The row of each device."""
        self.profiles: list[str] = []
        """Names of the profiles that rows have had so far."""
        self._columns = columns
        self._checks = [(name, CHECKS[name]) for name in columns if name in CHECKS]

    def read(self, numbered: tuple[int, list[str]]) -> tuple[int, list[str]]:
        """The number of a device's profile, and its texts."""
        row, fields = numbered
        texts = self._by_column(row, fields)
        for column, check in self._checks:
            try:
                texts[column] = check(texts[column].strip())
            except InputError as error:
                raise InputError(f"row {row}: {column}: {error}") from error
        self.rows.append(row)
        return self._profile_number(row, texts), [texts[column] for column in self.kept]

    def _by_column(self, row: int, fields: list[str]) -> dict[str, str]:
        count = len(self._columns)
        if any(fields[count:]):
            cure = "put a text that has the separator in quotes"
            raise InputError(f"row {row} has {len(fields)} columns, and row 1 has {count}; {cure}")
        fields += [""] * (count - len(fields))  # Excel leaves out empty ones at the end
        texts = dict(zip(self._columns, fields, strict=False))
        if _CONTROL.search("".join(fields)):
            column = next(name for name, text in texts.items() if _CONTROL.search(text))
            cure = "delete it"
            raise InputError(f"row {row}: {column}: has a control character or line break; {cure}")
        return texts

    def _profile_number(self, row: int, texts: Mapping[str, str]) -> int:
        name = texts.get(PROFILE, "").strip()
        if not name:
            return 0
        if name not in self.profiles:
            self.profiles.append(name)
        if len(self.profiles) > MAX_PROFILES:
            raise InputError(f"row {row}: {PROFILE}: {MAX_PROFILES} others before; give fewer")
        return self.profiles.index(name) + 1


def _serial(text: str) -> str:
    if not text:
        raise InputError("is empty; give each device one, or delete the row")
    if _ROUNDED.fullmatch(text):
        raise InputError(f"{quoted(text)} was rounded by a spreadsheet; export the column as text")
    return _short(text)


def _short(text: str) -> str:
    if len(text) > 64 or not text.isprintable():
        raise InputError(f"{quoted(text)} can't be one; write up to 64 printable characters")
    return text


def _oui(text: str) -> str:
    oui = normalized_oui(text)
    if text and not oui:
        raise InputError(f"{quoted(text)} is no OUI; write six hexadecimal digits")
    return oui


def _mac(text: str) -> str:
    digits = re.sub(r"[:.\s-]", "", text).upper()
    if text and not re.fullmatch(r"[0-9A-F]{12}", digits):
        raise InputError(f"{quoted(text)} is no MAC address; write it like 00:11:22:33:44:55")
    return digits


CHECKS: Mapping[str, Callable[[str], str]] = {
    SERIAL: _serial,
    MANUFACTURER: _short,
    OUI: _oui,
    PRODUCT_CLASS: _short,
    MAC: _mac,
}
"""What makes the text of a column one that can be used; other columns take any."""
