"""
The data model of a device: parameters and objects by path (TR-069 A.2.2).

Two parts, because a million CPEs share a few models (decision D2): a ``DataModel`` is what a device
model has from the factory, one per profile, never changed; an ``Overlay`` is the state of one CPE
that differs from it.

Paths are complete: parameters without a trailing dot, objects with one (``Device.Hosts.``).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from typing import Any

from caretaker.cwmp.faults import FaultCode
from caretaker.cwmp.messages import ParameterInfoStruct, ParameterValueStruct
from caretaker.data_model.overlay import Overlay, TableRows
from caretaker.data_model.overlay_records import AddedRow, RowChanges
from caretaker.data_model.parameter import Parameter, Row
from caretaker.data_model.paths import is_row, last_of
from caretaker.data_model.types import TYPES, cleaned, known_type, typed
from caretaker.errors import FaultError

MAX_ROWS = 1000
"""Rows of one table after which AddObject is refused with 9004; a bound, not a rule of TR-069."""
MAX_ADDED = 5_000
"""Parameters in rows that were added to one CPE, likewise; a row costs about 300 bytes for each."""
_HIDDEN = ("Password", "KeyPassphrase", "PreSharedKey", "WEPKey", "SAEPassphrase", "RadiusSecret")
"""Endings of the names of secrets, which are hidden where the description does not say it."""
_SECRET_TYPES = ("xsd:string", "xsd:hexBinary", "xsd:base64Binary", "")
"""The types of secrets: a number or a flag is none, whatever its name."""


def _parent(path: str) -> str:
    return path[: path.rstrip(".").rfind(".") + 1]


class DataModel:
    """
    Objects and parameters of a device model, shared by all its CPEs and never changed.

    Args:
        root: ``Device.`` or ``InternetGatewayDevice.``.
        rows: the description, in any order; objects that are only implied are added.
    """

    def __init__(self, root: str, rows: Iterable[Row]) -> None:
        self.root = root
        self.parameters: dict[str, Parameter] = {}
        self.objects: dict[str, bool] = {root: False}
        self.constants: dict[str, ParameterValueStruct] = {}
        children: dict[str, dict[str, None]] = {"": {root: None}, root: {}}
        for row in rows:
            self._add(row, children)
        self._below: dict[str, tuple[str, ...]] = {}
        self._conclude(children)

    def _conclude(self, children: dict[str, dict[str, None]]) -> None:
        """Make what follows from all parameters and objects."""
        self.children = {path: tuple(names) for path, names in children.items()}
        self._infos = {
            path: ParameterInfoStruct(path, parameter.writable)
            for path, parameter in self.parameters.items()
        } | {path: ParameterInfoStruct(path, is_on) for path, is_on in self.objects.items()}
        self.text = sum([len(parameter.value) for parameter in self.parameters.values()])
        """Characters of all values from the factory."""

    def _add(self, row: Row, children: dict[str, dict[str, None]]) -> None:
        if row.is_object:
            self.objects[row.path] = row.writable
            children.setdefault(row.path, {})
        else:
            kind = known_type(row.type)
            value = cleaned(row.value, kind)
            hidden = row.hidden
            if hidden is None:
                is_text = kind in _SECRET_TYPES or (value and not TYPES[kind].fits(value))
                hidden = bool(is_text) and row.path.endswith(_HIDDEN)
            parameter = Parameter(
                kind, row.writable, value, row.source, row.number, hidden, row.limits
            )
            self.parameters[row.path] = parameter
            if not row.source:
                self.constants[row.path] = typed(
                    row.path, TYPES[kind].null if hidden else value, kind
                )
        self._add_parents(row.path, children)

    def _add_parents(self, path: str, children: dict[str, dict[str, None]]) -> None:
        while path not in ("", self.root):
            parent = _parent(path)
            self.objects.setdefault(parent, False)
            siblings = children.setdefault(parent, {})
            if path in siblings:
                return  # so the parents are there, too
            siblings[path] = None
            path = parent

    def replacing(self, parameters: Mapping[str, Parameter]) -> DataModel:
        """This model with other parameters, whose values are computed, at paths that it has."""
        model = DataModel(self.root, ())
        model.parameters = {**self.parameters, **parameters}
        model.constants = {
            path: value for path, value in self.constants.items() if path not in parameters
        }
        model.objects, model.children, model._infos = self.objects, self.children, self._infos
        model.text = self.text
        return model

    def extended(self, rows: Iterable[Row]) -> DataModel:
        """This model with parameters and objects that it lacks."""
        model = DataModel(self.root, ())
        model.parameters, model.objects = dict(self.parameters), dict(self.objects)
        model.constants = dict(self.constants)
        children = {path: dict.fromkeys(names) for path, names in self.children.items()}
        for row in rows:
            model._add(row, children)
        model._conclude(children)
        return model

    # Reading. All take the CPE's overlay, None where it has none.

    def parameter(self, path: str, overlay: Overlay | None) -> Parameter | None:
        """The parameter of that path, None if there is none."""
        if overlay is not None and overlay.rows is not None:
            if path.startswith(overlay.rows.deleted):
                return None
            added = overlay.rows.parameters.get(path)
            if added is not None:
                return added
        return self.parameters.get(path)

    def children_of(self, path: str, overlay: Overlay | None) -> tuple[str, ...] | None:
        """What is directly below an object (``""``: above the root), None if there is none."""
        if overlay is not None and overlay.rows is not None:
            if path.startswith(overlay.rows.deleted):
                return None
            changed = overlay.rows.children.get(path)
            if changed is not None:
                return changed
        return self.children.get(path)

    def info(self, path: str, overlay: Overlay | None) -> ParameterInfoStruct:
        """The entry of GetParameterNames for a path that exists."""
        info = self._infos.get(path)
        if info is not None:
            return info
        if not path.endswith("."):
            parameter = self.parameter(path, overlay)
            assert parameter is not None
            return ParameterInfoStruct(path, parameter.writable)
        rows = overlay.rows if overlay is not None else None
        if rows is not None and path in rows.objects:
            return ParameterInfoStruct(path, rows.objects[path])
        return ParameterInfoStruct(path, self.objects[path])

    def walk(self, path: str, overlay: Overlay | None) -> Iterator[str]:
        """
        All paths below an object, objects before what they hold.

        Raises:
            FaultError: 9005, there is no such object.
        """
        names = self.children_of(path, overlay)
        if names is None:
            raise FaultError(FaultCode.INVALID_PARAMETER_NAME)
        stack = [iter(names)]
        while stack:
            for name in stack[-1]:
                yield name
                if name.endswith("."):
                    stack.append(iter(self.children_of(name, overlay) or ()))
                    break
            else:
                stack.pop()

    def parameters_at(self, path: str, overlay: Overlay | None) -> tuple[str, ...]:
        """
        The parameters that a path names: itself, or all below a partial path.

        Raises:
            FaultError: 9005, there is no such parameter or object.
        """
        path = path.strip()
        if path.endswith(".") or not path:
            if overlay is None or overlay.rows is None:
                return self._from_factory(path)
            return tuple([name for name in self.walk(path, overlay) if not name.endswith(".")])
        if self.parameter(path, overlay) is None:
            raise FaultError(FaultCode.INVALID_PARAMETER_NAME)
        return (path,)

    def _from_factory(self, path: str) -> tuple[str, ...]:
        """The parameters below an object from the factory; looked for once per model."""
        paths = self._below.get(path)
        if paths is None:
            paths = tuple([name for name in self.walk(path, None) if not name.endswith(".")])
            self._below[path] = paths
        return paths

    # Changing rows.

    def add_row(self, table: str, overlay: Overlay) -> int:
        """
        Add a row to a table and return its instance number, never one that was there before.

        Raises:
            FaultError: 9005, not a table that takes rows; 9004, it is full.
        """
        names = self.children_of(table, overlay) if table.endswith(".") else None
        if names is None or is_row(table) or not self.info(table, overlay).writable:
            raise FaultError(FaultCode.INVALID_PARAMETER_NAME)
        if len(names) >= MAX_ROWS:
            raise FaultError(FaultCode.RESOURCES_EXCEEDED)
        rows = overlay.rows = overlay.rows or TableRows()
        if len(rows.parameters) + len(rows.objects) >= MAX_ADDED:
            raise FaultError(FaultCode.RESOURCES_EXCEEDED)
        number = self._new_row(table, overlay, rows, writable=True)
        self._grow(f"{table}{number}.", self._template(table, rows), rows)
        return number

    def place_row(
        self, table: str, parameters: Mapping[str, Parameter], overlay: Overlay
    ) -> int:  # fmt: skip
        """
        Add a row that the device makes by itself, and return its instance number.

        The ACS can't delete it. The table must be there; ``parameters`` are by their last name.
        """
        rows = overlay.rows = overlay.rows or TableRows()
        number = self._new_row(table, overlay, rows, writable=False)
        row = f"{table}{number}."
        rows.parameters.update(
            {f"{row}{last}": parameter for last, parameter in parameters.items()}
        )
        rows.children[row] = tuple(f"{row}{last}" for last in parameters)
        return number

    def _new_row(self, table: str, overlay: Overlay, rows: TableRows, *, writable: bool) -> int:
        names = self.children_of(table, overlay) or ()
        number = max(_instances(names), default=0)
        number = rows.highest[table] = max(number, rows.highest.get(table, 0)) + 1
        row = f"{table}{number}."
        rows.objects[row] = writable
        self._relist(table, (*names, row), overlay, rows)
        return number

    def delete_row(self, row: str, overlay: Overlay) -> None:
        """
        Remove a row and all below it.

        Raises:
            FaultError: 9005, not a row that can be removed.
        """
        table = _parent(row)
        names = self.children_of(table, overlay) if row.endswith(".") else None
        if names is None or row not in names or not is_row(row):
            raise FaultError(FaultCode.INVALID_PARAMETER_NAME)
        if not self.info(row, overlay).writable:
            raise FaultError(FaultCode.INVALID_PARAMETER_NAME)
        self.remove_row(row, overlay)

    def remove_row(self, row: str, overlay: Overlay) -> None:
        """Remove a row that is there and all below it, whether or not the ACS could."""
        table = _parent(row)
        names = self.children_of(table, overlay) or ()
        rows = overlay.rows = overlay.rows or TableRows()
        rows.highest[table] = max(rows.highest.get(table, 0), *_instances(names))
        self._forget(row, overlay, rows)
        self._relist(table, tuple(name for name in names if name != row), overlay, rows)

    def fill_table(
        self, table: str, columns: Mapping[str, str], count: int, overlay: Overlay
    ) -> list[str]:
        """
        Replace the rows of a table with so many that the device itself makes.

        They are numbered from 1, and the ACS can't delete them. A table that is not there stays so.

        Args:
            table: its path.
            columns: parameters of a row with their types, for a table that came empty.
            count: how many rows.
            overlay: the CPE's.

        Returns:
            the paths of the rows.
        """
        names = self.children_of(table, overlay)
        if names is None:
            return []
        rows = overlay.rows = overlay.rows or TableRows()
        for row in [name for name in names if is_row(name)]:
            self._forget(row, overlay, rows)
        made = [f"{table}{number}." for number in range(1, count + 1)]
        rows.deleted = tuple(path for path in rows.deleted if path not in made)
        template = self._template(table, rows)
        for row in made:
            self._grow(row, template, rows)
            rows.objects[row] = False
            for name, kind in () if template else columns.items():
                rows.parameters[f"{row}{name}"] = Parameter(kind, False, TYPES[kind].default)
                rows.children[row] = (*rows.children[row], f"{row}{name}")
        self._relist(table, tuple(made), overlay, rows)
        return made

    def restore_rows(self, changes: RowChanges, overlay: Overlay) -> None:
        """Make the rows of an overlay of their changes; what has no table here is passed over."""
        rows = overlay.rows = TableRows()
        rows.deleted = tuple([row for row in changes.deleted if row in self.objects])
        rows.highest = dict(changes.highest)
        for table in dict.fromkeys(map(_parent, rows.deleted)):
            names = self.children[table]
            rows.children[table] = tuple([name for name in names if name not in rows.deleted])
        for row in changes.added:
            table = _parent(row.path)
            present = self.children_of(table, overlay)
            if present is not None:
                self._restore_row(row, self._template(table, rows), rows)
                rows.children[table] = (*present, row.path)

    def _restore_row(self, row: AddedRow, template: str, rows: TableRows) -> None:
        rows.objects[row.path] = row.writable
        if not row.parameters:
            self._grow(row.path, template, rows)
            return
        for last, kind in row.parameters:
            rows.parameters[f"{row.path}{last}"] = Parameter(known_type(kind), False, "")
        rows.children[row.path] = tuple([f"{row.path}{last}" for last, _ in row.parameters])

    def _relist(
        self, table: str, names: tuple[str, ...], overlay: Overlay, rows: TableRows
    ) -> None:
        """Set the list of rows, and NumberOfEntries of the table."""
        rows.children[table] = names
        entries = f"{table[:-1]}NumberOfEntries"
        if self.parameter(entries, overlay) is not None:
            overlay.values[entries] = str(len(_instances(names)))

    def _template(self, table: str, rows: TableRows) -> str:
        """The factory row that new ones are shaped after; none when the table came empty."""
        origin = rows.origins.get(table, table)
        names = self.children.get(origin, ())
        return next((name for name in names if is_row(name)), "")

    def _grow(self, place: str, template: str, rows: TableRows) -> None:
        """An object with the template's parameters at their defaults, its tables empty."""
        names = []
        for name in self.children.get(template, ()) if template else ():
            if is_row(name):
                continue
            new = place + name[len(template) :]
            names.append(new)
            if name.endswith("."):
                rows.objects[new] = self.objects[name]
                self._grow(new, name, rows)
            else:
                model = self.parameters[name]
                default = TYPES[model.type].default
                if model.limits is not None:
                    default = model.limits.default_of(default)
                rows.parameters[new] = model._replace(value=default, source="")
        rows.children[place] = tuple(names)
        rows.origins[place] = template

    def _forget(self, row: str, overlay: Overlay, rows: TableRows) -> None:
        """Drop all that the overlay holds below a row; hide the row if it is the model's own."""
        holders: tuple[dict[str, Any], ...] = (
            overlay.values,
            overlay.attributes or {},
            overlay.last_reported or {},
            rows.children,
            rows.parameters,
            rows.objects,
            rows.origins,
            rows.highest,
        )
        for holder in holders:
            for path in [path for path in holder if path.startswith(row)]:
                del holder[path]
        if row in self.objects:
            rows.deleted = (*rows.deleted, row)


def _instances(names: Iterable[str]) -> list[int]:
    return [int(last_of(name)) for name in names if is_row(name)]
