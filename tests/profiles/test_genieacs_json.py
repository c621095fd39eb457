"""The JSON document of a device, as GenieACS's north-bound API gives it."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.errors import ProfileError
from caretaker.profiles import load_profile
from caretaker.profiles.genieacs_json import read_document
from caretaker.profiles.importer import import_files, save
from caretaker.profiles.profile import KNOWN

DOCUMENT: dict[str, Any] = {
    "_id": "00AABB-R1-S0000001",
    "_deviceId": {"_Manufacturer": "Acme", "_OUI": "00AABB", "_ProductClass": "R1",
                  "_SerialNumber": "S0000001"},
    "_lastInform": "2026-01-01T00:00:00.000Z",
    "Events": {"1_BOOT": {"_value": 1}},
    "Device": {
        "_object": True,
        "DeviceInfo": {
            "_object": True,
            "SoftwareVersion": {"_object": False, "_value": "1.0", "_type": "xsd:string"},
            "UpTime": {"_value": 7, "_type": "xsd:unsignedInt", "_writable": False},
            "First": {"_value": 1700000000000, "_type": "xsd:dateTime"},
            "Unread": {"_object": False, "_writable": True},
        },
        "WiFi": {"Radio": {"_writable": True, "1": {
            "Enable": {"_value": True, "_type": "xsd:boolean", "_writable": True}}}},
        "ManagementServer": {"PeriodicInformInterval": {"_value": 60}},
    },
}  # fmt: skip


def read(content: object) -> Any:
    return read_document("d.json", json.dumps(content).encode(), KNOWN)


def test_a_document_is_a_device(tmp_path: Path) -> None:
    source = tmp_path / "device.json"
    source.write_text(json.dumps([DOCUMENT]))
    profile = load_profile(str(save(import_files([str(source)]), str(tmp_path / "box")).paths[0]))
    assert (profile.manufacturer, profile.oui, profile.product_class) == ("Acme", "00AABB", "R1")
    parameters, objects = profile.model.parameters, profile.model.objects
    values = {path: (each.value, each.type) for path, each in parameters.items()}
    assert values["Device.DeviceInfo.SoftwareVersion"] == ("1.0", "xsd:string")
    assert values["Device.DeviceInfo.First"] == ("2023-11-14T22:13:20Z", "xsd:dateTime")
    assert values["Device.DeviceInfo.Unread"] == ("", "")
    assert values["Device.WiFi.Radio.1.Enable"] == ("true", "xsd:boolean")
    assert objects["Device.WiFi.Radio."]
    assert not objects["Device.WiFi."]
    assert parameters["Device.ManagementServer.PeriodicInformInterval"].writable
    assert not parameters["Device.DeviceInfo.UpTime"].writable


def test_a_document_of_mongoexport_is_one() -> None:
    wrapped = {
        "A": ({"$numberLong": "5"}, "5"),
        "B": ({"$numberDouble": "7.0"}, "7.0"),
        "C": ({"$date": {"$numberLong": "1700000000000"}}, "2023-11-14T22:13:20Z"),
        "D": ({"$date": "2023-11-14T22:13:20Z"}, "2023-11-14T22:13:20Z"),
        "E": (-62135596800000, "0001-01-01T00:00:00Z"),
        "F": (3.0, "3"),
        "G": ({"$numberInt": "x"}, "x"),
    }
    leaves = {
        last: {"_value": value, "_type": "xsd:dateTime" if last in "CDE" else "xsd:string"}
        for last, (value, _) in wrapped.items()
    }
    line = json.dumps({"_id": "x", "Device": {"X": leaves}}).encode()
    rows = read_document("d.json", line + b"\n", KNOWN).rows
    values = {row.path[-1]: row.value for row in rows if not row.is_object}
    assert values == {last: value for last, (_, value) in wrapped.items()}
    with pytest.raises(ProfileError, match="2 devices; ask for one"):
        read_document("d.json", line + b"\n" + line, KNOWN)


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        ([], "0 devices"),
        ([DOCUMENT, DOCUMENT], "2 devices; ask for one"),
        ({"_id": "x"}, "no parameters"),
        ("x", "1 devices"),
    ],
)
def test_what_is_no_device_is_one_line(content: object, complaint: str) -> None:
    with pytest.raises(ProfileError, match=complaint) as error:
        read(content)
    assert "\n" not in str(error.value)


def test_odd_nodes_are_named() -> None:
    export = read({"Device": {"X": 5, "Y": {"_value": "a"}}})
    assert export.odd == ["Device.X: no parameter or object; left out"]
    assert [row.path for row in export.rows] == ["Device.", "Device.Y"]


NODES = st.recursive(
    st.none() | st.booleans() | st.floats() | st.text(max_size=5),
    lambda inner: st.dictionaries(
        st.sampled_from(["A", "1", "_value", "_type", "_writable", "_object"]), inner, max_size=4
    ),
)


@given(NODES)
def test_any_document_is_a_device_or_a_profile_error(node: object) -> None:
    try:
        read({"Device": node})
    except ProfileError:
        pass
