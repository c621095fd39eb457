"""
The RPC methods of a CPE: one function each, and the table of them (TR-069 Annex A).

A function takes the CPE, the request and the time; it returns the response or raises FaultError.
What can fail is checked before anything is changed.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from caretaker.cwmp import messages as m
from caretaker.cwmp.envelope import CWMP_1_0, CWMP_1_1
from caretaker.cwmp.faults import FaultCode
from caretaker.data_model.overlay import MAX_OWN_TEXT
from caretaker.data_model.overlay_records import Attributes
from caretaker.data_model.parameter import Parameter, check_value
from caretaker.data_model.types import cleaned
from caretaker.device import diagnostics, inform, notifications, scheduled_informs
from caretaker.device import events as ev
from caretaker.device.base import CPEBase
from caretaker.device.rpc import deployment_units
from caretaker.device.rpc.arguments import check_key
from caretaker.device.rpc.budget import (
    MAX_ACCESS_LIST,
    check_after_session,
    check_named,
    check_values,
    named_parameters,
)
from caretaker.device.rpc.transfers import TRANSFER_METHODS
from caretaker.errors import FaultError
from caretaker.plain_numbers import is_digits

_ACCESS = re.compile(r"Subscriber|X_\S{1,62}")
"""The entries of an AccessList (CWMP schemas); they are kept as given, and have no effect."""


def has_method(cpe: CPEBase, kind: type[m.Request]) -> bool:
    """Whether the CPE has a method: it is in the table, and in the CPE's version of CWMP."""
    minor = _MINORS.get(cpe.profile.namespace, _LATEST)
    return kind in METHODS and SINCE.get(kind, 0) <= minor


def _get_rpc_methods(cpe: CPEBase, _: m.GetRPCMethods, __: float) -> m.Response:
    return m.GetRPCMethodsResponse(
        tuple(kind.__name__ for kind in METHODS if has_method(cpe, kind))
    )


def _get_parameter_values(cpe: CPEBase, request: m.GetParameterValues, now: float) -> m.Response:
    """All of them or fault 9005 (A.3.2.2)."""
    read, names = cpe.read, request.parameter_names
    values = [read(path, now) for path in named_parameters(cpe, names)]
    if len(names) > 1:  # a single one names nothing twice
        check_values(cpe, values)
    return m.GetParameterValuesResponse(tuple(values))


def _get_parameter_names(cpe: CPEBase, request: m.GetParameterNames, _: float) -> m.Response:
    """
    One level or all below a partial path, or one parameter (A.3.2.3).

    The empty path stands above the root object.
    """
    model, overlay, path = cpe.model, cpe.overlay, request.parameter_path.strip()
    if path and not path.endswith("."):
        if model.parameter(path, overlay) is None:
            raise FaultError(FaultCode.INVALID_PARAMETER_NAME)
        if request.next_level:
            raise FaultError(FaultCode.INVALID_ARGUMENTS, "NextLevel of a parameter")
        names: list[str] = [path]
    elif request.next_level:
        children = model.children_of(path, overlay)
        if children is None:
            raise FaultError(FaultCode.INVALID_PARAMETER_NAME)
        names = list(children)
    else:
        names = [path] if path else []
        names.extend(model.walk(path, overlay))
    return m.GetParameterNamesResponse(tuple([model.info(name, overlay) for name in names]))


def _set_parameter_values(cpe: CPEBase, request: m.SetParameterValues, now: float) -> m.Response:
    """All parameters or none; a fault lists what is wrong with each of them (A.3.2.1)."""
    check_key(request.parameter_key)
    names = [struct.name for struct in request.parameter_list]
    check_named(cpe, len(names))
    if len(set(names)) < len(names):
        raise FaultError(FaultCode.INVALID_ARGUMENTS, "A parameter is named twice")
    faults = [fault for struct in request.parameter_list if (fault := _refusal(cpe, struct))]
    if faults:
        return m.Fault.of(FaultCode.INVALID_ARGUMENTS, "", *faults)
    values = [(name, _cleaned(cpe, name, value)) for name, value, _ in request.parameter_list]
    _check_own_text(cpe, values)
    if cpe.set_values([*values, _parameter_key(cpe, request.parameter_key)], now):
        _move_after_session(cpe, request)
    notifications.acknowledge_set(cpe, names, now)
    diagnostics.after_set(cpe, names, now)
    return m.SetParameterValuesResponse(0)


def _move_after_session(cpe: CPEBase, request: m.SetParameterValues) -> None:
    """Go to another ACS after the session; once, however often the URL is set."""
    if not any(isinstance(planned, m.SetParameterValues) for planned in cpe.after_session):
        cpe.do_after_session(request)


def _check_own_text(cpe: CPEBase, values: list[tuple[str, str]]) -> None:
    """Refuse values that would make a CPE remember more than it may."""
    own = cpe.overlay.values if cpe.overlay is not None else {}
    replaced = sum([len(own.get(name, "")) for name, _ in values])
    text = sum(map(len, own.values())) - replaced + sum([len(value) for _, value in values])
    if text > MAX_OWN_TEXT:
        raise FaultError(FaultCode.RESOURCES_EXCEEDED, "Too long values")


def _refusal(cpe: CPEBase, struct: m.ParameterValueStruct) -> m.SetParameterValuesFault | None:
    parameter = cpe.parameter(struct.name)
    code: FaultCode | None
    if parameter is None:
        code = FaultCode.INVALID_PARAMETER_NAME
    elif not parameter.writable or _was_written(cpe, parameter, struct):
        code = FaultCode.NON_WRITABLE_PARAMETER
    else:
        code = (
            check_value(parameter, struct.value, struct.type)
            or _check_range(cpe, struct)
            or diagnostics.refusal(struct.name, struct.value)
        )
        if code is None and inform.is_refused(cpe, struct.name, struct.value):
            code = FaultCode.INVALID_PARAMETER_VALUE
    if code is None:
        return None
    fault = m.Fault.of(code)
    return m.SetParameterValuesFault(struct.name, fault.fault_code, fault.fault_string)


def _was_written(cpe: CPEBase, parameter: Parameter, struct: m.ParameterValueStruct) -> bool:
    """Whether a parameter that is written once has another value already (TR-106 3.4)."""
    if parameter.limits is None or not parameter.limits.write_once or cpe.overlay is None:
        return False
    own = cpe.overlay.values.get(struct.name)
    return own is not None and own != cleaned(struct.value, parameter.type)


_RANGES = {
    "ManagementServer.PeriodicInformInterval": (1, 2**32 - 1),
    "ManagementServer.CWMPRetryMinimumWaitInterval": (1, 65_535),
    "ManagementServer.CWMPRetryIntervalMultiplier": (1_000, 65_535),
    "ManagementServer.HeartbeatPolicy.ReportingInterval": (20, 2**32 - 1),
}
"""The ranges of these parameters (data models); with 0 a device would inform without a pause."""


def _check_range(cpe: CPEBase, struct: m.ParameterValueStruct) -> FaultCode | None:
    least, most = _RANGES.get(struct.name[len(cpe.model.root) :], (None, None))
    if least is None or most is None:
        return None
    text = struct.value.strip()
    fits = is_digits(text) and least <= int(text) <= most
    return None if fits else FaultCode.INVALID_PARAMETER_VALUE


def _cleaned(cpe: CPEBase, path: str, value: str) -> str:
    parameter = cpe.parameter(path)
    assert parameter is not None
    return cleaned(value, parameter.type)


def _parameter_key(cpe: CPEBase, key: str) -> tuple[str, str]:
    return cpe.profile.management_paths["ParameterKey"], key


def _get_parameter_attributes(
    cpe: CPEBase, request: m.GetParameterAttributes, _: float
) -> m.Response:  # fmt: skip
    """The notification and access list of all named parameters (A.3.2.5)."""
    return m.GetParameterAttributesResponse(
        tuple(
            m.ParameterAttributeStruct(
                path, notifications.attribute(cpe, path), _access_list(cpe, path)
            )
            for path in named_parameters(cpe, request.parameter_names)
        )
    )


def _access_list(cpe: CPEBase, path: str) -> tuple[str, ...]:
    attributes = cpe.overlay.attribute(path) if cpe.overlay is not None else None
    return ("Subscriber",) if attributes is None else attributes.access_list


def _set_parameter_attributes(
    cpe: CPEBase, request: m.SetParameterAttributes, now: float
) -> m.Response:  # fmt: skip
    """All or nothing; a partial path means all parameters below (A.3.2.4)."""
    targets: list[tuple[str, m.SetParameterAttributesStruct]] = []
    for struct in request.parameter_list:
        targets += [(path, struct) for path in named_parameters(cpe, (struct.name,))]
        check_named(cpe, len(targets))
    if any(s.notification_change and not 0 <= s.notification <= 6 for _, s in targets):
        raise FaultError(FaultCode.INVALID_ARGUMENTS, "Notification is 0 to 6")
    lists = [struct.access_list for _, struct in targets if struct.access_list_change]
    if max(map(len, lists), default=0) > MAX_ACCESS_LIST:
        raise FaultError(FaultCode.RESOURCES_EXCEEDED, "Too many entries in an AccessList")
    if not all(_ACCESS.fullmatch(name) for names in lists for name in names):
        raise FaultError(FaultCode.INVALID_ARGUMENTS, "AccessList is Subscriber or X_...")
    if any(s.notification_change and _denied(cpe, path, s.notification) for path, s in targets):
        raise FaultError(FaultCode.NOTIFICATION_REQUEST_REJECTED)
    overlay = cpe.ensure_overlay()
    attributes = overlay.attributes = overlay.attributes or {}
    for path, struct in targets:
        change, listing = struct.notification_change, struct.access_list_change
        attributes[path] = Attributes(
            struct.notification if change else notifications.attribute(cpe, path),
            struct.access_list if listing else _access_list(cpe, path),
        )
    notifications.observe(cpe, now)
    return m.SetParameterAttributesResponse()


def _denied(cpe: CPEBase, path: str, notification: int) -> bool:
    """Whether the profile lets this parameter refuse this attribute; passive is never refused."""
    parameter = cpe.parameter(path)
    limits = parameter.limits if parameter is not None else None
    return limits is not None and limits.deny_active and notification in notifications.ANY_ACTIVE


def _add_object(cpe: CPEBase, request: m.AddObject, now: float) -> m.Response:
    """A new row with default values (A.3.2.6)."""
    check_key(request.parameter_key)
    number = cpe.model.add_row(request.object_name.strip(), cpe.ensure_overlay())
    cpe.set_values([_parameter_key(cpe, request.parameter_key)], now)
    return m.AddObjectResponse(number, 0)


def _delete_object(cpe: CPEBase, request: m.DeleteObject, now: float) -> m.Response:
    """A row with all below it (A.3.2.7)."""
    check_key(request.parameter_key)
    cpe.model.delete_row(request.object_name.strip(), cpe.ensure_overlay())
    cpe.set_values([_parameter_key(cpe, request.parameter_key)], now)
    return m.DeleteObjectResponse(0)


def _reboot(cpe: CPEBase, request: m.Reboot, _: float) -> m.Response:
    """Answer now, reboot when the session is over."""
    check_key(request.command_key)
    check_after_session(cpe)
    cpe.do_after_session(request)
    return m.RebootResponse()


def _factory_reset(cpe: CPEBase, request: m.FactoryReset, _: float) -> m.Response:
    """Answer now, reset when the session is over (A.4.1.6)."""
    check_after_session(cpe)
    cpe.do_after_session(request)
    return m.FactoryResetResponse()


def _schedule_inform(cpe: CPEBase, request: m.ScheduleInform, now: float) -> m.Response:
    """A session of its own in so many seconds; several can be pending (A.4.1.2)."""
    check_key(request.command_key)
    if request.delay_seconds <= 0:
        raise FaultError(FaultCode.INVALID_ARGUMENTS, "DelaySeconds must be above 0")
    if len(scheduled_informs.pending(cpe)) >= ev.MAX_EVENTS:
        raise FaultError(FaultCode.RESOURCES_EXCEEDED)
    scheduled_informs.schedule(cpe, now + request.delay_seconds, request.command_key)
    return m.ScheduleInformResponse()


METHODS: dict[type[m.Request], Callable[[CPEBase, Any, float], m.Response]] = {
    m.GetRPCMethods: _get_rpc_methods,
    m.SetParameterValues: _set_parameter_values,
    m.GetParameterValues: _get_parameter_values,
    m.GetParameterNames: _get_parameter_names,
    m.SetParameterAttributes: _set_parameter_attributes,
    m.GetParameterAttributes: _get_parameter_attributes,
    m.AddObject: _add_object,
    m.DeleteObject: _delete_object,
    m.Reboot: _reboot,
    m.FactoryReset: _factory_reset,
    m.ScheduleInform: _schedule_inform,
    m.SetVouchers: deployment_units.set_vouchers,
    m.GetOptions: deployment_units.get_options,
    m.ChangeDUState: deployment_units.change_du_state,
    **TRANSFER_METHODS,
}
"""The methods of CPEs; any other method is answered with fault 9000."""

SINCE: dict[type[m.Request], int] = {
    m.GetAllQueuedTransfers: 1,
    m.ScheduleDownload: 2,
    m.CancelTransfer: 2,
    m.ChangeDUState: 2,
}
"""The version of CWMP, 1.x, that a method came with; the others were there from the first."""
_LATEST = 4
_MINORS = {CWMP_1_0: 0, CWMP_1_1: 1}
"""The version that a namespace stands for; other namespaces have every method."""
