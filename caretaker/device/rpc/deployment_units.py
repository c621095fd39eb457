"""
Deployment units of a CPE: ChangeDUState and what tells its end (TR-069 A.4.1, A.4.2; TR-157).

Nothing is fetched: a unit's version and name are read from its URL, and an operation takes a
simulated time. All operations of a ChangeDUState end in one DUStateChangeComplete, with the
results in the order of the operations. What has been installed is in ``Overlay.units``: it
survives a reboot and not a factory reset. Where the device has tables for it, rows follow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import TYPE_CHECKING, Any
from uuid import UUID

from caretaker.cwmp import messages as m
from caretaker.cwmp.faults import FaultCode
from caretaker.cwmp.messages import EventStruct, FaultStruct, OpResultStruct
from caretaker.data_model.dates import utc
from caretaker.data_model.overlay import DeploymentUnit
from caretaker.device import deployment_units as du
from caretaker.device.jobs import Job, check_key
from caretaker.errors import FaultError

if TYPE_CHECKING:
    from caretaker.device.cpe import CPE

MAX_OPERATIONS = 16
"""Operations of one ChangeDUState, more are refused with 9004; a bound, not a rule of TR-069."""
MAX_CHANGES = 5
"""ChangeDUStates that run or wait to be told, more are refused with 9004; a bound of ours too."""
MAX_UNITS = 32
"""Deployment units that a CPE holds; one more fails with 9027."""
SECONDS = (2.0, 20.0)
"""The shortest and longest time that an operation takes."""
_KIND = "du"
_SCHEMES = ("http", "https")
_LENGTHS = {"url": 1024, "username": 256, "password": 256, "execution_env_ref": 256, "version": 32}
"""The most characters of an operation's arguments (CWMP schemas)."""
_UUID = re.compile("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_NO_UUID = str(UUID(int=0))
"""Stands in the result of an operation that named no unit; one must be there (schemas)."""


# -- the RPCs -------------------------------------------------------------------------------------


def change_du_state(cpe: CPE, request: m.ChangeDUState, now: float) -> m.Response:
    """Answer now, perform the operations one after the other, and tell when all have ended."""
    _check(cpe, request)
    chance = cpe.context.identities.random(cpe.index, f"deployment units {request.command_key}")
    lengths = [chance.uniform(*SECONDS) for _ in request.operations]
    run = _StateChange(request, tuple(accumulate(lengths, initial=now)))
    cpe.plan(Job(run.times[-1], _KIND, request.command_key, run))
    return m.ChangeDUStateResponse()


def _check(cpe: CPE, request: m.ChangeDUState) -> None:
    check_key(request.command_key)
    if not request.operations:
        raise FaultError(FaultCode.INVALID_ARGUMENTS, "There are no operations")
    if any(map(_too_long, request.operations)):
        raise FaultError(FaultCode.INVALID_ARGUMENTS, "An argument of an operation is too long")
    untold = sum(
        isinstance(each, m.DUStateChangeComplete) for each in (*cpe.requests, *cpe.session_requests)
    )
    if len(request.operations) > MAX_OPERATIONS or len(_state_changes(cpe)) + untold >= MAX_CHANGES:
        raise FaultError(FaultCode.RESOURCES_EXCEEDED)


def _too_long(operation: m.OperationStruct) -> bool:
    return any(
        len(getattr(operation, name, None) or "") > most for name, most in _LENGTHS.items()
    )  # fmt: skip


def set_vouchers(_: CPE, request: m.SetVouchers, __: float) -> m.Response:
    """Accept option vouchers and keep nothing of them: no option comes from one (deprecated)."""
    if not request.voucher_list:
        raise FaultError(FaultCode.INVALID_ARGUMENTS, "There are no vouchers")
    return m.SetVouchersResponse()


def get_options(_: CPE, __: m.GetOptions, ___: float) -> m.Response:
    """No option is set (deprecated)."""
    return m.GetOptionsResponse(())


# -- running them ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _StateChange:
    """A ChangeDUState that runs, with when its operations begin and the last one ends."""

    request: m.ChangeDUState
    times: tuple[float, ...]

    def __call__(self, cpe: CPE, now: float) -> None:
        """Perform all and tell the ACS."""
        results = [
            result._replace(
                start_time=utc(start + cpe.context.wall_offset),
                complete_time=utc(end + cpe.context.wall_offset),
            )
            for operation, (start, end) in zip(
                self.request.operations, pairwise(self.times), strict=True
            )
            for result in _perform(cpe, operation, now, self.times[0])
        ]
        key = self.request.command_key
        told = m.DUStateChangeComplete(tuple(results), key)
        cpe.ask(told, now, EventStruct("M ChangeDUState", key))


def _state_changes(cpe: CPE) -> list[_StateChange]:
    return [job.act for job in cpe.jobs if isinstance(job.act, _StateChange)]


def change_by_itself(cpe: CPE, operations: Iterable[m.OperationStruct], now: float) -> float:
    """
    Change deployment units without the ACS, as a user of the device would; returns when due.

    An AutonomousDUStateChangeComplete tells the ACS, where the device's
    ``ManagementServer.DUStateChangeComplPolicy.`` wants it; always where it has none.
    """
    at = utc(now + cpe.context.wall_offset)
    results = [
        m.AutonOpResultStruct(*result._replace(start_time=at, complete_time=at), _name(operation))
        for operation in operations
        for result in _perform(cpe, operation, now, now)
    ]
    told = tuple(result for result in results if _is_wanted(cpe, result, now))
    if told:
        cpe.ask(m.AutonomousDUStateChangeComplete(told), now)
    return cpe.reschedule(now)


def _name(operation: m.OperationStruct) -> str:
    return type(operation).__name__.removesuffix("OpStruct")


def _is_wanted(cpe: CPE, result: m.AutonOpResultStruct, now: float) -> bool:
    policy = f"{cpe.profile.management_server}DUStateChangeComplPolicy."
    if cpe.parameter(f"{policy}Enable") is None:
        return True
    kinds = cpe.value(f"{policy}OperationTypeFilter", now).replace(" ", "").split(",")
    outcome = "Failure" if result.fault.fault_code else "Success"
    return (
        cpe.value(f"{policy}Enable", now) in ("1", "true")
        and result.operation_performed in kinds
        and cpe.value(f"{policy}ResultTypeFilter", now) in ("Both", outcome)
    )


# -- operations -----------------------------------------------------------------------------------


def _perform(
    cpe: CPE, operation: m.OperationStruct, now: float, since: float
) -> list[OpResultStruct]:
    """The results of an operation; several where it names several units, one where it fails."""
    try:
        return _OPERATIONS[type(operation)](cpe, operation, now, since)
    except FaultError as error:
        return [_failed(cpe, operation, error, now)]


def _install(cpe: CPE, operation: m.InstallOpStruct, now: float, _: float) -> list[OpResultStruct]:
    _check_url(operation.url)
    uuid = operation.uuid or du.uuid_of(operation.url)
    _check_uuid(uuid)
    environment = _environment(cpe, operation.execution_env_ref or "", now)
    unit = DeploymentUnit(uuid, du.version_of(operation.url) or "1.0", operation.url, environment)
    if any(
        _same(unit.uuid, old.uuid) and old.version == unit.version
        for old in du.units_of(cpe, now).values()
    ):
        raise FaultError(FaultCode.DUPLICATE_DEPLOYMENT_UNIT)
    if len(du.units_of(cpe, now)) >= MAX_UNITS:
        raise FaultError(FaultCode.SYSTEM_RESOURCES_EXCEEDED)
    number, unit = du.add(cpe, unit, now)
    return [_result(cpe, number, unit, "Installed")]


def _update(
    cpe: CPE, operation: m.UpdateOpStruct, now: float, since: float
) -> list[OpResultStruct]:
    """One unit, by its UUID or the name in its URL, or all, each from where it came from."""
    if operation.url:
        _check_url(operation.url)
    if operation.uuid:
        _check_uuid(operation.uuid)
    numbers = _found(cpe, operation, now, since)
    if (operation.uuid or operation.url) and len(numbers) > 1:
        raise FaultError(FaultCode.VERSION_NOT_SPECIFIED)
    updates = {number: _newer(cpe, number, operation.url or "", now) for number in numbers}
    for number, unit in updates.items():
        du.write(cpe, number, unit, now)
    return [_result(cpe, number, unit, "Installed") for number, unit in updates.items()]


def _newer(cpe: CPE, number: int, url: str, now: float) -> DeploymentUnit:
    """The unit as it will be: of the URL's version, or of the next one where that tells none."""
    unit = du.units_of(cpe, now)[number]
    version = du.version_of(url) or du.next_version(unit.version)
    others = [old.version for old in du.units_of(cpe, now).values() if _same(old.uuid, unit.uuid)]
    if version in others:
        raise FaultError(FaultCode.VERSION_EXISTS)
    if du.rank(version) < du.rank(unit.version):
        raise FaultError(FaultCode.DOWNGRADE_NOT_PERMITTED)
    return unit._replace(version=version, url=url or unit.url)


def _uninstall(
    cpe: CPE, operation: m.UninstallOpStruct, now: float, since: float
) -> list[OpResultStruct]:
    """The unit of a UUID, in all its versions where none is named."""
    place = operation.execution_env_ref
    environment = _environment(cpe, place, now) if place else ""
    _check_uuid(operation.uuid)
    numbers = _found(cpe, operation, now, since, environment)
    removed = [(number, du.remove(cpe, number, now)) for number in numbers]
    return [_result(cpe, number, unit, "Uninstalled") for number, unit in removed]


_OPERATIONS: dict[type, Callable[[CPE, Any, float, float], list[OpResultStruct]]] = {
    m.InstallOpStruct: _install,
    m.UpdateOpStruct: _update,
    m.UninstallOpStruct: _uninstall,
}


def _check_url(url: str) -> None:
    scheme, separator, place = url.strip().partition("://")
    if not separator or not place:
        raise FaultError(FaultCode.INVALID_ARGUMENTS, "URL is not an address")
    if scheme.lower() not in _SCHEMES:
        raise FaultError(FaultCode.UNSUPPORTED_TRANSFER_PROTOCOL)


def _check_uuid(uuid: str) -> None:
    if _UUID.fullmatch(uuid) is None:
        raise FaultError(FaultCode.INVALID_UUID_FORMAT)


def _same(one: str, other: str) -> bool:
    return one.lower() == other.lower()


def _found(
    cpe: CPE, operation: _Change, now: float, since: float, environment: str = ""
) -> list[int]:
    """The numbers of the units that an operation is meant for; an empty environment is any."""
    found = {
        number: unit
        for number, unit in du.units_of(cpe, now).items()
        if _is_meant(operation, unit) and environment in ("", unit.environment)
    }
    if not found:
        raise FaultError(FaultCode.UNKNOWN_DEPLOYMENT_UNIT)
    if any(_is_busy(cpe, unit, since) for unit in found.values()):
        raise FaultError(FaultCode.INVALID_DEPLOYMENT_UNIT_STATE)
    return list(found)


_Change = m.UpdateOpStruct | m.UninstallOpStruct


def _is_meant(operation: _Change, unit: DeploymentUnit) -> bool:
    """By its UUID, else by the name in its URL, else every one; and its version if one is given."""
    url = getattr(operation, "url", None)
    if operation.uuid:
        named = _same(operation.uuid, unit.uuid)
    else:
        named = not url or du.name_of(url) == du.name_of(unit.url)
    return named and operation.version in (None, "", unit.version)


def _is_busy(cpe: CPE, unit: DeploymentUnit, since: float) -> bool:
    """Whether a ChangeDUState is meant for the unit that came earlier and still runs."""
    return any(
        _is_meant(operation, unit)
        for run in _state_changes(cpe)
        if run.times[0] < since
        for operation in run.request.operations
        if not isinstance(operation, m.InstallOpStruct)
    )


def _environment(cpe: CPE, reference: str, now: float) -> str:
    """The path of an execution environment, the first that is on for an empty reference."""
    rows = cpe.model.children_of(f"{cpe.model.root}SoftwareModules.ExecEnv.", cpe.overlay) or ()
    enabled = [row for row in rows if cpe.value(f"{row}Enable", now) not in ("0", "false")]
    if not reference:
        return enabled[0] if enabled else ""
    path = f"{reference.strip().rstrip('.')}."
    path = cpe.model.root + path[1:] if path.startswith(".") else path
    if path not in rows:
        raise FaultError(FaultCode.UNKNOWN_EXECUTION_ENVIRONMENT)
    if path not in enabled:
        raise FaultError(FaultCode.DISABLED_EXECUTION_ENVIRONMENT)
    return path


# -- results --------------------------------------------------------------------------------------


def _result(cpe: CPE, number: int, unit: DeploymentUnit, state: str) -> OpResultStruct:
    return OpResultStruct(
        _told_uuid(unit.uuid),
        du.row_of(cpe, number),
        unit.version[:32],
        state,
        state == "Installed",
        unit.execution_units,
    )


def _told_uuid(uuid: str | None) -> str:
    return uuid if uuid and _UUID.fullmatch(uuid) else _NO_UUID


def _failed(
    cpe: CPE, operation: m.OperationStruct, error: FaultError, now: float
) -> OpResultStruct:
    """The result of what failed: a unit that was there is as it was; a new one is not there."""
    fault = m.Fault.of(error.fault_code, error.fault_string)
    result = OpResultStruct(_told_uuid(operation.uuid), "", "", "Failed", False, "")
    if isinstance(operation, m.InstallOpStruct):
        result = result._replace(uuid=_told_uuid(operation.uuid or du.uuid_of(operation.url)))
    else:
        units = [each for each in du.units_of(cpe, now).items() if _is_meant(operation, each[1])]
        result = _result(cpe, *units[0], "Installed") if units else result
    return result._replace(fault=FaultStruct(fault.fault_code, fault.fault_string))
