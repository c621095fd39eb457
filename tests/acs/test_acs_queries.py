"""Queries of the north-bound API: MongoDB's, with GenieACS's additions."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.known_devices import acs_with_devices

from caretaker.acs.queries import MAX_PATTERN, OPERATORS, field_at, matches, order_of, sort_key
from caretaker.errors import InputError


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
        ({"_lastInform": {"$lt": "2023-11-14 22:13:22+00:00"}}, ["S1"]),
        ({"_lastInform": {"$lt": "1980-01-01"}}, []),
        ({"Device.Info.UpTime": "2"}, ["S2"]),
        ({"Device.Info.UpTime": {"$gt": "1"}}, ["S2", "S3"]),
        ({"Device.Info.UpTime": {"$ne": "1"}}, ["S2", "S3"]),
        ({"Device.Info.UpTime": {"$in": ["1", 3]}}, ["S1", "S3"]),
        ({"Device.Info.Version": 1}, []),
        ({"Device.Info.Up": True}, ["S1", "S2", "S3"]),
        ({"Device.Info.Up": 1}, []),
        ({"_deviceId._Manufacturer": "Ac*"}, ["S1", "S2", "S3"]),
        ({"_deviceId._SerialNumber": "*2"}, ["S2"]),
        ({"_deviceId._Manufacturer": "A*m[e]"}, []),
        ({"_deviceId._Manufacturer": "/^acme/i"}, ["S1", "S2", "S3"]),
        ({"_deviceId._Manufacturer": "/^acme/"}, []),
        ({"_deviceId._Manufacturer": {"$regex": "^aC", "$options": "i"}}, ["S1", "S2", "S3"]),
        ({"Device.Info.UpTime": {"$not": {"$gt": 1}}}, ["S1"]),
        ({"_deviceId._SerialNumber": {"$not": {"$in": ["S1", "S2"]}}}, ["S3"]),
        ({"$nor": [{"_deviceId._SerialNumber": "S1"}, {"Device.Info.UpTime": 3}]}, ["S2"]),
        ({"Device.Info": {"$exists": True}}, []),
        ({"Device.Info.Up": {"$exists": True}}, ["S1", "S2", "S3"]),
        ({"_tags": "lab"}, ["S1"]),
        ({"_tags": "l*"}, ["S1"]),
        ({"_tags": {"$ne": "lab"}}, ["S2", "S3"]),
        ({"Device.Info.Version._value": "1.0"}, ["S1"]),
    ],
    ids=json.dumps,
)
def test_queries_find_what_they_find_in_genieacs(
    query: dict[str, Any], expected: list[str]
) -> None:
    devices = list(acs_with_devices().devices.values())
    devices[0].tags = ("lab", "basement")
    documents = [device.document() for device in devices]
    matching = [document for document in documents if matches(document, query)]
    assert expected == [document["_deviceId"]["_SerialNumber"] for document in matching]


@pytest.mark.parametrize("pattern", ["(a+)+b", ".*.*x", "a" * (MAX_PATTERN + 1), "a{9}"])
def test_patterns_that_may_take_for_ever_are_refused(pattern: str) -> None:
    (document, *_) = [device.document() for device in acs_with_devices().devices.values()]
    with pytest.raises(InputError, match="repetitions or groups"):
        matches(document, {"Device.Info.Version": {"$regex": pattern}})


@pytest.mark.parametrize("pattern", ["/(a+)+b/", "/.*x/", {"$regex": "a", "$options": "x"}])
def test_patterns_between_slashes_and_options_are_limited_likewise(pattern: Any) -> None:
    (document, *_) = [device.document() for device in acs_with_devices().devices.values()]
    with pytest.raises(InputError, match=r"query \$(regex|options)"):
        matches(document, {"Device.Info.Version": pattern})


@pytest.mark.parametrize("operator", OPERATORS)
def test_no_operator_finds_a_parameter_that_is_missing_but_those_that_deny(operator: str) -> None:
    operands: dict[str, Any] = {
        "$in": ["x"], "$nin": ["x"], "$not": {"$eq": "x"}, "$exists": True, "$options": "i",
    }  # fmt: skip
    found = matches({}, {"Device.X": {operator: operands.get(operator, "x")}})
    assert found is (operator in ("$ne", "$nin", "$not", "$options"))


def test_what_is_no_device_has_fields_alone() -> None:
    fault = {"_id": "1", "channel": "task_1", "detail": {"faultCode": "Client"}}
    assert matches(fault, {"channel": "task_1", "detail.faultCode": "Client"}, field_at)
    assert not matches(fault, {"detail.none": "x"}, field_at)


def test_values_of_different_types_have_mongodbs_order() -> None:
    ordered = [None, -1, 2.5, "", "a", True]
    assert sorted([True, "a", "", 2.5, -1, None], key=sort_key) == ordered


@pytest.mark.parametrize("posted", [[], 5, {"a": 2}, {"a": "down"}])
def test_an_order_is_an_object_of_1_and_minus_1(posted: Any) -> None:
    assert order_of({"a": 1, "b": -1}) == [("a", False), ("b", True)]
    with pytest.raises(InputError, match="write an object of 1 and -1"):
        order_of(posted)
