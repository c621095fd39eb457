"""The JSON document of a device, as GenieACS's north-bound API gives it (GET /devices/)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping
from typing import Any

from caretaker.data_model.dates import utc
from caretaker.data_model.parameter import Row
from caretaker.data_model.types import ANY
from caretaker.errors import ProfileError
from caretaker.plain_numbers import whole_number
from caretaker.profiles.genieacs_csv import MAX_PATH, ROOTS, Export


def is_document(data: bytes) -> bool:
    """Whether these bytes may be JSON."""
    return data.lstrip(b"\xef\xbb\xbf \t\r\n")[:1] in (b"{", b"[")


def read_document(name: str, data: bytes, known: Mapping[str, Row]) -> Export:
    """
    The parameters of the device of a document.

    Args:
        name: of the file, for errors.
        data: its content: the document, or the list with it.
        known: rows by their path below the root, which give the access where the document does not.

    Raises:
        ProfileError: it is no JSON, or not that of one device.
    """
    documents = _documents(name, data)
    if len(documents) != 1 or not isinstance(documents[0], dict):
        cure = 'ask for one, as /devices/?query={"_id":"..."}'
        raise ProfileError(f"{name}: {len(documents)} devices; {cure}")
    export = Export([], _about(documents[0]))
    for root in ROOTS:
        node = documents[0].get(root[:-1])
        if isinstance(node, dict):
            export.rows += _rows(root, node, known, export.odd)
    if not export.rows:
        cure = "export the device's document from GenieACS"
        raise ProfileError(f"{name}: no parameters of a device in it; {cure}")
    return export


def _documents(name: str, data: bytes) -> list[Any]:
    """The documents of a file: one, a list, or one in each line as ``mongoexport`` writes them."""
    try:
        text = data.decode("utf-8-sig")
        try:
            content = json.loads(text)
        except json.JSONDecodeError:
            lines = [line for line in text.splitlines() if line.strip()]
            if len(lines) < 2 or not lines[1].startswith("{"):
                raise
            content = list(map(json.loads, lines))
    except (ValueError, RecursionError) as error:
        why = " ".join(str(error).split())
        raise ProfileError(f"{name}: not JSON ({why}); export the device again") from error
    return content if isinstance(content, list) else [content]


def _about(document: Mapping[str, Any]) -> dict[str, str]:
    """Who the device is: ``_deviceId`` of the document."""
    device_id = document.get("_deviceId")
    parts = device_id if isinstance(device_id, dict) else {}
    return {key.removeprefix("_"): str(value) for key, value in parts.items()}


def _rows(
    root: str, node: Mapping[str, Any], known: Mapping[str, Row], odd: list[str]
) -> Iterator[Row]:
    waiting: list[tuple[str, Mapping[str, Any]]] = [(root, node)]
    while waiting:
        path, node = waiting.pop()
        yield Row(path, True, node.get("_writable") is True, type=ANY)
        for key, child in node.items():
            name = f"{path}{key.strip()}"
            if key.startswith("_"):
                continue
            if not isinstance(child, dict) or len(name) >= MAX_PATH:
                odd.append(f"{name[:60]}: no parameter or object; left out")
            elif "_value" in child or child.get("_object") is False:
                yield _parameter(name, child, known.get(name[len(root) :]))
            else:
                waiting.append((f"{name}.", child))


def _parameter(path: str, node: Mapping[str, Any], usual: Row | None) -> Row:
    kind = node.get("_type")
    writable = node.get("_writable", usual is not None and usual.writable)
    kind = kind if isinstance(kind, str) else ANY
    return Row(path, False, writable is True, _text(node.get("_value"), kind), kind)


def _plain(value: object) -> object:
    """A value without the type that MongoDB's Extended JSON wraps it in."""
    while isinstance(value, dict) and len(value) == 1:
        ((wrapped, inside),) = value.items()
        if wrapped not in _WRAPPED:
            break
        value = _WRAPPED[wrapped](inside)
    return value


def _number(text: object) -> object:
    """The number that a text is; the text where it is none."""
    found = whole_number(str(text))
    return text if found is None else found


_WRAPPED: Mapping[str, Callable[[object], object]] = {
    "$numberInt": _number,
    "$numberLong": _number,
    "$numberDouble": str,
    "$date": lambda date: date,
}


def _text(value: object, kind: str) -> str:
    """A value as CWMP writes it; dateTimes may be numbers of milliseconds."""
    value = _plain(value)
    if isinstance(value, float) and value.is_integer():
        value = int(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, int | float) and kind == "xsd:dateTime":
        try:
            return utc(value / 1000)
        except (ValueError, OverflowError, OSError):
            return str(value)
    return "" if value is None else str(value)
