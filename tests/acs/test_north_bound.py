"""The north-bound API, as GenieACS's users know it."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import gevent
import pytest
from werkzeug.test import Client, TestResponse

from caretaker.acs.acs import ACS
from caretaker.acs.devices import KnownDevice
from caretaker.acs.north_bound import NorthBoundApp
from caretaker.acs.parameters import Known
from caretaker.acs.tasks import TASKS, Task
from caretaker.cwmp.messages import DeviceIdStruct
from caretaker.errors import FaultError, InputError

ID = "00AABB-R%2D1-S1"
GET_TASK = {"name": "getParameterValues", "parameterNames": ["Device.A"]}


def acs() -> ACS:
    made = ACS()
    for number in (1, 2, 3):
        device_id = f"00AABB-R%2D1-S{number}"
        about = DeviceIdStruct("Acme", "00AABB", "R-1", f"S{number}")
        device = made.devices[device_id] = KnownDevice(device_id, about, 1.7e9 + number)
        device.known["Device.Info.Version"] = Known(f"{number}.0", "xsd:string", False, 1.7e9)
        device.known["Device.Info.UpTime"] = Known(str(number), "xsd:unsignedInt", None, 1.7e9)
        device.known["Device.Info.Up"] = Known("true", "xsd:boolean", True, 1.7e9)
        device.known["Device.Host."] = Known(None, "", True, 1.7e9)
        device.url = "http://127.0.0.1:1/cr"
    return made


def find(client: Client, **args: Any) -> list[dict[str, Any]]:
    args = {name: json.dumps(v) if name == "query" else v for name, v in args.items()}
    response = client.get("/devices/", query_string=args)
    assert response.status_code == 200, response.text
    return list(response.json or [])


def ids(found: list[dict[str, Any]]) -> list[str]:
    return [document["_deviceId"]["_SerialNumber"] for document in found]


def test_a_device_in_genieacs_shape() -> None:
    (document,) = find(Client(NorthBoundApp(acs())), query={"_id": ID})
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
def test_queries(query: dict[str, Any], expected: list[str]) -> None:
    assert expected == ids(find(Client(NorthBoundApp(acs())), query=query))


def test_projection_limit_and_skip() -> None:
    client = Client(NorthBoundApp(acs()))
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
    response = Client(NorthBoundApp(acs())).get("/devices", query_string={"query": query})
    assert response.status_code == 400
    assert complaint.replace("\\", "") in response.text


@pytest.mark.parametrize(
    ("path", "method", "status"),
    [
        ("/", "GET", 404),
        ("/devices", "POST", 405),
        ("/devices/x", "GET", 404),
        ("/devices/x/tasks", "GET", 405),
        ("/devices/x/tasks", "POST", 404),
    ],
)
def test_other_resources(path: str, method: str, status: int) -> None:
    client = Client(NorthBoundApp(acs()))
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
        self.devices = acs().devices
        self._reason, self._fault, self._ends = reason, fault, ends

    def connection_request(self, device_id: str) -> str | None:
        self.device(device_id)
        if self._ends and self._reason is None and self.devices[device_id].tasks:
            gevent.spawn(self.devices[device_id].tasks[0].end, self._fault)
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
def test_tasks_end_as_genieacs_tells_it(made: ACS, status: int, reason: str) -> None:
    response = post(made, GET_TASK)
    assert response.status == f"{status} {reason}"
    assert response.json is not None
    assert (response.json["name"], response.json["device"]) == ("getParameterValues", ID)


def test_without_connection_request_a_task_is_only_queued() -> None:
    made = acs()
    assert post(made, GET_TASK, "").status == "202 Task queued"
    assert [task.name for task in made.devices[ID].tasks] == ["getParameterValues"]


def test_without_a_body_only_the_connection_request_is_sent() -> None:
    assert post(Reachable(None), None).status_code == 200
    assert post(Reachable("Device is offline"), None).status == "504 Device is offline"
    assert post(acs(), None, "").status_code == 400


def test_an_unknown_device_is_404() -> None:
    client = Client(NorthBoundApp(acs()))
    for body in ({"json": GET_TASK}, {}):
        response = client.post("/devices/unknown/tasks?connection_request", **body)
        assert response.status_code == 404
        assert response.text == "No such device\n"


@pytest.mark.parametrize("query", ["limit=-1", "skip=-1", "limit=x"])
def test_bad_numbers_are_400(query: str) -> None:
    assert Client(NorthBoundApp(acs())).get(f"/devices?{query}").status_code == 400


@pytest.mark.parametrize(
    ("task", "complaint"),
    [
        ({}, "'name' must be one of"),
        ([], "'name' must be one of"),
        ({"name": "explode"}, "'name' must be one of"),
        ({"name": "getParameterValues"}, "'parameterNames' is missing or malformed"),
        ({"name": "getParameterValues", "parameterNames": "Device."}, "'parameterNames'"),
        ({"name": "setParameterValues", "parameterValues": [["a"]]}, "'parameterValues'"),
        ({"name": "setParameterValues", "parameterValues": [["a", 1, 5]]}, "'parameterValues'"),
        (
            {"name": "setParameterValues", "parameterValues": [["a", [], "b:c"]]},
            "'parameterValues'",
        ),
        ({"name": "refreshObject"}, "'objectName'"),
    ],
)
def test_bad_tasks_are_one_line(task: Any, complaint: str) -> None:
    with pytest.raises(InputError, match=complaint):
        Task.of(task)


def test_every_task_of_the_issue_is_there() -> None:
    values, objects = (
        "getParameterValues setParameterValues",
        "refreshObject addObject deleteObject",
    )
    assert set(TASKS) == {*values.split(), *objects.split(), "reboot", "factoryReset", "download"}


def test_connection_requests_stay_inside() -> None:
    made = acs()
    made.devices[ID].url = "http://192.0.2.1/cr"
    assert made.connection_request(ID) == "Connection Request URL is not allowed"
    made.devices[ID].url = "file:///etc/passwd"
    assert made.connection_request(ID) == "Device is offline"
    made.devices[ID].url = "http://127.0.0.1:1/cr"
    assert made.connection_request(ID) == "Device is offline"
