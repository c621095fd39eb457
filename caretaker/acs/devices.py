"""
The devices that the embedded ACS knows, and their documents.

Documents have the form of GenieACS's north-bound API.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import datetime
from sys import intern
from typing import Any, Protocol

from caretaker.acs.parameters import KnownBytes, KnownParameter, Parameters, text_bytes
from caretaker.acs.queries import time_text, timestamp
from caretaker.acs.task import Task
from caretaker.cwmp.messages import DeviceIdStruct
from caretaker.http.credentials import Credentials


class RunningSession(Protocol):
    """The session that runs with a device, as far as the device needs it."""

    def abandon(self) -> None:
        """End the session half-way; its task waits for the next one."""

    def wait_until_over(self, seconds: float) -> bool:
        """Wait for the end of the session; whether it has ended in time."""


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
        "_known",
        "credentials",
        "device_id",
        "device_id_struct",
        "file_host",
        "last_boot",
        "last_bootstrap",
        "last_inform",
        "parameters",
        "peer",
        "registered",
        "root",
        "session",
        "tags",
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
        """Seconds since 1970; of the last Inform whose session has ended."""
        self.last_boot: float | None = None
        self.last_bootstrap: float | None = None
        self._known = known or KnownBytes()
        self.parameters = Parameters(self._known)
        self._known.used += self._own_bytes()
        self.tasks: list[Task] = []
        """The tasks to be done, in this order, and those that ended with a fault."""
        self.tags: tuple[str, ...] = ()
        self.root = "Device."
        """The root object of its data model, ``Device.`` or ``InternetGatewayDevice.``"""
        self.url = ""
        """Its ConnectionRequestURL."""
        self.peer = ""
        """The IP address that it informed from."""
        self.file_host = ""
        """The host and port as which it knows this ACS; files for it are there."""
        self.credentials: Credentials | None = None
        """Those of Connection Requests that the ACS has set; None before."""
        self.session: RunningSession | None = None
        """None between sessions."""

    def _own_bytes(self) -> int:
        return _DEVICE_BYTES + sum(map(text_bytes, (self.device_id, *self.device_id_struct)))

    def give_back(self) -> None:
        """The device is forgotten: what it took is free again."""
        self.parameters.forget("")
        self._known.used -= self._own_bytes()

    def management_value(self, last: str) -> str:
        """The value of a parameter of ManagementServer; empty where none is known."""
        known = self.parameters.get(f"{self.root}ManagementServer.{last}")
        return (known.value if known is not None else "") or ""

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
            "_registered": timestamp(self.registered),
            "_lastInform": timestamp(self.last_inform),
        }
        for name, seconds in (
            ("_lastBoot", self.last_boot),
            ("_lastBootstrap", self.last_bootstrap),
        ):
            if seconds is not None:
                tree[name] = timestamp(seconds)
        if self.tags:
            tree["_tags"] = list(self.tags)
        for path, known in self.parameters.items():
            _place(tree, path, known)
        return tree


def _place(tree: dict[str, Any], path: str, known: KnownParameter) -> None:
    node = tree
    for part in path.rstrip(".").split("."):
        node = node.setdefault(part, {})
    node["_object"] = path.endswith(".")
    if known.value is not None and not node["_object"]:
        value = _VALUES.get(known.type, str)(known.value)
        node.update(_value=value, _type=known.type, _timestamp=timestamp(known.seen))
    if known.writable is not None:
        node["_writable"] = known.writable


def _whole_number(text: str) -> int | str:
    """The number that a text begins with, as JavaScript reads one; the text if there is none."""
    number = re.match(r"\s*([+-]?[0-9]{1,15})(?![0-9])", text, re.ASCII)
    return int(number[1]) if number else text


def _boolean(text: str) -> bool | str:
    return {"0": False, "false": False, "1": True, "true": True}.get(text.strip(), text)


def _date_time(text: str) -> str:
    """A dateTime in UTC, with milliseconds; a text that is none as it is."""
    try:
        return time_text(datetime.fromisoformat(text.strip()))
    except (ValueError, OverflowError):
        return text


_VALUES: dict[str, Callable[[str], Any]] = {
    "xsd:boolean": _boolean,
    "xsd:int": _whole_number,
    "xsd:unsignedInt": _whole_number,
    "xsd:dateTime": _date_time,
}
"""What a value becomes in a document, by its type; those of other types stay texts."""
