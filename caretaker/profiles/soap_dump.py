"""
Dumps: envelopes with the answers of a real device to GetParameterNames and GetParameterValues.

They may stand one after the other in a file, with HTTP around them in any framing, as a proxy or a
packet capture shows them. An Inform among them identifies the device.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Mapping

from lxml import etree

from caretaker.cwmp.xml import (
    MAX_ENVELOPE_BYTES,
    XSI_TYPE,
    children,
    hardened_parser,
    local,
    parse,
)
from caretaker.data_model.parameter import Row
from caretaker.data_model.types import ANY, known_type
from caretaker.errors import EnvelopeError, ProfileError
from caretaker.profiles.genieacs_csv import MAX_PATH, ROOTS, Export
from caretaker.profiles.http_framing import unframed

_START = re.compile(rb"<(?:([\w.-]+):)?Envelope[\s>]")
_END = re.compile(rb"</(?:([\w.-]+):)?Envelope\s*>")
_ITEM = re.compile(rb"<(?:[\w.-]+:)?Parameter(?:Info|Value)Struct>")
"""What is worth to be read in an envelope without an end."""
_DECLARATION = re.compile(rb"<\?xml[^<>]{0,200}\?>\s*\Z")


def _envelopes(data: bytes) -> Iterator[bytes]:
    """
    The envelopes in these bytes, each with the XML declaration before it.

    One that was cut off goes on to the next one, or to the end. Starts and ends are found in one
    pass each: one pattern for both would look through the rest of the file for every start without
    an end.
    """
    ends: dict[bytes | None, list[int]] = {}
    for end in _END.finditer(data):
        ends.setdefault(end[1], []).append(end.end())
    starts = list(_START.finditer(data))
    nexts = [*(later.start() for later in starts[1:]), len(data)]
    done = 0
    for start, following in zip(starts, nexts, strict=False):
        if start.start() < done:
            continue
        own = ends.get(start[1], [])
        place = bisect_right(own, start.end())
        first = _with_declaration(data, done, start.start())
        is_whole = place < len(own)
        done = own[place] if is_whole else following
        if is_whole or _ITEM.search(data, first, done):
            yield data[first:done]


def _with_declaration(data: bytes, done: int, start: int) -> int:
    """Where an envelope starts with the XML declaration before it."""
    declared = _DECLARATION.search(data, max(done, start - 300), start)
    return declared.start() if declared else start


def is_dump(data: bytes) -> bool:
    """Whether there is an envelope in these bytes."""
    return next(_envelopes(data), None) is not None


def read_dump(files: Iterable[tuple[str, bytes]], known: Mapping[str, Row]) -> Export:
    """
    The parameters of the device that the envelopes of some files describe.

    What is odd is read as well as it can be, and named in ``Export.odd``.

    Args:
        files: the name of each, for errors, and its content.
        known: rows by their path below the root, which give the access where no envelope does.

    Raises:
        ProfileError: none holds parameters of a device.
    """
    dump = _Dump(known)
    names: list[str] = []
    for name, data in files:
        names.append(name)
        for number, envelope in enumerate(_envelopes(unframed(data)), 1):
            dump.read(f"{name}: envelope {number}", envelope)
    rows = [row for row in dump.rows.values() if row.path.startswith(ROOTS)]
    if not rows:
        cure = "dump the answers to GetParameterNames and GetParameterValues of the root"
        why = f" ({dump.odd[0]})" if dump.odd else ""
        raise ProfileError(f"{names[0]}: no parameters of a device in it{why}; {cure}")
    return Export(rows, dump.about, odd=dump.odd)


def _type_of(value: etree._Element) -> str:
    """The ``xsi:type`` of a value, also where the prefix is absent or not declared."""
    if XSI_TYPE in value.attrib:
        return str(value.attrib[XSI_TYPE])
    return str(value.get("type") or value.get("xsi:type") or "")


_MESSAGES = ("GetParameterNamesResponse", "GetParameterValuesResponse", "Inform")
_STRUCTS = ("ParameterInfoStruct", "ParameterValueStruct")
_TOLD = {"Writable", "Value"}
_BOOLEANS = {"1": True, "true": True, "0": False, "false": False, "": False}


class _Dump:
    """What the envelopes have told so far."""

    def __init__(self, known: Mapping[str, Row]) -> None:
        self.rows: dict[str, Row] = {}
        self.about: dict[str, str] = {}
        self.odd: list[str] = []
        self._known = known

    def read(self, where: str, envelope: bytes) -> None:
        """Take what an envelope tells; ``where`` it is, for what is odd."""
        root = self._parsed(where, envelope)
        if root is None:
            return
        for message in root.iter(etree.Element):
            if local(message) in _MESSAGES:
                self._take(where, message)

    def _parsed(self, where: str, envelope: bytes) -> etree._Element | None:
        try:
            return parse(envelope)
        except EnvelopeError as error:
            if b"<!DOCTYPE" in envelope or len(envelope) > MAX_ENVELOPE_BYTES:
                self.odd.append(f"{where}: {error}; left out")
                return None
        self.odd.append(f"{where}: not well-formed XML; read as far as it is")
        try:
            return etree.fromstring(envelope, hardened_parser(recover=True))
        except (etree.XMLSyntaxError, ValueError):
            return None

    def _take(self, where: str, message: etree._Element) -> None:
        for item in message.iter(etree.Element):
            texts = {local(child): child for child in children(item)}
            kind = local(item)
            if kind == "DeviceId":
                self._identify(
                    where, {name: (child.text or "").strip() for name, child in texts.items()}
                )
            elif kind in _STRUCTS or ("Name" in texts and texts.keys() & _TOLD):
                self._take_item(where, texts)

    def _identify(self, where: str, device_id: dict[str, str]) -> None:
        known, serial = self.about.get("SerialNumber"), device_id.get("SerialNumber")
        if known and serial and known != serial:
            self.odd.append(f"{where}: another device than before; read as if it were the same")
        self.about |= device_id

    def _take_item(self, where: str, texts: Mapping[str, etree._Element]) -> None:
        name = (texts["Name"].text or "").strip() if "Name" in texts else ""
        if not name or len(name) > MAX_PATH:
            self.odd.append(f"{where}: a name of {len(name)} characters; left out")
            return
        usual = self._known.get(name.partition(".")[2], Row(name, False, False))
        row = self.rows.get(name, Row(name, name.endswith("."), usual.writable, type=ANY))
        if "Writable" in texts:
            row = row._replace(writable=self._flag(name, texts["Writable"].text or ""))
        if "Value" in texts:
            kind = _type_of(texts["Value"])
            value = "".join(map(str, texts["Value"].itertext()))
            row = row._replace(value=value, type=known_type(kind) or row.type)
        if not texts.keys() & _TOLD:
            self.odd.append(f"{name}: neither Writable nor Value; a name alone")
        self.rows[name] = row

    def _flag(self, name: str, text: str) -> bool:
        flag = _BOOLEANS.get(text.strip().lower())
        if flag is None:
            self.odd.append(f"{name}: Writable is {text.strip()[:20]!r}; read-only")
        return bool(flag)
