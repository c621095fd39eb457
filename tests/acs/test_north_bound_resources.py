"""The resources of the north-bound API beside devices: tasks, faults, files, presets, tags."""

from __future__ import annotations

import json
from typing import Any
from urllib.parse import quote

import pytest
from helpers.acs_sessions import ScriptedCPE, acs_and_cpe, inform, only
from helpers.known_devices import ID, acs_with_devices
from werkzeug.test import Client

from caretaker.acs.acs import ACS
from caretaker.acs.collections import COLLECTIONS
from caretaker.acs.north_bound import NorthBoundApp, begin_seconds
from caretaker.cwmp import decode
from caretaker.cwmp import messages as m

DEVICE = f"/devices/{quote(ID, safe='')}"
REBOOT = {"name": "reboot"}


def operator(acs: ACS) -> Client:
    return Client(NorthBoundApp(acs))


def listed(client: Client, collection: str, **query: Any) -> list[dict[str, Any]]:
    response = client.get(f"/{collection}/", query_string={"query": json.dumps(query)})
    assert response.status_code == 200
    return list(response.json or [])


def contacted() -> tuple[ACS, ScriptedCPE, Client]:
    """An ACS with a device whose first session is over."""
    acs, cpe = acs_and_cpe(provisioning=False)
    cpe.post(inform())
    cpe.post()
    return acs, cpe, operator(acs)


@pytest.mark.parametrize(
    ("path", "allowed"),
    [
        ("/devices", ["GET", "HEAD"]),
        (DEVICE, ["DELETE"]),
        (f"{DEVICE}/tasks", ["POST"]),
        (f"{DEVICE}/tags/lab", ["POST", "DELETE"]),
        ("/tasks/1", ["DELETE"]),
        ("/tasks/1/retry", ["POST"]),
        ("/faults/1", ["DELETE"]),
        ("/files/x", ["PUT", "DELETE"]),
        ("/presets/x", ["PUT", "DELETE"]),
        ("/provisions/x", ["PUT", "DELETE"]),
    ],
)
def test_another_method_is_405_and_says_which_are_allowed(path: str, allowed: list[str]) -> None:
    response = operator(acs_with_devices()).patch(path)
    assert (response.status_code, response.text) == (405, "405 Method Not Allowed")
    assert response.headers["Allow"] == ", ".join(allowed)


@pytest.mark.parametrize("path", ["/", "/nothing", "/devices/x/y/z", "/cache"])
def test_what_is_not_there_is_404(path: str) -> None:
    response = operator(acs_with_devices()).get(path)
    assert (response.status_code, response.text) == (404, "404 Not Found")


# -- searches -------------------------------------------------------------------------------------


def test_the_total_counts_what_fits_the_query_and_not_what_is_shown() -> None:
    client = operator(acs_with_devices())
    for query, total in (("{}", "3"), ('{"Device.Info.UpTime": {"$gt": 1}}', "2")):
        response = client.get("/devices", query_string={"query": query, "limit": 1})
        assert (len(response.json or []), response.headers["total"]) == (1, total)
    response = client.head("/devices")
    assert (response.headers["total"], response.data) == ("3", b"")


@pytest.mark.parametrize(("limit", "count"), [("0", 3), ("", 3), ("2", 2), ("9", 3)])
def test_a_limit_of_0_means_all(limit: str, count: int) -> None:
    response = operator(acs_with_devices()).get("/devices", query_string={"limit": limit})
    assert len(response.json or []) == count


@pytest.mark.parametrize(
    ("sort", "serials"),
    [
        ({"Device.Info.UpTime": -1}, "321"),
        ({"Device.Info.Up": 1, "_lastInform": -1}, "321"),
        ({"_tags": -1, "Device.Info.UpTime": 1}, "123"),
    ],
)
def test_documents_are_sorted(sort: dict[str, int], serials: str) -> None:
    response = operator(acs_with_devices()).get(
        "/devices", query_string={"sort": json.dumps(sort), "projection": "_deviceId"}
    )
    found = [each["_deviceId"]["_SerialNumber"] for each in response.json or []]
    assert found == [f"S{number}" for number in serials]


# -- tasks and faults -----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("timeout", "seconds"),
    [(-1, 0), (0, 0), (300, 0), (500, 0.5), (1000, 0.5), (1200, 1), (4000, 3.5)],
)
def test_the_wait_for_a_session_is_in_whole_steps_of_genieacs(timeout: int, seconds: float) -> None:
    assert begin_seconds(timeout) == seconds


def test_a_task_has_the_time_of_its_posting_and_no_field_of_its_own_is_overwritten() -> None:
    acs = acs_with_devices()
    posted = operator(acs).post(f"{DEVICE}/tasks", json={**REBOOT, "_id": "x", "device": "y"}).json
    assert posted is not None
    assert set(posted) == {"_id", "name", "device", "timestamp"}
    assert posted["device"] == ID
    assert listed(operator(acs), "tasks", device=ID) == [posted]


def faulted() -> tuple[ACS, ScriptedCPE, Client, str]:
    """An ACS whose device has answered a task with a Fault, and the task's id."""
    acs, cpe, client = contacted()
    task = client.post(f"{DEVICE}/tasks", json=REBOOT).json
    cpe.post(inform())
    cpe.post()
    assert cpe.say(m.Fault.of(9002)) is None
    assert task is not None
    return acs, cpe, client, task["_id"]


def test_a_task_that_faulted_stays_with_its_fault_and_is_not_tried_again() -> None:
    _, cpe, client, task_id = faulted()
    assert [task["_id"] for task in listed(client, "tasks")] == [task_id]
    (fault,) = listed(client, "faults", device=ID)
    assert (fault["_id"], fault["channel"]) == (f"{ID}:task_{task_id}", f"task_{task_id}")
    assert (fault["code"], fault["message"]) == ("cwmp.9002", "Internal error")
    assert fault["detail"]["detail"]["Fault"]["faultCode"] == "9002"
    cpe.post(inform())
    assert cpe.post().status_code == 204


def test_a_retry_runs_a_task_in_the_next_session() -> None:
    _, cpe, client, task_id = faulted()
    assert client.post(f"/tasks/{task_id}/retry").status_code == 200
    assert listed(client, "faults") == []
    cpe.post(inform())
    assert decode(cpe.post().data).message == m.Reboot("")
    assert cpe.say(m.RebootResponse()) is None
    assert listed(client, "tasks") == []


@pytest.mark.parametrize("path", ["/tasks/{task}", "/faults/{device}:task_{task}"])
def test_a_task_is_deleted_with_its_fault_and_a_fault_with_its_task(path: str) -> None:
    acs, _, client, task_id = faulted()
    device = quote(ID, safe="")
    assert client.delete(path.format(task=task_id, device=device)).status_code == 200
    assert (listed(client, "tasks"), acs.faults) == ([], {})


@pytest.mark.parametrize(("path", "method"), [("/tasks/x", "DELETE"), ("/tasks/x/retry", "POST")])
def test_a_task_that_nobody_knows_is_404(path: str, method: str) -> None:
    response = operator(acs_with_devices()).open(path, method=method)
    assert (response.status_code, response.text) == (404, "Task not found")
    assert operator(acs_with_devices()).delete("/faults/x").status_code == 200


def test_while_the_device_is_in_a_session_its_tasks_are_not_touched() -> None:
    _, cpe, client, task_id = faulted()
    cpe.post(inform())
    for path, method in (
        (f"/tasks/{task_id}", "DELETE"),
        (f"/tasks/{task_id}/retry", "POST"),
        (f"/faults/{quote(ID, safe='')}:task_{task_id}", "DELETE"),
        (DEVICE, "DELETE"),
    ):
        response = client.open(path, method=method)
        assert (response.status_code, response.text) == (503, "Device is in session")


def test_a_task_with_a_connection_request_waits_for_the_session_that_is_running(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("caretaker.acs.acs.LOCK_SECONDS", 0.01)
    acs, cpe, client = contacted()
    cpe.post(inform())
    response = client.post(f"{DEVICE}/tasks?connection_request", json=REBOOT)
    assert response.status == "202 Task queued but not processed"
    assert len(only(acs).tasks) == 1


def test_a_device_is_deleted_with_all_that_is_known_of_it() -> None:
    acs, _, client, _ = faulted()
    assert client.delete(DEVICE).status_code == 200
    assert (acs.devices, acs.faults, acs._known.used) == ({}, {}, 0)
    assert client.delete(DEVICE).status_code == 200


# -- tags -----------------------------------------------------------------------------------------


def test_devices_are_found_by_their_tags() -> None:
    client = operator(acs_with_devices())
    for _ in range(2):
        assert client.post(f"{DEVICE}/tags/lab%201").status_code == 200
    (document,) = listed(client, "devices", _tags="lab 1")
    assert (document["_id"], document["_tags"]) == (ID, ["lab 1"])
    assert client.delete(f"{DEVICE}/tags/lab%201").status_code == 200
    assert listed(client, "devices", _tags="lab 1") == []
    assert client.post("/devices/unknown/tags/x").status_code == 200
    assert client.post(f"{DEVICE}/tags/{'x' * 300}").status_code == 400


# -- files ----------------------------------------------------------------------------------------


def test_a_file_is_what_a_download_task_names_and_a_device_gets() -> None:
    acs, cpe, client = contacted()
    headers = {"fileType": "1 Firmware Upgrade Image", "version": "2.0"}
    assert client.put("/files/fw%202.bin", data=b"image", headers=headers).status_code == 201
    (file,) = listed(client, "files")
    assert (file["_id"], file["filename"], file["length"]) == ("fw 2.bin", "fw 2.bin", 5)
    assert file["metadata"] == headers
    client.post(f"{DEVICE}/tasks", json={"name": "download", "file": "fw 2.bin"})
    cpe.post(inform(), Host="acs.example:7547")
    request = decode(cpe.post().data).message
    assert isinstance(request, m.Download)
    assert request.file_type == headers["fileType"]
    assert request.url == "http://acs.example:7547/files/fw%202.bin"
    got = Client(cpe.app).get("/files/fw%202.bin")
    assert (got.status_code, got.data) == (200, b"image")
    assert [client.delete("/files/fw%202.bin").status_code for _ in range(2)] == [200, 404]
    assert Client(cpe.app).get("/files/fw%202.bin").status_code == 404
    assert acs.files == {}


def test_there_may_be_so_many_bytes_of_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caretaker.acs.files.MAX_FILES_BYTES", 8)
    monkeypatch.setattr("caretaker.acs.north_bound.MAX_FILE_BYTES", 5)
    client = operator(ACS())
    statuses = [client.put(f"/files/{name}", data=b"12345").status_code for name in "aab"]
    assert statuses == [201, 201, 400]
    assert client.put("/files/c", data=b"123456").status_code == 413


def test_there_may_be_so_many_files(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caretaker.acs.files.MAX_FILES", 2)
    client = operator(ACS())
    statuses = [client.put(f"/files/{name}", data=b"").status_code for name in "abac"]
    assert statuses == [201, 201, 201, 400]


def test_there_may_be_so_many_presets_and_provisions(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caretaker.acs.north_bound.MAX_STORED", 1)
    client = operator(ACS())
    for kind in ("presets", "provisions"):
        statuses = [client.put(f"/{kind}/{name}", data="{}").status_code for name in "aab"]
        assert statuses == [200, 200, 400]


def test_there_may_be_so_many_tags(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("caretaker.acs.north_bound.MAX_TAGS", 1)
    client = operator(acs_with_devices())
    assert [client.post(f"{DEVICE}/tags/{tag}").status_code for tag in "ab"] == [200, 400]


# -- presets and provisions -----------------------------------------------------------------------

INTERVAL = "Device.ManagementServer.PeriodicInformInterval"
PRESET: dict[str, Any] = {
    "weight": 1,
    "precondition": '{"_deviceId._OUI": "00AABB"}',
    "events": {"1 BOOT": True},
    "configurations": [{"type": "value", "name": INTERVAL, "value": 300}],
}


def shown(cpe: ScriptedCPE, *values: m.ParameterValueStruct) -> m.Message | None:
    return cpe.say(m.GetParameterValuesResponse(values))


def test_a_preset_sets_a_value_once_in_each_device_that_it_fits() -> None:
    _, cpe, client = contacted()
    assert client.put("/presets/interval", json=PRESET).status_code == 200
    assert listed(client, "presets") == [{**PRESET, "_id": "interval"}]
    cpe.post(inform("2 PERIODIC"))
    assert cpe.post().status_code == 204
    cpe.post(inform())
    assert decode(cpe.post().data).message == m.GetParameterValues((INTERVAL,))
    value = m.ParameterValueStruct(INTERVAL, "30", "xsd:unsignedInt")
    assert shown(cpe, value) == m.SetParameterValues((value._replace(value="300"),), "")
    assert cpe.say(m.SetParameterValuesResponse()) is None
    cpe.post(inform())
    assert cpe.post().status_code == 204
    assert client.delete("/presets/interval").status_code == 200
    assert listed(client, "presets") == []


def test_a_preset_of_another_kind_of_device_is_not_applied() -> None:
    _, cpe, client = contacted()
    client.put("/presets/x", json={**PRESET, "precondition": {"_deviceId._OUI": "FFFFFF"}})
    cpe.post(inform())
    assert cpe.post().status_code == 204


def test_a_preset_whose_channel_has_a_fault_waits_until_that_is_deleted() -> None:
    _, cpe, client = contacted()
    client.put("/presets/x", json={**PRESET, "channel": "setup"})
    for _ in range(2):
        cpe.post(inform())
        assert isinstance(decode(cpe.post().data).message, m.GetParameterValues)
        assert cpe.say(m.Fault.of(9005)) is None
        cpe.post(inform())
        assert cpe.post().status_code == 204
        (fault,) = listed(client, "faults")
        assert fault["channel"] == "setup"
        assert client.delete(f"/faults/{quote(fault['_id'], safe='')}").status_code == 200


def test_presets_tag_devices_and_refresh_what_is_too_old() -> None:
    _, cpe, client = contacted()
    configurations = [
        {"type": "add_tag", "tag": "seen"},
        {"type": "add_tag", "tag": "new"},
        {"type": "delete_tag", "tag": "new"},
        {"type": "age", "name": "Device.A", "age": "60"},
    ]
    client.put("/presets/x", json={"configurations": configurations})
    cpe.post(inform())
    assert decode(cpe.post().data).message == m.GetParameterValues(("Device.A",))
    assert shown(cpe, m.ParameterValueStruct("Device.A", "1")) is None
    assert [device["_tags"] for device in listed(client, "devices")] == [["seen"]]
    cpe.post(inform())
    assert cpe.post().status_code == 204


@pytest.mark.parametrize(
    ("preset", "complaint"),
    [
        ([], "must be a JSON object"),
        ({"schedule": "x"}, "knows no schedule"),
        ({"events": []}, "events is an object"),
        ({"precondition": 'DeviceID.OUI = "00AABB"'}, "precondition must be a query"),
        ({"precondition": {"a": {"$near": 1}}}, "query operator"),
        ({"configurations": [{"type": "provision", "name": "x"}]}, "runs no scripts"),
        ({"configurations": [{"type": []}]}, "a configuration's type"),
        ({"configurations": [{"type": "value", "name": "A"}]}, "'value' of a value"),
        ({"configurations": [{"type": "age", "name": "A", "age": "old"}]}, "'age' of a age"),
    ],
)
def test_what_no_preset_here_can_do_is_400_with_a_line(preset: Any, complaint: str) -> None:
    client = operator(ACS())
    response = client.put("/presets/x", json=preset)
    assert response.status_code == 400
    assert complaint in response.text
    assert listed(client, "presets") == []


def test_provisions_are_kept_and_listed() -> None:
    client = operator(ACS())
    assert client.put("/provisions/x", data="declare('Device', null)").status_code == 200
    assert listed(client, "provisions") == [{"_id": "x", "script": "declare('Device', null)"}]
    assert client.delete("/provisions/x").status_code == 200
    assert listed(client, "provisions") == []


@pytest.mark.parametrize("collection", COLLECTIONS)
def test_each_collection_is_there_and_empty_at_first(collection: str) -> None:
    assert listed(operator(ACS()), collection) == []
