"""
Data-model definitions: the XML in which the Broadband Forum publishes TR-181 and TR-098.

``read_definitions`` reads one ``-full.xml`` file; ``Definitions.device`` makes of it the parameters
of a device that claims some of its profiles. Paths of definitions have ``{i}`` for instance
numbers. The files are the user's: none is part of Caretaker.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from typing import NamedTuple

from lxml import etree

from caretaker.cwmp.xml import hardened_parser, local, parse
from caretaker.data_model.parameter import Row
from caretaker.data_model.types import TYPES
from caretaker.data_model.value_limits import Limits
from caretaker.errors import EnvelopeError, ProfileError
from caretaker.nearest_names import nearest_names
from caretaker.plain_numbers import is_digits
from caretaker.profiles.bbf_syntax import ANY_INSTANCE as _ANY
from caretaker.profiles.bbf_syntax import Syntaxes, is_on, number, status, token
from caretaker.profiles.genieacs_csv import ROOTS, Export, with_parents
from caretaker.profiles.profile_file import Entry
from caretaker.profiles.steering_defaults import steering_default

MAX_PARAMETERS = 100_000
"""The most objects and parameters of one device; rows multiply in tables within tables."""


class Definition(NamedTuple):
    """A parameter; ``value`` is what a device may have from the factory."""

    type: str
    writable: bool
    value: str
    limits: Limits | None
    inform: bool
    status: str
    hidden: bool = False


class TableDefinition(NamedTuple):
    """An object; of a table ``least`` and ``most`` are the numbers of its rows."""

    writable: bool
    least: int
    most: int | None
    entries: str
    """The path of the parameter that counts the rows; empty if there is none."""
    status: str


class ProfileDefinition(NamedTuple):
    """The paths that a profile such as ``Baseline:3`` requires, and the profiles it extends."""

    paths: frozenset[str]
    bases: tuple[str, ...]


@dataclass
class Definitions:
    """The definitions of one data model, by path or name."""

    name: str
    root: str = ""
    parameters: dict[str, Definition] = field(default_factory=dict)
    objects: dict[str, TableDefinition] = field(default_factory=dict)
    profiles: dict[str, ProfileDefinition] = field(default_factory=dict)
    not_read: Counter[str] = field(default_factory=Counter)
    """What the file says beyond what is read, by the name of the element."""

    def device(
        self, profiles: Iterable[str] = (), rows: Mapping[str, int] | None = None
    ) -> tuple[Export, list[Entry]]:
        """
        A device: its rows, and what a profile file has to say of them beyond that.

        Args:
            profiles: what it claims, ``Baseline:3``; without any it has all that is not
                deprecated.
            rows: how many rows its tables have, by the table's path; 1 where nothing is said.

        Raises:
            ProfileError: there is no such profile or table, or the rows are too many.
        """
        counts = self._counts(rows or {})
        chosen = list(profiles)
        paths = self._claimed(chosen) if chosen else self._current()
        parameters = {path: self.parameters[path] for path in paths if path in self.parameters}
        objects = {path for path in paths if path.endswith(".")}
        objects |= {_holder(path) for path in parameters}
        all_rows = with_parents(self._rows(parameters, objects, counts))
        entries = [
            Entry(path.replace(_ANY, "*"), limits=definition.limits, inform=inform)
            for path, definition in parameters.items()
            if ((inform := definition.inform and _ANY not in path) or definition.limits)
            and _instances(path, counts)
        ]
        return Export(list(all_rows.values())), entries

    def _counts(self, rows: Mapping[str, int]) -> dict[str, int]:
        """How many rows each table has."""
        counts = {
            path.removesuffix(f"{_ANY}."): max(1, table.least)
            for path, table in self.objects.items()
            if path.endswith(f".{_ANY}.")
        }
        for given, wanted in rows.items():
            path = _with_any(given)
            if path not in counts:
                raise ProfileError(f"--rows {given}: {self.name} has no such table; mend the path")
            most = self.objects[f"{path}{_ANY}."].most
            if wanted < 0 or (most is not None and wanted > most):
                limit = "any number" if most is None else str(most)
                raise ProfileError(f"--rows {given}={wanted}: it takes 0 to {limit}")
            counts[path] = wanted
        return counts

    def _current(self) -> list[str]:
        """All paths but those that are deprecated or worse, or below such an object."""
        old = tuple(path for path, table in self.objects.items() if table.status != "current")
        every = (*self.objects, *self.parameters)
        return [
            path
            for path in every
            if not path.startswith(old)
            and (path not in self.parameters or self.parameters[path].status == "current")
        ]

    def _claimed(self, names: Iterable[str]) -> list[str]:
        """The paths that these profiles ask for, with those that they build on."""
        paths: dict[str, None] = {}
        waiting, seen = [token(name) for name in names], set[str]()
        while waiting:
            name = waiting.pop(0)
            profile = self.profiles.get(name)
            if profile is None:
                near = nearest_names(name, self.profiles, 4, 0.3)
                raise ProfileError(
                    f"{self.name}: no profile {name!r}; there are {', '.join(near or ['none'])} ..."
                )
            if name not in seen:
                seen.add(name)
                waiting += profile.bases
                paths.update(dict.fromkeys(sorted(profile.paths)))
        return list(paths)

    def _rows(
        self, parameters: Mapping[str, Definition], objects: set[str], counts: Mapping[str, int]
    ) -> list[Row]:
        objects = _with_holders(objects)
        sizes = {
            table.entries: counts.get(path.removesuffix(f"{_ANY}."), 0) if path in objects else 0
            for path, table in self.objects.items()
            if table.entries
        }
        rows: list[Row] = []
        for path in sorted(objects):
            rows += list(self._object_rows(path, counts))
            self._check_size(rows)
        for path, definition in parameters.items():
            value = str(sizes[path]) if path in sizes else definition.value
            for concrete in _instances(path, counts):
                own = value.replace(_ANY, _holder(concrete).rstrip(".").rpartition(".")[2])
                rows.append(
                    Row(
                        concrete,
                        False,
                        definition.writable,
                        own,
                        definition.type,
                        hidden=definition.hidden,
                    )
                )
            self._check_size(rows)
        return rows

    def _object_rows(self, path: str, counts: Mapping[str, int]) -> Iterator[Row]:
        """An object; of a table also itself, which takes rows when they can be added."""
        known = self.objects.get(path)
        writable = known is not None and known.writable and path.endswith(f"{_ANY}.")
        if path.endswith(f".{_ANY}."):
            for table in _instances(path.removesuffix(f"{_ANY}."), counts):
                yield Row(table, True, writable)
        for concrete in _instances(path, counts):
            yield Row(concrete, True, writable)

    def _check_size(self, rows: list[Row]) -> None:
        if len(rows) > MAX_PARAMETERS:
            raise ProfileError(
                f"{self.name}: more than {MAX_PARAMETERS} objects and parameters; ask for fewer"
                " --rows, or name profiles with --profile"
            )


def _with_any(path: str) -> str:
    """A path with ``{i}`` for each instance number or ``*``."""
    parts = [_ANY if part == "*" or is_digits(part) else part for part in path.split(".")]
    template = ".".join(parts)
    return template.removesuffix(f"{_ANY}.") if template.endswith(".") else f"{template}."


def _holder(path: str) -> str:
    return path[: path.rfind(".") + 1]


def _with_holders(objects: Iterable[str]) -> set[str]:
    """The objects, and the tables that they are in."""
    with_tables = set(objects)
    for path in objects:
        parts = path.split(f"{_ANY}.")
        tables = (f"{_ANY}.".join(parts[:depth]) for depth in range(1, len(parts)))
        with_tables |= {f"{table}{_ANY}." for table in tables}
    return with_tables


def _instances(path: str, counts: Mapping[str, int]) -> list[str]:
    """The paths that a path with ``{i}`` stands for."""
    first, *others = path.split(_ANY)
    paths, table = [first], first
    for part in others:
        rows = counts.get(table, 1)
        if len(paths) * rows > MAX_PARAMETERS:
            raise ProfileError(f"--rows: {path} would be more than {MAX_PARAMETERS} times there")
        paths = [f"{begin}{row}{part}" for begin in paths for row in range(1, rows + 1)]
        table += _ANY + part
    return paths


# -- reading --------------------------------------------------------------------------------------


def read_definitions(name: str, data: bytes) -> Definitions:
    """
    The definitions of a file.

    Args:
        name: for errors.
        data: the content of the file.

    Raises:
        ProfileError: it is no data model of a device, or not a complete one.
    """
    root = _parse(name, data)
    models = [child for child in root if local(child) == "model"]
    if local(root) != "document" or not models:
        cure = "give a tr-181-...-full.xml or tr-098-...-full.xml"
        raise ProfileError(f"{name}: XML, but no data model of the Broadband Forum; {cure}")
    _check_whole(name, root)
    syntaxes = Syntaxes(root)
    definitions = Definitions(name, not_read=syntaxes.not_read)
    for model in models:
        _read_model(model, syntaxes, definitions)
    paths = (*definitions.objects, *definitions.parameters)
    roots = {path.partition(".")[0] + "." for path in paths}
    known = [root_name for root_name in ROOTS if root_name in roots]
    if len(roots) != 1 or not known:
        cure = f"the file must define {' or '.join(ROOTS)} alone, as the -full.xml ones do"
        raise ProfileError(f"{name}: not the data model of a device; {cure}")
    definitions.root = known[0]
    return definitions


def _check_whole(name: str, root: etree._Element) -> None:
    """Refuse a model in parts: what it imports, or builds on, stands in another file."""
    parts = [
        child
        for model in root
        if local(model) == "model"
        for child in (model, *model)
        if local(child) == "component"
        or (local(child) == "model" and (child.get("base") or child.get("ref")))
    ]
    if parts:
        files = [token(child.get("file")) for child in root if local(child) == "import"]
        lacking = ", ".join(dict.fromkeys(filter(None, files))) or "the file it builds on"
        cure = "give the -full.xml, which has all parts"
        raise ProfileError(f"{name}: a data model in parts, which needs {lacking}; {cure}")


def _parse(name: str, data: bytes) -> etree._Element:
    try:
        return etree.fromstring(data, hardened_parser())
    except (etree.XMLSyntaxError, ValueError) as error:
        return _parse_malformed(name, data, error)


def _parse_malformed(name: str, data: bytes, error: Exception) -> etree._Element:
    """Read what was published although XML forbids it: a prefix that is not declared."""
    try:
        return parse(data)
    except EnvelopeError:
        why = " ".join(str(error).split())
        raise ProfileError(f"{name}: not XML ({why}); give the file as it was published") from error


def _read_model(model: etree._Element, syntaxes: Syntaxes, definitions: Definitions) -> None:
    above = f"{token(model.get('name')).partition(':')[0]}."
    for child in model:
        kind = local(child)
        if kind == "parameter":
            _read_parameter(child, above, syntaxes, definitions)
        elif kind == "object":
            _read_object(child, syntaxes, definitions)
        elif kind == "profile":
            _read_profile(child, above, definitions)
        elif kind != "description":
            definitions.not_read[kind] += 1


def _read_object(element: etree._Element, syntaxes: Syntaxes, definitions: Definitions) -> None:
    path = f"{token(element.get('name') or element.get('base')).rstrip('.')}."
    counter = token(element.get("numEntriesParameter"))
    above = _holder(path.removesuffix(f"{_ANY}.").rstrip("."))
    definitions.objects[path] = TableDefinition(
        token(element.get("access")) == "readWrite",
        number(element.get("minEntries")) or 0,
        number(element.get("maxEntries")),
        above + counter if counter else "",
        status(element),
    )
    for child in element:
        if local(child) == "parameter":
            _read_parameter(child, path, syntaxes, definitions)
        elif local(child) != "description":
            definitions.not_read[local(child)] += 1


def _read_parameter(
    element: etree._Element, above: str, syntaxes: Syntaxes, definitions: Definitions
) -> None:
    name = token(element.get("name") or element.get("base"))
    path, access = above + name, token(element.get("access"))
    writable = access in ("readWrite", "writeOnceReadOnly")
    syntax = syntaxes.of(element, steering_default(path))
    limits = syntax.limits if writable else Limits()
    usual = limits.default_of(TYPES[syntax.type].default)
    is_of_row = _ANY in above and _ANY not in syntax.new
    limits = limits._replace(
        default=syntax.new if is_of_row and syntax.new != usual else None,
        deny_active=token(element.get("activeNotify")) == "canDeny",
        write_once=access == "writeOnceReadOnly",
    )
    definitions.parameters[path] = Definition(
        syntax.type,
        writable,
        syntax.value,
        None if limits == Limits(type=limits.type) else limits,
        is_on(element, "forcedInform"),
        status(element),
        syntax.hidden,
    )


def _read_profile(element: etree._Element, above: str, definitions: Definitions) -> None:
    paths = set()
    for child in element:
        ref = token(child.get("ref"))
        if local(child) == "parameter":
            paths.add(above + ref)
        elif local(child) == "object":
            paths.add(ref)
            paths |= {ref + token(part.get("ref")) for part in child if local(part) == "parameter"}
    bases = f"{element.get('base') or ''} {element.get('extends') or ''}".split()
    name = token(element.get("name"))
    definitions.profiles[name] = ProfileDefinition(
        frozenset(paths), tuple(base for base in bases if base != name)
    )
