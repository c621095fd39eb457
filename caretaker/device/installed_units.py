"""
The deployment units that are installed on a CPE, by their instance number (TR-157).

They are in ``Overlay.units``, made when first needed. If the device has tables for them
(``SoftwareModules.DeploymentUnit.``, ``ExecutionUnit.``), their rows follow. Nothing is ever
fetched, so the name and version of a unit are read from its URL.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from uuid import NAMESPACE_URL, uuid5

from caretaker.data_model.overlay_records import DeploymentUnit
from caretaker.data_model.parameter import Parameter
from caretaker.data_model.paths import is_row
from caretaker.device.base import CPEBase

_VERSION = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,6}){1,3}")


_PARAMETERS = ("UUID", "Version", "URL", "ExecutionEnvRef", "ExecutionUnitList")
"""The parameters of SoftwareModules.DeploymentUnit with the fields of a unit, in order."""
_DEPLOYMENT_UNIT = (*_PARAMETERS, "DUID", "Name", "Status", "Resolved")
_EXECUTION_UNIT = ("EUID", "Name", "Status", "Version", "ExecutionEnvRef")


# -- names and versions ---------------------------------------------------------------------------


def _file(url: str) -> str:
    return re.split("[?#]", url, maxsplit=1)[0].rpartition("/")[2]


def version_of(url: str) -> str:
    """The version in the name of the file, empty if it has none."""
    match = _VERSION.search(_file(url))
    return match[0] if match else ""


def name_of(url: str) -> str:
    """The name of the file up to the version."""
    file = _file(url)
    return (_VERSION.split(file, maxsplit=1)[0].rstrip("-_.") or file)[:64]


def uuid_of(url: str) -> str:
    """The UUID of a unit that the ACS gave none: the same for all versions of a file."""
    return str(uuid5(NAMESPACE_URL, name_of(url)))


def rank(version: str) -> tuple[int, ...]:
    """The numbers of a version, which order it among others."""
    return tuple(int(number) for number in re.findall("[0-9]{1,9}", version))


def next_version(version: str) -> str:
    """The version after this one."""
    head, last = re.fullmatch(r"(.*?)([0-9]{0,9})", version, re.DOTALL).groups()  # type: ignore[union-attr]
    return f"{head}{int(last or 0) + 1}"[-32:]


# -- the store ------------------------------------------------------------------------------------


def units_of(cpe: CPEBase, now: float) -> dict[int, DeploymentUnit]:
    """The units by their number; at first those that the device has from the factory."""
    overlay = cpe.ensure_overlay()
    if overlay.units is None:
        table = _table(cpe, "DeploymentUnit")
        overlay.units = {
            int(row[len(table) : -1]): DeploymentUnit(
                *(cpe.value(f"{row}{last}", now) for last in _PARAMETERS)
            )
            for row in cpe.model.children_of(table, overlay) or ()
            if is_row(row)
        }
    return overlay.units


def _table(cpe: CPEBase, name: str) -> str:
    return f"{cpe.model.root}SoftwareModules.{name}."


def add(cpe: CPEBase, unit: DeploymentUnit, now: float) -> tuple[int, DeploymentUnit]:
    """Keep one more unit; its number, and the unit with its execution unit."""
    execution = _place(cpe, "ExecutionUnit", _EXECUTION_UNIT, now)
    number = _place(cpe, "DeploymentUnit", _DEPLOYMENT_UNIT, now)
    unit = unit._replace(execution_units=f"{_table(cpe, 'ExecutionUnit')}{execution}.")
    write(cpe, number, unit, now)
    return number, unit


def _place(cpe: CPEBase, name: str, parameters: Iterable[str], now: float) -> int:
    """A new row, if there is a table for it; its number."""
    table = _table(cpe, name)
    if cpe.model.children_of(table, cpe.overlay) is None:
        return max(units_of(cpe, now), default=0) + 1
    return cpe.model.place_row(
        table, {last: _text(last) for last in parameters}, cpe.ensure_overlay()
    )


def _text(last: str) -> Parameter:
    return Parameter("xsd:boolean" if last == "Resolved" else "xsd:string", False, "")


def write(cpe: CPEBase, number: int, unit: DeploymentUnit, now: float) -> None:
    """Keep a unit, and write its rows if the device has them."""
    units_of(cpe, now)[number] = unit
    name = name_of(unit.url)
    about = {"DUID": str(number), "EUID": str(number), "Name": name, "Resolved": "true"}
    values = dict(zip(_PARAMETERS, unit, strict=True)) | about
    for row, status in ((row_of(cpe, number), "Installed"), (unit.execution_units, "Active")):
        for last, value in {**values, "Status": status}.items():
            if cpe.parameter(f"{row}{last}") is not None:
                cpe.ensure_overlay().values[f"{row}{last}"] = value


def row_of(cpe: CPEBase, number: int) -> str:
    """The path of a unit, whether or not the device has a table for units."""
    return f"{_table(cpe, 'DeploymentUnit')}{number}."


def remove(cpe: CPEBase, number: int, now: float) -> DeploymentUnit:
    """Remove a unit, and its rows if the device has them."""
    unit = units_of(cpe, now).pop(number)
    executions = [f"{path.strip().rstrip('.')}." for path in unit.execution_units.split(",")]
    rows = {"DeploymentUnit": [row_of(cpe, number)], "ExecutionUnit": executions}
    for name, paths in rows.items():
        for path in paths:
            if path in (cpe.model.children_of(_table(cpe, name), cpe.overlay) or ()):
                cpe.model.remove_row(path, cpe.ensure_overlay())
    return unit
