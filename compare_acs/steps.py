"""The requests that both ACSs get, one after the other."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import Any

from caretaker.cwmp import CWMP_1_0, Envelope, encode
from caretaker.cwmp import messages as m
from caretaker.http.content_coding import encoded

SOFTWARE = "Device.DeviceInfo.SoftwareVersion"
CODE = "Device.DeviceInfo.ProvisioningCode"
NAME = "caretaker-compare"
FILE = f"/files/{NAME}"
PRESET = {"precondition": '{"_tags": "nobody"}', "configurations": [], "weight": 0}
UP_TIME = "Device.DeviceInfo.UpTime"


@dataclass(frozen=True)
class Step:
    """
    One request to an ACS.

    DEVICE in it stands for the id of the device, and TASK for that of the last task.

    Args:
        name: what is tried.
        method: of the request.
        path: of the north-bound API, or of the address for CPEs.
        parameters: of the query string.
        body: JSON, or bytes as they are; empty without one.
        headers: of the request.
        is_cwmp: whether it goes to the address for CPEs.
        shows_body: whether the bodies of both must be the same; else status and headers alone.
    """

    name: str
    method: str
    path: str
    parameters: tuple[tuple[str, str], ...] = ()
    body: Any = b""
    headers: tuple[tuple[str, str], ...] = ()
    is_cwmp: bool = False
    shows_body: bool = True


DEVICE_PATH = "/devices/DEVICE"
TASKS = f"{DEVICE_PATH}/tasks"
NOW = (("connection_request", ""), ("timeout", "10000"))


def _search(name: str, collection: str, query: dict[str, Any], **more: str) -> Step:
    parameters = {"query": json.dumps(query), **more}
    return Step(name, "GET", f"/{collection}/", tuple(parameters.items()))


def _found(name: str, query: dict[str, Any], **more: str) -> Step:
    """A search that may find the device of this comparison alone."""
    return _search(name, "devices", {"_id": "DEVICE", **query}, projection="_id", **more)


def _task(name: str, task: str, **arguments: Any) -> Step:
    return Step(name, "POST", TASKS, NOW, {"name": task, **arguments})


def _inform(coding: str = "") -> bytes:
    about = m.DeviceIdStruct("Caretaker", "00AABB", "Compare", "CODINGS")
    inform = encode(Envelope(m.Inform(about, (m.EventStruct("1 BOOT"),)), "1", CWMP_1_0))
    return encoded(inform, coding) if coding else inform


def _coded(coding: str, body: bytes) -> Step:
    headers = (("Content-Encoding", coding), ("Content-Type", "text/xml"))
    name = f"an Inform with Content-Encoding {coding}"
    return Step(name, "POST", "/", (), body, headers, is_cwmp=True, shows_body=False)


STEPS = (
    # Resources
    Step("what is not there", "GET", "/nothing"),
    Step("a device by its path", "GET", DEVICE_PATH),
    Step("tasks by GET", "GET", TASKS),
    Step("a task for nobody", "POST", "/devices/unknown/tasks", (), {"name": "reboot"}),
    Step("a task without a body", "POST", TASKS, shows_body=False),
    Step("what is no JSON", "POST", TASKS, (), b"{", shows_body=False),
    Step("no such task", "DELETE", "/tasks/0123456789abcdef01234567"),
    # Tasks
    Step(
        "a task that is only queued", "POST", TASKS, (),
        {"name": "getParameterValues", "parameterNames": [SOFTWARE]},
    ),
    Step("the queued task is deleted", "DELETE", "/tasks/TASK"),
    _task("a value", "getParameterValues", parameterNames=[SOFTWARE]),
    _task("a number", "getParameterValues", parameterNames=[UP_TIME]),
    _task("an unknown name", "getParameterValues", parameterNames=["Device.DeviceInfo.X_None"]),
    _task("a dot at the end", "getParameterValues", parameterNames=["Device.DeviceInfo."]),
    _search("the faulted task stays", "tasks", {"device": "DEVICE"}),
    _search("its fault", "faults", {"device": "DEVICE"}, projection="channel,device"),
    Step("a retry", "POST", "/tasks/TASK/retry"),
    _search("its fault is gone", "faults", {"device": "DEVICE"}),
    Step("the task is deleted", "DELETE", "/tasks/TASK"),
    _task("an unknown object", "refreshObject", objectName="Device.X_None"),
    _task("a parameter as an object", "refreshObject", objectName=SOFTWARE),
    _task("an object", "refreshObject", objectName="Device.DeviceInfo"),
    _task("a row where none can be", "addObject", objectName="Device.DeviceInfo"),
    _task("no such row", "deleteObject", objectName="Device.IP.Interface.999"),
    _task("a value is set", "setParameterValues", parameterValues=[[CODE, "compare"]]),
    _task("the same value again", "setParameterValues", parameterValues=[[CODE, "compare"]]),
    Step("a Connection Request alone", "POST", TASKS, NOW),
    # Queries
    _found("a value by its path", {CODE: "compare"}),
    _found("another value", {CODE: "other"}),
    _found("a pattern with a star", {CODE: "com*"}),
    _found("a pattern that does not fit", {CODE: "Com*"}),
    _found("a pattern between slashes", {CODE: "/^COM/i"}),
    _found("$regex with $options", {CODE: {"$regex": "^COM", "$options": "i"}}),
    _found("$not", {CODE: {"$not": {"$regex": "^x"}}}),
    _found("$ne", {CODE: {"$ne": "compare"}}),
    _found("a number as text", {UP_TIME: {"$gte": "0"}}),
    _found("$exists of a parameter", {CODE: {"$exists": True}}),
    _found("$exists of an object", {"Device.DeviceInfo": {"$exists": True}}),
    _found("$nor", {"$nor": [{CODE: "x"}, {CODE: "y"}]}),
    _found("sorted", {}, sort='{"_lastInform": -1}'),
    _found("a limit of 0", {}, limit="0"),
    _found("what is left out", {}, skip="1"),
    # Tags
    Step("a tag", "POST", f"{DEVICE_PATH}/tags/compare"),
    _found("by its tag", {"_tags": "compare"}),
    Step("the tag is deleted", "DELETE", f"{DEVICE_PATH}/tags/compare"),
    _found("no more by its tag", {"_tags": "compare"}),
    # Files, presets, provisions
    Step("a file", "PUT", FILE, (), b"x", (("fileType", "2 Web Content"),)),
    _search("the file in the list", "files", {"_id": NAME}, projection="filename,length"),
    Step("the file is deleted", "DELETE", FILE),
    Step("no such file", "DELETE", FILE),
    Step("a preset", "PUT", f"/presets/{NAME}", (), PRESET),
    _search("the preset in the list", "presets", {"_id": NAME}),
    Step("the preset is deleted", "DELETE", f"/presets/{NAME}"),
    Step("a provision", "PUT", f"/provisions/{NAME}", (), b"const now = Date.now();"),
    _search("the provision in the list", "provisions", {"_id": NAME}),
    Step("the provision is deleted", "DELETE", f"/provisions/{NAME}"),
    # Content codings
    _coded("gzip", _inform("gzip")),
    Step("the end of its session", "POST", "/", is_cwmp=True),
    _coded("br", _inform()),
    _coded("GZIP", _inform("gzip")),
    _coded("x-gzip", _inform("gzip")),
    _coded("identity", _inform()),
)  # fmt: skip
"""While the CPE is there."""

OFFLINE_STEPS = (
    Step("a Connection Request to a CPE that is off", "POST", TASKS, NOW),
    _task("a task for a CPE that is off", "getParameterValues", parameterNames=[SOFTWARE]),
    Step("the device is deleted", "DELETE", DEVICE_PATH),
    _found("no such device", {}),
    Step("the device of the codings is deleted", "DELETE", "/devices/00AABB-Compare-CODINGS"),
)
"""After it has been switched off; the last remove what was left."""
