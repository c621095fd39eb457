"""
What can be asked of a device: tasks by name, each a row of RPCs (GenieACS's names and arguments).

A task is a generator that yields requests and is sent the responses; so one that needs several
RPCs reads as a few straight lines. A Fault ends it.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

import gevent.event

from caretaker.acs.devices import KnownDevice
from caretaker.cwmp import messages as m
from caretaker.cwmp.faults import FaultCode
from caretaker.errors import FaultError, InputError
from caretaker.http.credentials import Credentials

BATCH = 256
"""Names asked for in one GetParameterValues of refreshObject."""

Steps = Generator[m.Request, m.Response, None]


@dataclass(eq=False)
class Task:
    """
    One thing to do with a device.

    Args:
        name: one of ``TASKS``.
        arguments: as posted.
    """

    name: str
    arguments: dict[str, Any]
    task_id: str = field(default_factory=lambda: secrets.token_hex(12))
    posted: float = field(default_factory=time.time)
    fault: FaultError | None = None
    ended: gevent.event.Event = field(default_factory=gevent.event.Event)

    @classmethod
    def of(cls, posted: Any) -> Task:
        """
        The task of a posted JSON object.

        Raises:
            InputError: no such task, or an argument is missing or of the wrong kind.
        """
        if not isinstance(posted, dict) or posted.get("name") not in TASKS:
            raise InputError(f"task: 'name' must be one of {', '.join(TASKS)}")
        name = posted["name"]
        for argument, check in TASKS[name].arguments.items():
            if not check(posted.get(argument)):
                raise InputError(f"task {name}: {argument!r} is missing or malformed")
        return cls(name, {key: value for key, value in posted.items() if key != "name"})

    def steps(self, device: KnownDevice) -> Steps:
        """The requests that do it."""
        return TASKS[self.name].run(device, self.arguments)

    def end(self, fault: FaultError | None = None) -> None:
        """It is done, or has failed with a fault."""
        self.fault = fault
        self.ended.set()

    def document(self, device_id: str) -> dict[str, Any]:
        """The task as the north-bound API shows it."""
        return {"_id": self.task_id, "name": self.name, "device": device_id, **self.arguments}


def good(response: m.Response) -> m.Response:
    """The response, if it is no Fault; FaultError if it is."""
    if isinstance(response, m.Fault):
        raise FaultError(response.fault_code, response.fault_string)
    return response


# -- the tasks ------------------------------------------------------------------------------------


def _get_parameter_values(device: KnownDevice, arguments: dict[str, Any]) -> Steps:
    names = tuple(arguments["parameterNames"])
    response = yield m.GetParameterValues(names)
    if not _is_unknown_name(response):
        _learn(device, good(response))
        return
    for name in names:  # GenieACS's users name objects without the dot at the end
        response = yield m.GetParameterValues((name,))
        if _is_unknown_name(response):
            response = yield m.GetParameterValues((f"{name.rstrip('.')}.",))
        _learn(device, good(response))


def _is_unknown_name(response: m.Response) -> bool:
    unknown = FaultCode.INVALID_PARAMETER_NAME
    return isinstance(response, m.Fault) and response.fault_code == unknown


def _learn(device: KnownDevice, response: m.Response) -> None:
    assert isinstance(response, m.GetParameterValuesResponse)
    device.known.learn_values(response.parameter_list, time.time())


def _set_parameter_values(device: KnownDevice, arguments: dict[str, Any]) -> Steps:
    triples = arguments["parameterValues"]
    untold = tuple(triple[0] for triple in triples if _needs_type(device, *triple))
    if untold:  # which type it takes, the device tells
        _learn(device, good((yield m.GetParameterValues(untold))))
    values = tuple(_typed(device, *triple) for triple in triples)
    good((yield m.SetParameterValues(values, "")))
    device.known.learn_values(values, time.time())


def _needs_type(device: KnownDevice, name: str, _: Any, kind: str = "") -> bool:
    known = device.known.get(name)
    return not kind and (known is None or not known.type)


def _typed(device: KnownDevice, name: str, value: Any, kind: str = "") -> m.ParameterValueStruct:
    """A value of JSON as text, of the type given, known, or evident."""
    known = device.known.get(name)
    kind = kind or (known.type if known else "") or _KINDS.get(type(value), "xsd:string")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return m.ParameterValueStruct(name, text, kind)


_KINDS: dict[type, str] = {bool: "xsd:boolean", int: "xsd:int"}


def _refresh_object(device: KnownDevice, arguments: dict[str, Any]) -> Steps:
    path = _object_path(arguments["objectName"])
    response = good((yield m.GetParameterNames(path, False)))
    assert isinstance(response, m.GetParameterNamesResponse)
    device.known.forget(path)
    device.known.learn_names(response.parameter_list, time.time())
    names = [info.name for info in response.parameter_list if not info.name.endswith(".")]
    values: list[m.ParameterValueStruct] = []
    try:
        for start in range(0, len(names), BATCH):
            batch = tuple(names[start : start + BATCH])
            response = good((yield m.GetParameterValues(batch)))
            assert isinstance(response, m.GetParameterValuesResponse)
            values += response.parameter_list
    finally:  # at once, which is cheaper; of a device that has left half-way what it has told
        device.known.learn_values(values, time.time())


def _object_path(name: str) -> str:
    return f"{name.rstrip('.')}." if name else ""


def _add_object(device: KnownDevice, arguments: dict[str, Any]) -> Steps:
    table = _object_path(arguments["objectName"])
    response = good((yield m.AddObject(table, "")))
    assert isinstance(response, m.AddObjectResponse)
    row = f"{table}{response.instance_number}."
    names = good((yield m.GetParameterNames(row, False)))
    assert isinstance(names, m.GetParameterNamesResponse)
    device.known.learn_names(names.parameter_list, time.time())


def _delete_object(device: KnownDevice, arguments: dict[str, Any]) -> Steps:
    row = _object_path(arguments["objectName"])
    good((yield m.DeleteObject(row, "")))
    device.known.forget(row)


def _reboot(_: KnownDevice, __: dict[str, Any]) -> Steps:
    good((yield m.Reboot("")))


def _factory_reset(_: KnownDevice, __: dict[str, Any]) -> Steps:
    good((yield m.FactoryReset()))


def _download(_: KnownDevice, arguments: dict[str, Any]) -> Steps:
    """Done when the device has agreed to it; its TransferComplete comes in a later session."""
    good(
        (
            yield m.Download(
                secrets.token_hex(8),
                arguments["fileType"],
                arguments["url"],
                target_file_name=str(arguments.get("targetFileName", "")),
            )
        )
    )


def provision(device: KnownDevice, credentials: Credentials) -> Steps:
    """
    Set what Connection Requests to this device will show, as GenieACS's default preset does.

    Until the device has taken them, none can be sent.
    """
    prefix = f"{device.root}ManagementServer.ConnectionRequest"
    values = (
        m.ParameterValueStruct(f"{prefix}Username", credentials.username),
        m.ParameterValueStruct(f"{prefix}Password", credentials.password),
    )
    response = yield m.SetParameterValues(values, "")
    if not isinstance(response, m.Fault):
        device.credentials = credentials


def _is_names(value: Any) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(v, str) for v in value)


_TYPE = re.compile(r"[A-Za-z]+:[A-Za-z0-9]+")


def _is_values(value: Any) -> bool:
    return (
        isinstance(value, list)
        and bool(value)
        and all(
            isinstance(each, list)
            and len(each) in (2, 3)
            and isinstance(each[0], str)
            and not isinstance(each[1], list | dict)
            and (len(each) == 2 or bool(_TYPE.fullmatch(str(each[2]))))
            for each in value
        )
    )


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


@dataclass(frozen=True)
class _Kind:
    run: Callable[[KnownDevice, dict[str, Any]], Steps]
    arguments: dict[str, Callable[[Any], bool]] = field(default_factory=dict)


TASKS: dict[str, _Kind] = {
    "getParameterValues": _Kind(_get_parameter_values, {"parameterNames": _is_names}),
    "setParameterValues": _Kind(_set_parameter_values, {"parameterValues": _is_values}),
    "refreshObject": _Kind(_refresh_object, {"objectName": _is_text}),
    "addObject": _Kind(_add_object, {"objectName": _is_text}),
    "deleteObject": _Kind(_delete_object, {"objectName": _is_text}),
    "reboot": _Kind(_reboot),
    "factoryReset": _Kind(_factory_reset),
    "download": _Kind(_download, {"fileType": _is_text, "url": _is_text}),
}
"""Every task with the arguments it needs."""
