"""
The state of one CPE that differs from its model: values, attributes, rows added and deleted.

An overlay is made at the first difference; most CPEs have a handful of values in it (decision D2).
"""

from __future__ import annotations

from caretaker.cwmp.messages import Request
from caretaker.data_model.overlay_records import AddedRow, Attributes, DeploymentUnit, RowChanges
from caretaker.data_model.parameter import Parameter
from caretaker.data_model.paths import is_row

MAX_OWN_TEXT = 256 * 1024
"""Characters of the values that differ from the model; SetParameterValues is refused beyond it."""


class TableRows:
    """The rows that one CPE has added to its tables and deleted from them."""

    __slots__ = ("children", "deleted", "highest", "objects", "origins", "parameters")

    def __init__(self) -> None:
        self.children: dict[str, tuple[str, ...]] = {}  # of every object whose children changed
        self.parameters: dict[str, Parameter] = {}  # of added rows
        self.objects: dict[str, bool] = {}  # of added rows, with writable
        self.origins: dict[str, str] = {}  # object of an added row -> the model's that shaped it
        self.highest: dict[str, int] = {}  # table -> highest instance number it ever had
        self.deleted: tuple[str, ...] = ()  # rows of the model that are gone

    def changes(self) -> RowChanges:
        """What ``DataModel.restore_rows`` makes these rows of again."""
        added = [path for path in self.objects if is_row(path)]
        return RowChanges(tuple(map(self._added, added)), self.deleted, dict(self.highest))

    def _added(self, row: str) -> AddedRow:
        own = () if row in self.origins else self.children[row]
        parameters = tuple([(name[len(row) :], self.parameters[name].type) for name in own])
        return AddedRow(row, self.objects[row], parameters)


class Overlay:
    """The state of one CPE that differs from its model; all of it survives a reboot."""

    __slots__ = (
        "attributes",
        "last_reported",
        "refusals",
        "reporting_values",
        "rows",
        "units",
        "values",
    )

    def __init__(self) -> None:
        self.refusals: dict[Request, int] | None = None
        """Faults of the ACS, by the request of the CPE."""
        self.last_reported: dict[str, str] | None = None
        """The values of observed parameters that the ACS knows."""
        self.reporting_values: dict[str, str] | None = None
        """The values of observed parameters in an Inform that is not confirmed yet."""
        self.values: dict[str, str] = {}
        self.attributes: dict[str, Attributes] | None = None
        self.rows: TableRows | None = None
        self.units: dict[int, DeploymentUnit] | None = None

    def attribute(self, path: str) -> Attributes | None:
        """The attributes that were set for a parameter."""
        return None if self.attributes is None else self.attributes.get(path)
