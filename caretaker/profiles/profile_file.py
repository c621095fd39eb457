"""
Profile files: what they change of the profile that they base themselves on.

``docs/profiles.md`` is the description for users. ``profile_toml`` reads the files and checks what
stands in them; ``ProfileFile.adjusted`` checks it against the base.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from ipaddress import IPv4Network
from typing import NamedTuple

from caretaker.data_model.dynamic_values import Rules
from caretaker.data_model.paths import pattern, shape
from caretaker.data_model.templates import TEMPLATE
from caretaker.data_model.types import TYPES, Row, known_type
from caretaker.data_model.value_limits import Limits
from caretaker.errors import ProfileError

_FLEETS_OWN = (
    "DeviceInfo.SerialNumber",
    "ManagementServer.URL",
    "ManagementServer.ConnectionRequestURL",
)
"""No two CPEs may share these, and the run decides them: they can't be given."""
_KEPT_SOURCES = ("inform_enable", "inform_interval", "up_time")
"""What computes a value from the profile's: that stays when the profile's is another."""


class Entry(NamedTuple):
    """One ``[[parameter]]``: what it says of the parameters of a path, None where nothing."""

    path: str
    type: str | None = None
    writable: bool | None = None
    value: str | None = None
    limits: Limits | None = None
    inform: bool = False


@dataclass(frozen=True)
class ProfileFile:
    """
    What a profile file says, checked but for what only the base can tell.

    ``values`` and ``identity`` are by path, in which ``*`` stands for any instance number.
    """

    name: str
    base: str = ""
    cwmp_version: str = ""
    namespace: str = ""
    quirks: frozenset[str] = frozenset()
    pool: IPv4Network | None = None
    device: tuple[tuple[str, str], ...] = ()
    values: tuple[tuple[str, str], ...] = ()
    identity: tuple[tuple[str, str], ...] = ()
    parameters: tuple[Entry, ...] = ()
    dynamic: Rules = ()

    def adjusted(self, root: str, base: Iterable[Row]) -> list[Row]:
        """
        The rows of the base with all that the file changes.

        Raises:
            ProfileError: a path names nothing there, or can't be changed.
        """
        rows = _Rows(base)
        for entry in self.parameters:
            for path in self._named(rows, entry.path, root, "[[parameter]]"):
                rows.put(self._described(rows.get(path), path, entry))
        given = [("[device]", root + last, value) for last, value in self.device]
        given += [("[values]", path, value) for path, value in self.values]
        for place, path, value in given:
            for each in self._named(rows, path, root, place):
                rows.put(_with_value(rows[each], value))
        for path, template in self.identity:
            for each in self._named(rows, path, root, "[identity]"):
                rows.put(rows[each]._replace(value=template, source=TEMPLATE))
        return list(rows.values())

    def informed(self, paths: Iterable[str]) -> Iterator[str]:
        """Those of the paths that every Inform carries because the file says so."""
        patterns = [pattern(entry.path) for entry in self.parameters if entry.inform]
        return (path for path in paths if any(each.fullmatch(path) for each in patterns))

    def _named(self, rows: _Rows, path: str, root: str, place: str) -> list[str]:
        """The rows of a path; of a ``[[parameter]]`` that is not there yet, the path itself."""
        if not path.startswith(root):
            raise self._error(place, f"{path} is not below {root}, the base's root")
        if path[len(root) :] in _FLEETS_OWN and place != "[[parameter]]":
            raise self._error(place, f"{path} is each CPE's own, computed by the run; leave it out")
        found = rows.named(path)
        if place != "[[parameter]]":
            found = [each for each in found if not each.endswith(".")]
        elif not found and "*" not in path:
            return [path]
        if not found:
            raise self._error(
                place, f"{path} names no parameter of {self.base}; mend it or add a [[parameter]]"
            )
        return found

    def _described(self, row: Row | None, path: str, entry: Entry) -> Row:
        """A row with what an entry says of it; a new one where there is none."""
        is_object = path.endswith(".")
        row = row or Row(path, is_object, writable=False)
        row = row._replace(
            writable=row.writable if entry.writable is None else entry.writable,
            type=entry.type or row.type,
            limits=entry.limits or row.limits,
        )
        limits, family = row.limits, TYPES[known_type(row.type)].family
        if is_object and (limits or entry.type or entry.value is not None):
            raise self._error("[[parameter]]", f"{path} is an object: it has only writable")
        if limits and (limits.least, limits.most) != (None, None) and family not in ("number", ""):
            raise self._error("[[parameter]]", f"{path} is no number: no least and most")
        return row if entry.value is None else _with_value(row, entry.value)

    def _error(self, place: str, what: str) -> ProfileError:
        return ProfileError(f"profile {self.name}: {place}: {what}")


class _Rows(dict[str, Row]):
    """Rows by path, which are found by paths with ``*`` without a look at each."""

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
        return list(filter(pattern(path).fullmatch, self._shapes.get(shape(path), ())))


def _with_value(row: Row, value: str) -> Row:
    return row._replace(value=value, source=row.source if row.source in _KEPT_SOURCES else "")
