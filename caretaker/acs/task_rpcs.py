"""
The RPCs that do each task, and the table of all tasks, with GenieACS's names and arguments.

A task is done by a generator that yields requests and is sent the responses, so a task of several
RPCs reads as a few straight lines. A Fault ends it.
"""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable, Generator
from dataclasses import dataclass, field
from typing import Any

from caretaker.acs.devices import KnownDevice
from caretaker.acs.files import file_url
from caretaker.acs.task import Task
from caretaker.connection_request.reported_ways import PARAMETERS as WAYS
from caretaker.cwmp import messages as m
from caretaker.cwmp.faults import FaultCode
from caretaker.errors import FaultError, InputError
from caretaker.http.credentials import Credentials

BATCH = 256
"""Names asked for in one GetParameterValues of refreshObject."""

MAX_NAMES = 10_000
"""Parameters of one task; they go to the device in one RPC."""

RPCs = Generator[m.Request, m.Response, None]


def _checked(response: m.Response) -> m.Response:
    """The response; FaultError if it is a Fault."""
    if isinstance(response, m.Fault):
        raise FaultError(response.fault_code, response.fault_string)
    return response


# -- the RPCs of each task ------------------------------------------------------------------------


def _get_parameter_values(device: KnownDevice, arguments: dict[str, Any]) -> RPCs:
    """A name that the device does not have is no fault; one with a dot at the end is one."""
    names = tuple(arguments["parameterNames"])
    if any(name.endswith(".") for name in names):
        raise FaultError(FaultCode.INVALID_PARAMETER_NAME, "a path has no dot at its end")
    response = yield m.GetParameterValues(names)
    if not _is_unknown_name(response):
        shown = _values(response)
        missing = _missing(names, shown)
        device.parameters.learn_values((*shown, *missing), time.time())
        return
    values: list[m.ParameterValueStruct] = []
    try:
        for name in names:  # GenieACS's users name objects without the dot at the end
            response = yield m.GetParameterValues((name,))
            if _is_unknown_name(response):
                response = yield m.GetParameterValues((f"{name}.",))
            if not _is_unknown_name(response):
                values += _values(response)
    finally:  # as in ``_refresh_object``
        device.parameters.learn_values(values, time.time())


def _missing(
    names: tuple[str, ...], shown: tuple[m.ParameterValueStruct, ...]
) -> list[m.ParameterValueStruct]:
    """Empty values of the parameters that were asked for and not shown, as GenieACS keeps them."""
    missing = set(names) - {value.name for value in shown}
    return [m.ParameterValueStruct(name, "") for name in sorted(missing)]


def _is_unknown_name(response: m.Response) -> bool:
    unknown = FaultCode.INVALID_PARAMETER_NAME
    return isinstance(response, m.Fault) and response.fault_code == unknown


def _values(response: m.Response) -> tuple[m.ParameterValueStruct, ...]:
    """The values of a response to GetParameterValues; FaultError if it is a Fault."""
    checked = _checked(response)
    assert isinstance(checked, m.GetParameterValuesResponse)
    return checked.parameter_list


def _set_parameter_values(device: KnownDevice, arguments: dict[str, Any]) -> RPCs:
    triples = [each for each in arguments["parameterValues"] if not _is_set(device, *each)]
    untyped = tuple(triple[0] for triple in triples if _needs_type(device, *triple))
    if untyped:  # a value is sent with the type that the device has shown for its parameter
        shown = _values((yield m.GetParameterValues(untyped)))
        device.parameters.learn_values(shown, time.time())
    values = tuple(_typed(device, *triple) for triple in triples if not _is_set(device, *triple))
    if values:
        _checked((yield m.SetParameterValues(values, "")))
        device.parameters.learn_values(values, time.time())


def _is_set(device: KnownDevice, name: str, value: Any, type_: str = "") -> bool:
    """Whether the parameter is known to have this value: nothing is sent then, as by GenieACS."""
    known = device.parameters.get(name)
    if known is None or known.value is None:
        return False
    return _typed(device, name, value, type_)[1:] == (known.value, known.type)


def _needs_type(device: KnownDevice, name: str, _: Any, type_: str = "") -> bool:
    known = device.parameters.get(name)
    return not type_ and (known is None or not known.type)


def _typed(device: KnownDevice, name: str, value: Any, type_: str = "") -> m.ParameterValueStruct:
    """A JSON value as text, of the type that was posted, is known, or follows from the value."""
    known = device.parameters.get(name)
    type_ = type_ or (known.type if known else "") or _XSD_TYPES.get(type(value), "xsd:string")
    text = str(value).lower() if isinstance(value, bool) else str(value)
    return m.ParameterValueStruct(name, text, type_)


_XSD_TYPES: dict[type, str] = {bool: "xsd:boolean", int: "xsd:int"}


def _refresh_object(device: KnownDevice, arguments: dict[str, Any]) -> RPCs:
    path = _object_path(arguments["objectName"])
    response = yield m.GetParameterNames(path, False)
    if _is_unknown_name(response):  # there is no such object, or it is a parameter
        return
    response = _checked(response)
    assert isinstance(response, m.GetParameterNamesResponse)
    device.parameters.forget(path)
    device.parameters.learn_names(response.parameter_list, time.time())
    names = [info.name for info in response.parameter_list if not info.name.endswith(".")]
    values: list[m.ParameterValueStruct] = []
    try:
        for start in range(0, len(names), BATCH):
            batch = tuple(names[start : start + BATCH])
            values += _values((yield m.GetParameterValues(batch)))
    finally:  # all at once, which is quicker; also the part of a session that was cut off
        device.parameters.learn_values(values, time.time())


def _object_path(name: str) -> str:
    return f"{name.rstrip('.')}." if name else ""


def _add_object(device: KnownDevice, arguments: dict[str, Any]) -> RPCs:
    """Nothing is done where no row can be added, as by GenieACS."""
    table = _object_path(arguments["objectName"])
    known = device.parameters.get(table)
    if known is not None and known.writable is False:
        return
    response = yield m.AddObject(table, "")
    if _is_unknown_name(response):
        return
    response = _checked(response)
    assert isinstance(response, m.AddObjectResponse)
    row = f"{table}{response.instance_number}."
    names = _checked((yield m.GetParameterNames(row, False)))
    assert isinstance(names, m.GetParameterNamesResponse)
    device.parameters.learn_names(names.parameter_list, time.time())
    values = [[f"{row}{name}", *rest] for name, *rest in arguments.get("parameterValues") or ()]
    if values:
        yield from _set_parameter_values(device, {"parameterValues": values})


def _delete_object(device: KnownDevice, arguments: dict[str, Any]) -> RPCs:
    """Nothing is done where there is no such row, as by GenieACS."""
    row = _object_path(arguments["objectName"])
    response = yield m.DeleteObject(row, "")
    if not _is_unknown_name(response):
        _checked(response)
    device.parameters.forget(row)


def _reboot(_: KnownDevice, __: dict[str, Any]) -> RPCs:
    _checked((yield m.Reboot("")))


def _factory_reset(_: KnownDevice, __: dict[str, Any]) -> RPCs:
    _checked((yield m.FactoryReset()))


def _download(device: KnownDevice, arguments: dict[str, Any]) -> RPCs:
    """Done with the DownloadResponse; the TransferComplete comes in a later session."""
    target, name = str(arguments.get("targetFileName") or ""), arguments.get("fileName")
    url = arguments["url"] if name is None else file_url(device.file_host, name)
    request = m.Download(secrets.token_hex(8), arguments["fileType"], url, target_file_name=target)
    _checked((yield request))


def provision(
    device: KnownDevice, credentials: Credentials, *, watches_ways: bool = False
) -> RPCs:  # fmt: skip
    """
    Set the credentials of Connection Requests to this device, as GenieACS's default preset does.

    None can be sent before the device has accepted the credentials.
    """
    prefix = f"{device.root}ManagementServer.ConnectionRequest"
    values = (
        m.ParameterValueStruct(f"{prefix}Username", credentials.username),
        m.ParameterValueStruct(f"{prefix}Password", credentials.password),
    )
    response = yield m.SetParameterValues(values, "")
    if not isinstance(response, m.Fault):
        device.credentials = credentials
    if watches_ways:
        yield from _watch_ways(device)


def _watch_ways(device: KnownDevice) -> RPCs:
    """Read by which ways the device can be reached, and have it report when these change."""
    server = f"{device.root}ManagementServer."
    response = yield m.GetParameterValues(tuple(f"{server}{last}" for last in WAYS))
    if _is_unknown_name(response):  # the device lacks some of them
        response = yield m.GetParameterValues((server,))
    if isinstance(response, m.Fault):
        return
    there = [value for value in _values(response) if value.name.rpartition(".")[2] in WAYS]
    device.parameters.learn_values(there, time.time())
    if there:
        yield m.SetParameterAttributes(
            tuple(m.SetParameterAttributesStruct(value.name, True, 2, False) for value in there)
        )


# -- the table ------------------------------------------------------------------------------------


def _is_names(value: Any) -> bool:
    return _is_list(value) and all(isinstance(v, str) for v in value)


def _is_list(value: Any) -> bool:
    return isinstance(value, list) and 0 < len(value) <= MAX_NAMES


_TYPE = re.compile(r"[A-Za-z]+:[A-Za-z0-9]+")


def _is_values(value: Any) -> bool:
    return _is_list(value) and all(_is_triple(item) for item in value)


def _is_triple(item: Any) -> bool:
    """Whether this is ``[name, value]`` or ``[name, value, type]``."""
    return (
        isinstance(item, list)
        and len(item) in (2, 3)
        and isinstance(item[0], str)
        and not isinstance(item[1], list | dict)
        and (len(item) == 2 or bool(_TYPE.fullmatch(str(item[2]))))
    )


def _is_values_or_none(value: Any) -> bool:
    return value is None or value == [] or _is_values(value)


def _is_text(value: Any) -> bool:
    return isinstance(value, str)


Check = Callable[[Any], bool]


@dataclass(frozen=True)
class TaskType:
    """
    One row of ``TASK_TYPES``.

    Args:
        rpcs: the RPCs that do such a task, of a device and the task's arguments.
        arguments: a check for each argument that the task needs.
        one_of: a check for each of some arguments; the first that is there counts.
    """

    rpcs: Callable[[KnownDevice, dict[str, Any]], RPCs]
    arguments: dict[str, Check] = field(default_factory=dict)
    one_of: dict[str, Check] = field(default_factory=dict)

    def checks(self, posted: dict[str, Any]) -> dict[str, Check]:
        """The checks for a posted task."""
        given = [name for name in self.one_of if posted.get(name) is not None]
        chosen = (given or list(self.one_of))[:1]
        return {**self.arguments, **{name: self.one_of[name] for name in chosen}}


TASK_TYPES: dict[str, TaskType] = {
    "getParameterValues": TaskType(_get_parameter_values, {"parameterNames": _is_names}),
    "setParameterValues": TaskType(_set_parameter_values, {"parameterValues": _is_values}),
    "refreshObject": TaskType(_refresh_object, {"objectName": _is_text}),
    "addObject": TaskType(
        _add_object, {"objectName": _is_text, "parameterValues": _is_values_or_none}
    ),
    "deleteObject": TaskType(_delete_object, {"objectName": _is_text}),
    "reboot": TaskType(_reboot),
    "factoryReset": TaskType(_factory_reset),
    "download": TaskType(
        _download, {"fileType": _is_text}, one_of={"fileName": _is_text, "url": _is_text}
    ),
}
"""Every type of task by GenieACS's name."""


def parse_task(posted: Any) -> Task:
    """
    The task of a posted JSON object.

    Raises:
        InputError: no such task, or an argument is missing or of the wrong kind.
    """
    if not isinstance(posted, dict) or posted.get("name") not in list(TASK_TYPES):
        raise InputError(f"task: 'name' must be one of {', '.join(TASK_TYPES)}")
    name = posted["name"]
    for argument, check in TASK_TYPES[name].checks(posted).items():
        if not check(posted.get(argument)):
            raise InputError(
                f"task {name}: {argument!r} is missing or malformed; a list has 1 to {MAX_NAMES} "
                "entries"
            )
    return Task(name, {key: value for key, value in posted.items() if key != "name"})


def rpcs_of(task: Task, device: KnownDevice) -> RPCs:
    """The RPCs that do a task with a device."""
    return TASK_TYPES[task.name].rpcs(device, task.arguments)
