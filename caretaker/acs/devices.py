"""
The devices that the embedded ACS knows, their documents and queries for documents.

Documents and queries have the form of GenieACS's north-bound API, which is MongoDB's.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from functools import lru_cache
from sys import intern
from typing import Any, Protocol

from caretaker.acs.parameters import KnownBytes, KnownParameter, Parameters, text_bytes
from caretaker.acs.task import Task
from caretaker.cwmp.messages import DeviceIdStruct
from caretaker.errors import InputError
from caretaker.http.credentials import Credentials


class RunningSession(Protocol):
    """The session that runs with a device, as far as the device needs it."""

    def abandon(self) -> None:
        """End the session half-way; its task waits for the next one."""


_DEVICE_BYTES = 1_000
"""What a device takes besides its names and parameters, about."""


class KnownDevice:
    """
    A device that has informed.

    Args:
        device_id: ``OUI-ProductClass-SerialNumber``, each part percent-encoded.
        device_id_struct: the DeviceId of its Inform.
        now: seconds since 1970.
        known: what all devices take; this one alone if None.
    """

    __slots__ = (
        "credentials",
        "device_id",
        "device_id_struct",
        "last_inform",
        "parameters",
        "peer",
        "registered",
        "root",
        "session",
        "tasks",
        "url",
    )

    def __init__(
        self,
        device_id: str,
        device_id_struct: DeviceIdStruct,
        now: float,
        known: KnownBytes | None = None,
    ) -> None:
        self.device_id = device_id
        # What all devices of a model share is held once.
        self.device_id_struct = device_id_struct._replace(
            manufacturer=intern(device_id_struct.manufacturer),
            oui=intern(device_id_struct.oui),
            product_class=intern(device_id_struct.product_class),
        )
        self.registered = self.last_inform = now
        self.parameters = Parameters(known)
        if known is not None:
            known.used += _DEVICE_BYTES + sum(map(text_bytes, (device_id, *device_id_struct)))
        self.tasks: list[Task] = []
        """The tasks to be done, in this order."""
        self.root = "Device."
        """The root object of its data model, ``Device.`` or ``InternetGatewayDevice.``"""
        self.url = ""
        """Its ConnectionRequestURL."""
        self.peer = ""
        """The IP address that it informed from."""
        self.credentials: Credentials | None = None
        """Those of Connection Requests that the ACS has set; None before."""
        self.session: RunningSession | None = None
        """None between sessions."""

    def document(self) -> dict[str, Any]:
        """The device as GenieACS's north-bound API shows one."""
        about = self.device_id_struct
        tree: dict[str, Any] = {
            "_id": self.device_id,
            "_deviceId": {
                "_Manufacturer": about.manufacturer,
                "_OUI": about.oui,
                "_ProductClass": about.product_class,
                "_SerialNumber": about.serial_number,
            },
            "_registered": _date(self.registered),
            "_lastInform": _date(self.last_inform),
        }
        for path, known in self.parameters.items():
            _place(tree, path, known)
        return tree


def _place(tree: dict[str, Any], path: str, known: KnownParameter) -> None:
    node = tree
    for part in path.rstrip(".").split("."):
        node = node.setdefault(part, {})
    if path.endswith("."):
        node["_object"] = True
    elif known.value is not None:
        node.update(_value=_json_value(known), _type=known.type, _timestamp=_date(known.seen))
    if known.writable is not None:
        node["_writable"] = known.writable


def _json_value(known: KnownParameter) -> Any:
    text = (known.value or "").strip()
    if known.type == "xsd:boolean" and text in ("0", "1", "true", "false"):
        return text in ("1", "true")
    if known.type in ("xsd:int", "xsd:unsignedInt") and re.fullmatch(r"-?[0-9]{1,15}", text):
        return int(text)
    return known.value


def _date(seconds: float) -> str:
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{moment.microsecond // 1000:03d}Z"


# -- queries --------------------------------------------------------------------------------------


def _at(document: dict[str, Any], path: str) -> Any:
    """The part of a document at a dotted path, of a parameter its value; None if there is none."""
    node: Any = document
    for part in path.rstrip(".").split("."):
        if not isinstance(node, dict) or part not in node:
            return None
        node = node[part]
    return node.get("_value") if isinstance(node, dict) and "_value" in node else node


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """A comparison that is false for what can't be compared, as MongoDB's are."""

    def safely(actual: Any, operand: Any) -> bool:
        try:
            return actual is not None and compare(actual, operand)
        except TypeError:
            return False

    return safely


MAX_PATTERN = 200
"""Characters of a regular expression in a query."""
_REPETITION = re.compile(r"[*+?{(]")
"""Repetitions and groups, with which a pattern can take exponential time."""


@lru_cache(16)
def _pattern(operand: str) -> re.Pattern[str]:
    """
    The compiled pattern of a query.

    Raises:
        InputError: it has repetitions or groups, or is too long.
    """
    if len(operand) > MAX_PATTERN or _REPETITION.search(operand):
        raise InputError(
            f"query $regex {operand[:MAX_PATTERN]!r}: has more than {MAX_PATTERN} characters, or "
            "repetitions or groups (* + ? { (), which may take for ever"
        )
    return re.compile(operand)


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda actual, operand: actual == operand,
    "$ne": lambda actual, operand: actual != operand,
    "$gt": _ordered(lambda actual, operand: actual > operand),
    "$gte": _ordered(lambda actual, operand: actual >= operand),
    "$lt": _ordered(lambda actual, operand: actual < operand),
    "$lte": _ordered(lambda actual, operand: actual <= operand),
    "$in": _ordered(lambda actual, operand: actual in operand),
    "$nin": lambda actual, operand: actual not in list(operand),
    "$exists": lambda actual, operand: (actual is not None) == bool(operand),
    "$regex": _ordered(lambda actual, operand: _pattern(operand).search(actual) is not None),
}


def matches(document: dict[str, Any], query: dict[str, Any]) -> bool:
    """
    Whether a document fits a query in MongoDB's form.

    Raises:
        InputError: an operator that is not in ``_OPERATORS``, or a broken regular expression.
    """
    return all(_condition(document, key, wanted) for key, wanted in query.items())


def _condition(document: dict[str, Any], key: str, wanted: Any) -> bool:
    if key in ("$and", "$or"):
        if not isinstance(wanted, list) or not all(isinstance(part, dict) for part in wanted):
            raise InputError(f"query {key}: must be a list of objects")
        verdicts = [matches(document, part) for part in wanted]
        return all(verdicts) if key == "$and" else any(verdicts)
    actual = _at(document, key)
    if not isinstance(wanted, dict):
        return bool(actual == wanted)
    for operator, operand in wanted.items():
        if operator not in _OPERATORS:
            raise InputError(f"query operator {operator!r}: not one of {', '.join(_OPERATORS)}")
        try:
            if not _OPERATORS[operator](actual, operand):
                return False
        except (re.error, TypeError) as error:
            raise InputError(f"query {operator} {operand!r}: {error}") from error
    return True


def project(document: dict[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """The document with only its id and these paths; the whole document if there are none."""
    paths = [path.strip().rstrip(".") for path in paths if path.strip()]
    if not paths:
        return document
    result: dict[str, Any] = {"_id": document["_id"]}
    for path in paths:
        source: Any = document
        target = result
        parts = path.split(".")
        for depth, part in enumerate(parts):
            if not isinstance(source, dict) or part not in source:
                break
            source = source[part]
            if depth == len(parts) - 1:
                target[part] = source
            else:
                target = target.setdefault(part, {})
    return result
