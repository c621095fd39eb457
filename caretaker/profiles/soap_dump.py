"""
Dumps: envelopes with the answers of a real device to GetParameterNames and GetParameterValues.

They may stand one after the other in a file, with HTTP headers between them, as a proxy or a
packet capture shows them. An Inform among them identifies the device.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping

from caretaker.cwmp import decode
from caretaker.cwmp import messages as m
from caretaker.data_model.parameter import Row
from caretaker.data_model.types import ANY, known_type
from caretaker.errors import EnvelopeError, ProfileError
from caretaker.profiles.genieacs_csv import ROOTS, Export

_START = re.compile(rb"<(?:([\w.-]+):)?Envelope[\s>]")
_END = re.compile(rb"</(?:([\w.-]+):)?Envelope\s*>")
_DECLARATION = re.compile(rb"<\?xml[^<>]{0,200}\?>\s*\Z")


def _envelopes(data: bytes) -> Iterator[bytes]:
    """
    The envelopes in these bytes, each with the XML declaration before it.

    Starts and ends are found in one pass each: one pattern for both would look through the rest of
    the file for every start without an end.
    """
    ends: dict[bytes | None, list[int]] = {}
    for end in _END.finditer(data):
        ends.setdefault(end[1], []).append(end.end())
    done = 0
    for start in _START.finditer(data):
        own = ends.get(start[1], [])
        place = bisect_right(own, start.end())
        if start.start() >= done and place < len(own):
            before = data[max(done, start.start() - 300) : start.start()]
            declared = _DECLARATION.search(before)
            first = start.start() - (len(before) - declared.start() if declared else 0)
            done = own[place]
            yield data[first:done]


def is_dump(data: bytes) -> bool:
    """Whether there is an envelope in these bytes."""
    return next(_envelopes(data), None) is not None


def read_dump(files: Iterable[tuple[str, bytes]], known: Mapping[str, Row]) -> Export:
    """
    The parameters of the device that the envelopes of some files describe.

    Args:
        files: the name of each, for errors, and its content.
        known: rows by their path below the root, which give the access where no envelope does.

    Raises:
        ProfileError: an envelope can't be read, or none holds parameters of a device.
    """
    export, names = Export([]), []
    rows: dict[str, Row] = {}
    for name, data in files:
        names.append(name)
        for message in _messages(name, data):
            if isinstance(message, m.GetParameterNamesResponse):
                _take_names(message, rows)
            elif isinstance(message, m.GetParameterValuesResponse | m.Inform):
                _take_values(message, rows, known)
            if isinstance(message, m.Inform):
                export.about = _about(message.device_id)
    export.rows = [row for row in rows.values() if row.path.startswith(ROOTS)]
    if not export.rows:
        cure = "dump the answers to GetParameterNames and GetParameterValues of the root"
        raise ProfileError(f"{names[0]}: no parameters of a device in it; {cure}")
    return export


def _messages(name: str, data: bytes) -> Iterator[m.Message]:
    for number, envelope in enumerate(_envelopes(data), 1):
        try:
            yield decode(envelope).message
        except EnvelopeError as error:
            cure = "mend it or leave it out"
            raise ProfileError(f"{name}: envelope {number}: {error}; {cure}") from error


def _about(who: m.DeviceIdStruct) -> dict[str, str]:
    return {
        "Manufacturer": who.manufacturer,
        "OUI": who.oui,
        "ProductClass": who.product_class,
        "SerialNumber": who.serial_number,
    }


def _take_names(message: m.GetParameterNamesResponse, rows: dict[str, Row]) -> None:
    for name, writable in message.parameter_list:
        row = rows.get(name, Row(name, name.endswith("."), writable, type=ANY))
        rows[name] = row._replace(writable=writable)


def _take_values(
    message: m.GetParameterValuesResponse | m.Inform,
    rows: dict[str, Row],
    known: Mapping[str, Row],
) -> None:
    for name, value, kind in message.parameter_list:
        usual = known.get(name.partition(".")[2], Row(name, False, False))
        row = rows.get(name, Row(name, False, usual.writable, type=ANY))
        rows[name] = row._replace(value=value, type=known_type(kind) or row.type)
