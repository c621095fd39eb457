"""Devices of the embedded ACS: their documents, and which of them a query finds."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.known_devices import ID, acs_with_devices

from caretaker.acs.devices import MAX_PATTERN, matches
from caretaker.errors import InputError


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
    }
    assert info["Up"]["_value"] is True
    assert document["Device"]["Host"] == {"_object": True, "_writable": True}


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({}, ["S1", "S2", "S3"]),
        ({"_deviceId._SerialNumber": "S2"}, ["S2"]),
        ({"Device.Info.Version": "3.0"}, ["S3"]),
        ({"Device.Info.UpTime": {"$gt": 1, "$lt": 3}}, ["S2"]),
        ({"Device.Info.UpTime": {"$gte": 2}}, ["S2", "S3"]),
        ({"Device.Info.UpTime": {"$lte": 1}}, ["S1"]),
        ({"Device.Info.UpTime": {"$ne": 1}}, ["S2", "S3"]),
        ({"Device.Info.Version": {"$in": ["1.0", "2.0"]}}, ["S1", "S2"]),
        ({"Device.Info.Version": {"$nin": ["1.0"]}}, ["S2", "S3"]),
        ({"Device.Info.Version": {"$regex": "^[13]"}}, ["S1", "S3"]),
        ({"Device.X": {"$exists": False}}, ["S1", "S2", "S3"]),
        ({"Device.Info.Version": {"$gt": 5}}, []),
        ({"$or": [{"_deviceId._SerialNumber": "S1"}, {"Device.Info.UpTime": 3}]}, ["S1", "S3"]),
        ({"$and": [{"_deviceId._OUI": "00AABB"}, {"Device.Info.UpTime": {"$eq": 3}}]}, ["S3"]),
        ({"_id": "unknown"}, []),
        ({"_lastInform": {"$lt": "2023-11-14T22:13:22.000Z"}}, ["S1"]),
    ],
    ids=json.dumps,
)
def test_queries_have_the_operators_of_mongodb(query: dict[str, Any], expected: list[str]) -> None:
    documents = [device.document() for device in acs_with_devices().devices.values()]
    matching = [document for document in documents if matches(document, query)]
    assert expected == [document["_deviceId"]["_SerialNumber"] for document in matching]


@pytest.mark.parametrize("pattern", ["(a+)+b", ".*.*x", "a" * (MAX_PATTERN + 1), "a{9}"])
def test_patterns_that_may_take_for_ever_are_refused(pattern: str) -> None:
    (document, *_) = [device.document() for device in acs_with_devices().devices.values()]
    with pytest.raises(InputError, match="repetitions or groups"):
        matches(document, {"Device.Info.Version": {"$regex": pattern}})
