"""What the embedded ACS knows of devices, and the shape it shows it in (GenieACS's)."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from datetime import UTC, datetime
from sys import intern
from typing import TYPE_CHECKING, Any, Protocol

from caretaker.acs.parameters import Known, Parameters
from caretaker.cwmp.messages import DeviceIdStruct
from caretaker.errors import InputError

if TYPE_CHECKING:
    from caretaker.acs.tasks import Task
    from caretaker.http.credentials import Credentials


class Session(Protocol):
    """What runs with a device."""

    def left(self) -> None:
        """End it half-way."""


class KnownDevice:
    """
    A device that has informed.

    Args:
        device_id: its id, ``OUI-ProductClass-SerialNumber``, each part percent-encoded.
        about: who it says it is.
        now: seconds since 1970.
    """

    __slots__ = (
        "about",
        "credentials",
        "device_id",
        "known",
        "last_inform",
        "peer",
        "registered",
        "root",
        "session",
        "tasks",
        "url",
    )

    def __init__(self, device_id: str, about: DeviceIdStruct, now: float) -> None:
        self.device_id = device_id
        # What all devices of a model share is held once.
        self.about = about._replace(
            manufacturer=intern(about.manufacturer),
            oui=intern(about.oui),
            product_class=intern(about.product_class),
        )
        self.registered = self.last_inform = now
        self.known = Parameters()
        self.tasks: list[Task] = []
        """What is to be done, in this order."""
        self.root = "Device."
        self.url = ""
        """Its ConnectionRequestURL."""
        self.peer = ""
        """The IP address that it informed from."""
        self.credentials: Credentials | None = None
        """What we have set it to ask of a Connection Request; None before we did."""
        self.session: Session | None = None
        """Its running session; None between sessions."""

    def document(self) -> dict[str, Any]:
        """The device as GenieACS's north-bound API shows one."""
        tree: dict[str, Any] = {
            "_id": self.device_id,
            "_deviceId": {
                "_Manufacturer": self.about.manufacturer,
                "_OUI": self.about.oui,
                "_ProductClass": self.about.product_class,
                "_SerialNumber": self.about.serial_number,
            },
            "_registered": _date(self.registered),
            "_lastInform": _date(self.last_inform),
        }
        for path, known in self.known.items():
            _place(tree, path, known)
        return tree


def _place(tree: dict[str, Any], path: str, known: Known) -> None:
    node = tree
    for part in path.rstrip(".").split("."):
        node = node.setdefault(part, {})
    if path.endswith("."):
        node["_object"] = True
    elif known.value is not None:
        node.update(_value=_json_value(known), _type=known.type, _timestamp=_date(known.seen))
    if known.writable is not None:
        node["_writable"] = known.writable


def _json_value(known: Known) -> Any:
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
    """What stands at a dotted path; of a parameter its value."""
    node: Any = document
    for part in path.rstrip(".").split("."):
        if not isinstance(node, dict) or part not in node:
            return None
        node = node[part]
    return node.get("_value") if isinstance(node, dict) and "_value" in node else node


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    def safely(found: Any, wanted: Any) -> bool:
        try:
            return found is not None and compare(found, wanted)
        except TypeError:
            return False

    return safely


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": lambda found, wanted: found == wanted,
    "$ne": lambda found, wanted: found != wanted,
    "$gt": _ordered(lambda found, wanted: found > wanted),
    "$gte": _ordered(lambda found, wanted: found >= wanted),
    "$lt": _ordered(lambda found, wanted: found < wanted),
    "$lte": _ordered(lambda found, wanted: found <= wanted),
    "$in": _ordered(lambda found, wanted: found in wanted),
    "$nin": lambda found, wanted: found not in list(wanted),
    "$exists": lambda found, wanted: (found is not None) == bool(wanted),
    "$regex": _ordered(lambda found, wanted: re.search(wanted, found) is not None),
}


def matches(document: dict[str, Any], query: dict[str, Any]) -> bool:
    """
    Whether a document fits a query in MongoDB's form, as far as GenieACS's users need it.

    Raises:
        InputError: an operator that is not known, or a broken regular expression.
    """
    return all(_condition(document, key, wanted) for key, wanted in query.items())


def _condition(document: dict[str, Any], key: str, wanted: Any) -> bool:
    if key in ("$and", "$or"):
        if not isinstance(wanted, list) or not all(isinstance(each, dict) for each in wanted):
            raise InputError(f"query {key}: must be a list of objects")
        verdicts = [matches(document, each) for each in wanted]
        return all(verdicts) if key == "$and" else any(verdicts)
    found = _at(document, key)
    if not isinstance(wanted, dict):
        return bool(found == wanted)
    for operator, operand in wanted.items():
        if operator not in _OPERATORS:
            raise InputError(f"query operator {operator!r}: not one of {', '.join(_OPERATORS)}")
        try:
            if not _OPERATORS[operator](found, operand):
                return False
        except (re.error, TypeError) as error:
            raise InputError(f"query {operator} {operand!r}: {error}") from error
    return True


def project(document: dict[str, Any], paths: Iterable[str]) -> dict[str, Any]:
    """The document with these paths only, and its id; all of it without any."""
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
