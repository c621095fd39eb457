"""
Deployment units of a CPE: ChangeDUState and its completion (TR-069 A.4.1, A.4.2; TR-157).

Nothing is fetched: a unit's version and name are read from its URL, and an operation takes a
simulated time. One DUStateChangeComplete reports all operations of a ChangeDUState, in their
order. Installed units are in ``Overlay.units``: they survive a reboot, not a factory reset. If the
device has tables for them, their rows follow.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from itertools import accumulate, pairwise
from typing import Any
from uuid import UUID

from caretaker.cwmp import messages as m
from caretaker.cwmp.faults import FaultCode
from caretaker.cwmp.messages import EventStruct, FaultStruct, OpResultStruct
from caretaker.data_model.dates import utc
from caretaker.data_model.overlay_records import DeploymentUnit
from caretaker.device import installed_units as du
from caretaker.device.base import CPEBase, Job
from caretaker.device.rpc.arguments import check_key
from caretaker.errors import FaultError

MAX_OPERATIONS = 16
"""Operations of one ChangeDUState, more are refused with 9004; a bound, not a rule of TR-069."""
MAX_CHANGES = 5
"""ChangeDUStates that are not completed, more are refused with 9004; a bound, too."""
MAX_UNITS = 32
"""Deployment units that a CPE holds; one more fails with 9027."""
SECONDS = (2.0, 20.0)
"""The shortest and longest time that an operation takes."""
_KIND = "du"
_SCHEMES = ("http", "https")
_LENGTHS = {"url": 1024, "username": 256, "password": 256, "execution_env_ref": 256, "version": 32}
"""The most characters of an operation's arguments (CWMP schemas)."""
_UUID = re.compile("[0-9A-Fa-f]{8}(-[0-9A-Fa-f]{4}){3}-[0-9A-Fa-f]{12}")
_NIL_UUID = str(UUID(int=0))
"""The UUID in the result of an operation without one; the schemas require a UUID."""


# -- the RPCs -------------------------------------------------------------------------------------


def change_du_state(cpe: CPEBase, request: m.ChangeDUState, now: float) -> m.Response:
    """Answer now, perform the operations one after the other, and report when all have ended."""
    _check(cpe, request)
    rng = cpe.context.identities.random(cpe.index, f"deployment units {request.command_key}")
    lengths = [rng.uniform(*SECONDS) for _ in request.operations]
    begin(cpe, StateChange(request, tuple(accumulate(lengths, initial=now))))
    return m.ChangeDUStateResponse()


def _check(cpe: CPEBase, request: m.ChangeDUState) -> None:
    check_key(request.command_key)
    if not request.operations:
        raise FaultError(FaultCode.INVALID_ARGUMENTS, "There are no operations")
    if any(map(_too_long, request.operations)):
        raise FaultError(FaultCode.INVALID_ARGUMENTS, "An argument of an operation is too long")
    waiting = (*cpe.requests, *cpe.session_requests)
    completed = sum(isinstance(request, m.DUStateChangeComplete) for request in waiting)
    changes = len(state_changes(cpe)) + completed
    if len(request.operations) > MAX_OPERATIONS or changes >= MAX_CHANGES:
        raise FaultError(FaultCode.RESOURCES_EXCEEDED)


def _too_long(operation: m.OperationStruct) -> bool:
    return any(
        len(getattr(operation, name, None) or "") > most for name, most in _LENGTHS.items()
    )  # fmt: skip


def set_vouchers(_: CPEBase, request: m.SetVouchers, __: float) -> m.Response:
    """Accept option vouchers and keep nothing of them: no option comes from one (deprecated)."""
    if not request.voucher_list:
        raise FaultError(FaultCode.INVALID_ARGUMENTS, "There are no vouchers")
    return m.SetVouchersResponse()


def get_options(_: CPEBase, __: m.GetOptions, ___: float) -> m.Response:
    """No option is set (deprecated)."""
    return m.GetOptionsResponse(())


# -- running them ---------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class StateChange:
    """A running ChangeDUState; ``times`` has the start of each operation and the last end."""

    request: m.ChangeDUState
    times: tuple[float, ...]

    def __call__(self, cpe: CPEBase, now: float) -> None:
        """Perform all operations and report them to the ACS."""
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
        completion = m.DUStateChangeComplete(tuple(results), key)
        cpe.ask(completion, now, EventStruct("M ChangeDUState", key))


def begin(cpe: CPEBase, change: StateChange) -> None:
    """Have the operations of a ChangeDUState done, and reported at their end."""
    cpe.plan(Job(change.times[-1], _KIND, change.request.command_key, change))


def state_changes(cpe: CPEBase) -> list[StateChange]:
    """The ChangeDUStates whose operations are not done yet."""
    return [job.act for job in cpe.jobs if isinstance(job.act, StateChange)]


def change_by_itself(cpe: CPEBase, operations: Iterable[m.OperationStruct], now: float) -> float:
    """
    Change deployment units without the ACS; returns when the CPE is due.

    An AutonomousDUStateChangeComplete reports the changes that the device's
    ``ManagementServer.DUStateChangeComplPolicy.`` asks for; all of them if it has none.
    """
    at = utc(now + cpe.context.wall_offset)
    results = [
        m.AutonOpResultStruct(*result._replace(start_time=at, complete_time=at), _name(operation))
        for operation in operations
        for result in _perform(cpe, operation, now, now)
    ]
    wanted = tuple(result for result in results if _is_wanted(cpe, result, now))
    if wanted:
        cpe.ask(m.AutonomousDUStateChangeComplete(wanted), now)
    return cpe.reschedule(now)


def _name(operation: m.OperationStruct) -> str:
    return type(operation).__name__.removesuffix("OpStruct")


def _is_wanted(cpe: CPEBase, result: m.AutonOpResultStruct, now: float) -> bool:
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
    cpe: CPEBase, operation: m.OperationStruct, now: float, since: float
) -> list[OpResultStruct]:
    """The results of an operation; several where it names several units, one where it fails."""
    try:
        return _OPERATIONS[type(operation)](cpe, operation, now, since)
    except FaultError as error:
        return [_failed(cpe, operation, error, now)]


def _install(
    cpe: CPEBase, operation: m.InstallOpStruct, now: float, _: float
) -> list[OpResultStruct]:
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
    cpe: CPEBase, operation: m.UpdateOpStruct, now: float, since: float
) -> list[OpResultStruct]:
    """Update the unit of a UUID or URL; without both, all units from the URLs they came from."""
    if operation.url:
        _check_url(operation.url)
    if operation.uuid:
        _check_uuid(operation.uuid)
    numbers = _named(cpe, operation, now, since)
    if (operation.uuid or operation.url) and len(numbers) > 1:
        raise FaultError(FaultCode.VERSION_NOT_SPECIFIED)
    updates = {number: _newer(cpe, number, operation.url or "", now) for number in numbers}
    for number, unit in updates.items():
        du.write(cpe, number, unit, now)
    return [_result(cpe, number, unit, "Installed") for number, unit in updates.items()]


def _newer(cpe: CPEBase, number: int, url: str, now: float) -> DeploymentUnit:
    """The updated unit: of the version in the URL, or of the next version if it has none."""
    unit = du.units_of(cpe, now)[number]
    version = du.version_of(url) or du.next_version(unit.version)
    others = [old.version for old in du.units_of(cpe, now).values() if _same(old.uuid, unit.uuid)]
    if version in others:
        raise FaultError(FaultCode.VERSION_EXISTS)
    if du.rank(version) < du.rank(unit.version):
        raise FaultError(FaultCode.DOWNGRADE_NOT_PERMITTED)
    return unit._replace(version=version, url=url or unit.url)


def _uninstall(
    cpe: CPEBase, operation: m.UninstallOpStruct, now: float, since: float
) -> list[OpResultStruct]:
    """The unit of a UUID, in all its versions where none is named."""
    place = operation.execution_env_ref
    environment = _environment(cpe, place, now) if place else ""
    _check_uuid(operation.uuid)
    numbers = _named(cpe, operation, now, since, environment)
    removed = [(number, du.remove(cpe, number, now)) for number in numbers]
    return [_result(cpe, number, unit, "Uninstalled") for number, unit in removed]


_OPERATIONS: dict[type, Callable[[CPEBase, Any, float, float], list[OpResultStruct]]] = {
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


def _named(
    cpe: CPEBase, operation: _Change, now: float, since: float, environment: str = ""
) -> list[int]:
    """The numbers of the units that an operation is meant for; an empty environment is any."""
    named = {
        number: unit
        for number, unit in du.units_of(cpe, now).items()
        if _is_meant(operation, unit) and environment in ("", unit.environment)
    }
    if not named:
        raise FaultError(FaultCode.UNKNOWN_DEPLOYMENT_UNIT)
    if any(_is_busy(cpe, unit, since) for unit in named.values()):
        raise FaultError(FaultCode.INVALID_DEPLOYMENT_UNIT_STATE)
    return list(named)


_Change = m.UpdateOpStruct | m.UninstallOpStruct


def _is_meant(operation: _Change, unit: DeploymentUnit) -> bool:
    """By its UUID, else by the name in its URL, else every one; and its version if one is given."""
    url = getattr(operation, "url", None)
    if operation.uuid:
        named = _same(operation.uuid, unit.uuid)
    else:
        named = not url or du.name_of(url) == du.name_of(unit.url)
    return named and operation.version in (None, "", unit.version)


def _is_busy(cpe: CPEBase, unit: DeploymentUnit, since: float) -> bool:
    """Whether an earlier ChangeDUState that still runs is meant for the unit."""
    return any(
        _is_meant(operation, unit)
        for run in state_changes(cpe)
        if run.times[0] < since
        for operation in run.request.operations
        if not isinstance(operation, m.InstallOpStruct)
    )


def _environment(cpe: CPEBase, reference: str, now: float) -> str:
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


def _result(cpe: CPEBase, number: int, unit: DeploymentUnit, state: str) -> OpResultStruct:
    return OpResultStruct(
        _uuid_or_nil(unit.uuid),
        du.row_of(cpe, number),
        unit.version[:32],
        state,
        state == "Installed",
        unit.execution_units,
    )


def _uuid_or_nil(uuid: str | None) -> str:
    return uuid if uuid and _UUID.fullmatch(uuid) else _NIL_UUID


def _failed(
    cpe: CPEBase, operation: m.OperationStruct, error: FaultError, now: float
) -> OpResultStruct:
    """The result of a failed operation: an old unit is as before, a new one is not installed."""
    fault = m.Fault.of(error.fault_code, error.fault_string)
    result = OpResultStruct(_uuid_or_nil(operation.uuid), "", "", "Failed", False, "")
    if isinstance(operation, m.InstallOpStruct):
        result = result._replace(uuid=_uuid_or_nil(operation.uuid or du.uuid_of(operation.url)))
    else:
        for number, unit in du.units_of(cpe, now).items():
            if _is_meant(operation, unit):
                result = _result(cpe, number, unit, "Installed")
                break
    return result._replace(fault=FaultStruct(fault.fault_code, fault.fault_string))
