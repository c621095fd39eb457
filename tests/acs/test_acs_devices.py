"""Devices of the embedded ACS: their documents."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.known_devices import ID, acs_with_devices

from caretaker.acs.parameters import KnownParameter


def test_a_device_in_genieacs_shape() -> None:
    document = acs_with_devices().devices[ID].document()
    assert document["_id"] == ID
    assert document["_deviceId"] == {
        "_Manufacturer": "Acme",
        "_OUI": "00AABB",
        "_ProductClass": "R-1",
        "_SerialNumber": "S1",
    }
    assert document["_lastInform"] == "2023-11-14T22:13:21.000Z"
    info = document["Device"]["Info"]
    assert info["UpTime"] == {
        "_value": 1,
        "_type": "xsd:unsignedInt",
        "_timestamp": "2023-11-14T22:13:20.000Z",
        "_object": False,
    }
    assert info["Up"]["_value"] is True
    assert document["Device"]["Host"] == {"_object": True, "_writable": True}


@pytest.mark.parametrize(
    ("type_", "text", "value"),
    [
        ("xsd:boolean", "1", True),
        ("xsd:boolean", "0", False),
        ("xsd:boolean", "true", True),
        ("xsd:boolean", "false", False),
        ("xsd:boolean", "TRUE", "TRUE"),
        ("xsd:boolean", "True", "True"),
        ("xsd:boolean", "yes", "yes"),
        ("xsd:int", "12abc", 12),
        ("xsd:int", "", ""),
        ("xsd:int", "many", "many"),
        ("xsd:int", "9" * 30, "9" * 30),
        ("xsd:unsignedInt", "-1", -1),
        ("xsd:unsignedLong", "18446744073709551615", "18446744073709551615"),
        ("xsd:unsignedLong", "5", "5"),
        ("xsd:dateTime", "2024-05-01T10:00:00+02:00", "2024-05-01T08:00:00.000Z"),
        ("xsd:dateTime", "0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000Z"),
        ("xsd:dateTime", "2024-05-01T10:00:00.1234", "2024-05-01T10:00:00.123Z"),
        ("xsd:dateTime", "0001-01-01T00:00:00+14:00", "0001-01-01T00:00:00+14:00"),
        ("xsd:dateTime", "now", "now"),
        ("xsd:string", "1", "1"),
    ],
)
def test_values_are_kept_as_genieacs_keeps_them(type_: str, text: str, value: Any) -> None:
    device = acs_with_devices().devices[ID]
    device.parameters["Device.V"] = KnownParameter(text, type_, None, 1.7e9)
    shown = device.document()["Device"]["V"]["_value"]
    assert (shown, type(shown)) == (value, type(value))


def test_a_document_tells_what_is_known_of_the_device() -> None:
    device = acs_with_devices().devices[ID]
    assert {"_lastBoot", "_lastBootstrap", "_tags"}.isdisjoint(device.document())
    device.last_boot, device.last_bootstrap, device.tags = 1.7e9, 1.7e9 + 1, ("lab",)
    document = device.document()
    assert document["_lastBoot"] == "2023-11-14T22:13:20.000Z"
    assert document["_lastBootstrap"] == "2023-11-14T22:13:21.000Z"
    assert document["_tags"] == ["lab"]


def test_a_device_that_is_forgotten_gives_back_what_it_took() -> None:
    device = acs_with_devices().devices[ID]
    assert device._known.used > 0
    device.give_back()
    assert device._known.used == 0
