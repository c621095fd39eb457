"""The north-bound API, as GenieACS's users know it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import gevent
import pytest
from helpers.known_devices import ID, acs_with_devices
from werkzeug.test import Client, TestResponse

from caretaker.acs.acs import ACS
from caretaker.acs.north_bound import NorthBoundApp
from caretaker.errors import FaultError

GET_TASK = {"name": "getParameterValues", "parameterNames": ["Device.A"]}


def find(client: Client, **args: Any) -> list[dict[str, Any]]:
    args = {name: json.dumps(v) if name == "query" else v for name, v in args.items()}
    response = client.get("/devices/", query_string=args)
    assert response.status_code == 200, response.text
    return list(response.json or [])


@pytest.mark.parametrize(
    ("query", "expected"),
    [
        ({"_id": ID}, [ID]),
        ({"_id": "unknown"}, []),
        ({"_id": ID, "Device.Info.UpTime": 2}, []),
        ({"Device.Info.UpTime": {"$gte": 2}}, [ID[:-1] + "2", ID[:-1] + "3"]),
    ],
    ids=json.dumps,
)
def test_devices_are_found_by_their_id_or_by_a_query(
    query: dict[str, Any], expected: list[str]
) -> None:
    client = Client(NorthBoundApp(acs_with_devices()))
    assert [document["_id"] for document in find(client, query=query)] == expected


def test_projection_limit_and_skip() -> None:
    client = Client(NorthBoundApp(acs_with_devices()))
    found = find(
        client, projection="Device.Info.Version,_lastInform,Nothing.There", limit=1, skip=1
    )
    assert found == [
        {
            "_id": "00AABB-R%2D1-S2",
            "_lastInform": "2023-11-14T22:13:22.000Z",
            "Device": {
                "Info": {
                    "Version": {
                        "_value": "2.0",
                        "_type": "xsd:string",
                        "_timestamp": "2023-11-14T22:13:20.000Z",
                        "_object": False,
                        "_writable": False,
                    }
                }
            },
        }
    ]


@pytest.mark.parametrize(
    ("query", "complaint"),
    [
        ("{", "not JSON"),
        ("[]", "JSON object"),
        ('{"a": {"$near": 1}}', "operator '\\$near'"),
        ('{"$and": 5}', "\\$and: must be a list"),
        ('{"$or": [5]}', "\\$or: must be a list"),
        ('{"_id": {"$nin": 5}}', "\\$nin"),
        ('{"_deviceId._OUI": {"$regex": "("}}', "\\$regex"),
    ],
)
def test_bad_queries_are_400_with_a_line(query: str, complaint: str) -> None:
    response = Client(NorthBoundApp(acs_with_devices())).get(
        "/devices", query_string={"query": query}
    )
    assert response.status_code == 400
    assert complaint.replace("\\", "") in response.text


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/", "GET", 404),
        ("/devices", "POST", 405),
        ("/devices/x", "GET", 405),
        ("/devices/x/tasks", "GET", 405),
        ("/devices/x/tasks", "POST", 404),
    ],
)
def test_other_resources(path: str, method: str, status: int) -> None:
    client = Client(NorthBoundApp(acs_with_devices()))
    assert client.open(path, method=method, json=GET_TASK).status_code == status


def post(made: ACS, task: Any, query: str = "connection_request&timeout=50") -> TestResponse:
    path = f"/devices/{quote(ID, safe='')}/tasks?{query}"
    return (
        Client(NorthBoundApp(made)).post(path, json=task)
        if task
        else Client(NorthBoundApp(made)).post(path)
    )


class Reachable(ACS):
    """An ACS whose Connection Requests have a given outcome, and whose tasks end so."""

    def __init__(
        self, reason: str | None, fault: FaultError | None = None, *, ends: bool = True
    ) -> None:
        super().__init__()
        self.devices = acs_with_devices().devices
        self._reason, self._fault, self._ends = reason, fault, ends

    def connection_request(self, device_id: str) -> str | None:
        self.device(device_id)
        if self._ends and self._reason is None and self.devices[device_id].tasks:
            task = self.devices[device_id].tasks[0]
            task.begun.set()
            task.end(self._fault)
            gevent.spawn(task.ended.set)
        return self._reason


@pytest.mark.parametrize(
    ("made", "status", "reason"),
    [
        (Reachable(None), 200, "OK"),
        (Reachable(None, FaultError(9005)), 202, "Task faulted"),
        (Reachable(None, ends=False), 202, "Task queued but not processed"),
        (Reachable("Device is offline"), 202, "Device is offline"),
    ],
)
def test_how_a_task_ended_is_said_in_genieacs_words(made: ACS, status: int, reason: str) -> None:
    response = post(made, GET_TASK)
    assert response.status == f"{status} {reason}"
    assert response.json is not None
    assert (response.json["name"], response.json["device"]) == ("getParameterValues", ID)


def test_without_connection_request_a_task_is_only_queued() -> None:
    made = acs_with_devices()
    assert post(made, GET_TASK, "").status == "202 Accepted"
    assert [task.name for task in made.devices[ID].tasks] == ["getParameterValues"]


def test_without_a_body_only_the_connection_request_is_sent() -> None:
    assert post(Reachable(None), None).status_code == 200
    refused = post(Reachable("Device is offline"), None)
    assert (refused.status_code, refused.text) == (504, "Device is offline")
    assert post(acs_with_devices(), None, "").status_code == 400


def test_an_unknown_device_is_404() -> None:
    client = Client(NorthBoundApp(acs_with_devices()))
    for body in ({"json": GET_TASK}, {}):
        response = client.post("/devices/unknown/tasks?connection_request", **body)
        assert response.status_code == 404
        assert response.text == "No such device"


@pytest.mark.parametrize("query", ["limit=-1", "skip=-1", "limit=x"])
def test_bad_numbers_are_400(query: str) -> None:
    assert Client(NorthBoundApp(acs_with_devices())).get(f"/devices?{query}").status_code == 400


@pytest.mark.parametrize(
    "text",
    [
        "[" * 100_000, "[" * 33 + "]" * 33, '{"a":' * 500 + "1" + "}" * 500,
        '{"a": 1%s}' % ("0" * 400), '{"a": 1%s}' % ("0" * 10_000), '{"a": 1e999}', '{"a": NaN}',
        '{"a": -Infinity}', "{", '"text"', "[]",
    ],
    ids=lambda text: text[:12],
)  # fmt: skip
def test_json_beyond_its_limits_is_400(text: str) -> None:
    client = Client(NorthBoundApp(acs_with_devices()))
    asked = client.get("/devices/", query_string={"query": text})
    task = client.post(f"/devices/{quote(ID)}/tasks", data=text)
    for answer in (asked, task):
        assert answer.status_code == 400
        assert answer.text.count("\n") == 1
        assert len(answer.text) < 300


@pytest.mark.parametrize("digits", ["9" * 23, "9" * 100])
def test_numbers_of_any_length_are_answered(digits: str) -> None:
    client = Client(NorthBoundApp(acs_with_devices()))
    assert client.get("/devices/", query_string={"limit": digits}).status_code == 200
    assert find(client, skip=digits) == []
    for timeout in (digits, "9" * 5000, "-1", "soon"):
        url = f"/devices/{quote(ID)}/tasks?timeout={timeout}"
        assert client.post(url, json=GET_TASK).status_code == 202


def test_a_number_that_is_too_long_for_a_count_is_400() -> None:
    client = Client(NorthBoundApp(acs_with_devices()))
    assert client.get("/devices/", query_string={"limit": "9" * 5000}).status_code == 400
