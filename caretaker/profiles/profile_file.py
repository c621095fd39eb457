"""
Profile files: their changes to the export that is their base.

``docs/profiles.md`` is the description for users. ``profile_toml`` reads the files and checks their
values; ``ProfileFile.adjusted`` checks their paths against the base.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from ipaddress import IPv4Network
from typing import NamedTuple, Self

from caretaker.data_model.dynamic_values import Rules
from caretaker.data_model.parameter import Row
from caretaker.data_model.paths import pattern, shape
from caretaker.data_model.templates import TEMPLATE
from caretaker.data_model.types import BINARY_TYPES, TYPES, known_type
from caretaker.data_model.value_limits import Limits
from caretaker.errors import ProfileError

_FLEETS_OWN = (
    "DeviceInfo.SerialNumber",
    "ManagementServer.URL",
    "ManagementServer.ConnectionRequestURL",
)
"""Parameters that differ between CPEs and follow from the run: a file can't set them."""
_KEPT_SOURCES = ("inform_enable", "inform_interval", "up_time")
"""Sources that compute a value from that of the profile; they stay when a file changes it."""


class Entry(NamedTuple):
    """One ``[[parameter]]``: the changes to the parameters of a path; None for no change."""

    path: str
    type: str | None = None
    writable: bool | None = None
    value: str | None = None
    limits: Limits | None = None
    inform: bool = False
    hidden: bool | None = None


@dataclass(frozen=True)
class ProfileFile:
    """
    A profile file, checked except for the paths, which need the base.

    ``values`` and ``identity`` are by path, in which ``*`` stands for any instance number.
    ``quirks`` are None where the file says nothing of them. ``beneath`` is the file of the built-in
    profile that is the base, which changes the rows first.
    """

    name: str
    base: str = ""
    cwmp_version: str = ""
    namespace: str = ""
    quirks: frozenset[str] | None = None
    pool: IPv4Network | None = None
    device: tuple[tuple[str, str], ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    identity: tuple[tuple[str, str], ...] = ()
    parameters: tuple[Entry, ...] = ()
    dynamic: Rules = ()
    beneath: ProfileFile | None = None

    def on(self, base: ProfileFile) -> Self:
        """This file with all that the file of its base says and this one does not."""
        return replace(
            self,
            cwmp_version=self.cwmp_version or base.cwmp_version,
            namespace=self.namespace or base.namespace,
            quirks=base.quirks if self.quirks is None else self.quirks,
            pool=self.pool or base.pool,
            dynamic=(*self.dynamic, *base.dynamic),
            beneath=base,
        )

    def adjusted(self, root: str, base: Iterable[Row]) -> list[Row]:
        """
        The rows of the base with all that the file changes.

        Raises:
            ProfileError: a path names nothing there, or can't be changed.
        """
        rows = _Rows(self.beneath.adjusted(root, base) if self.beneath else base)
        for entry in self.parameters:
            for path in self._named(rows, entry.path, root, "[[parameter]]"):
                rows.put(self._described(rows.get(path), path, entry))
        given = [("[device]", root + last, value) for last, value in self.device]
        given += [("[values]", path, value) for path, value in self.values]
        for place, path, value in given:
            for named in self._named(rows, path, root, place):
                rows.put(_with_value(rows[named], value))
        for path, template in self.identity:
            for named in self._named(rows, path, root, "[identity]"):
                rows.put(rows[named]._replace(value=template, source=TEMPLATE))
        return list(rows.values())

    def informed(self, paths: Iterable[str]) -> Iterator[str]:
        """Those of the paths that every Inform carries because the file says so."""
        entries = (*(self.beneath.parameters if self.beneath else ()), *self.parameters)
        informed = [entry.path for entry in entries if entry.inform]
        named = {path for path in informed if "*" not in path}
        patterns = [pattern(path) for path in informed if "*" in path]
        return (
            path
            for path in paths
            if path in named or any(expression.fullmatch(path) for expression in patterns)
        )

    def _named(self, rows: _Rows, path: str, root: str, place: str) -> list[str]:
        """The rows of a path; of a ``[[parameter]]`` that is not there yet, the path itself."""
        if not path.startswith(root):
            raise self._error(place, f"{path} is not below {root}, the base's root")
        if path[len(root) :] in _FLEETS_OWN and place != "[[parameter]]":
            raise self._error(place, f"{path} is each CPE's own, computed by the run; leave it out")
        named = rows.named(path)
        if place != "[[parameter]]":
            named = [row_path for row_path in named if not row_path.endswith(".")]
        elif not named and "*" not in path:
            return [path]
        if not named:
            raise self._error(
                place, f"{path} names no parameter of {self.base}; mend it or add a [[parameter]]"
            )
        return named

    def _described(self, row: Row | None, path: str, entry: Entry) -> Row:
        """A row with what an entry says of it; a new one where there is none."""
        is_object = path.endswith(".")
        row = row or Row(path, is_object, writable=False)
        row = row._replace(
            writable=row.writable if entry.writable is None else entry.writable,
            type=entry.type or row.type,
            limits=entry.limits or row.limits,
            hidden=row.hidden if entry.hidden is None else entry.hidden,
        )
        limits, family = row.limits, TYPES[known_type(row.type)].family
        if is_object and (limits or entry.type or entry.value is not None):
            raise self._error("[[parameter]]", f"{path} is an object: it has only writable")
        if limits and limits.ranges and family not in ("number", ""):
            raise self._error("[[parameter]]", f"{path} is no number: no least and most")
        if limits and limits.sizes and limits.type != row.type and row.type in BINARY_TYPES:
            row = row._replace(limits=limits._replace(type=row.type))  # its size counts octets
        return row if entry.value is None else _with_value(row, entry.value)

    def _error(self, place: str, what: str) -> ProfileError:
        return ProfileError(f"profile {self.name}: {place}: {what}")


class _Rows(dict[str, Row]):
    """Rows by path, with an index that finds the rows of a path with ``*`` quickly."""

    def __init__(self, rows: Iterable[Row]) -> None:
        super().__init__()
        self._shapes: dict[str, list[str]] = {}
        for row in rows:
            self.put(row)

    def put(self, row: Row) -> None:
        """Add a row, or replace the one of its path."""
        if row.path not in self:
            self._shapes.setdefault(shape(row.path), []).append(row.path)
        self[row.path] = row

    def named(self, path: str) -> list[str]:
        """The rows of a path."""
        if path in self:
            return [path]
        own = shape(path)
        same = self._shapes.get(own, [])
        return list(same if own == path else filter(pattern(path).fullmatch, same))


def _with_value(row: Row, value: str) -> Row:
    return row._replace(value=value, source=row.source if row.source in _KEPT_SOURCES else "")
