"""
Importing profiles from what describes a device: exports, dumps, and data-model definitions.

The result is a CSV export, which is a profile already. Ranges, enumerations and sizes have no
place in an export; where the source has any, a profile file is written beside it.
"""

from __future__ import annotations

import re
from codecs import BOM_UTF16_BE, BOM_UTF16_LE
from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from typing import NamedTuple

from caretaker.data_model.parameter import Parameter
from caretaker.data_model.types import TYPES, known_type
from caretaker.data_model.value_limits import Limits
from caretaker.errors import InputError, ProfileError
from caretaker.input_file import read_input
from caretaker.profiles.bbf_data_model import read_definitions
from caretaker.profiles.escaped_dump import unescaped
from caretaker.profiles.genieacs_csv import Export, read_export, write_export
from caretaker.profiles.genieacs_json import is_document, read_document
from caretaker.profiles.profile import KNOWN, Profile, build
from caretaker.profiles.profile_file import Entry
from caretaker.profiles.profile_toml import read_profile_file
from caretaker.profiles.profile_writer import write_profile_file
from caretaker.profiles.soap_dump import is_dump, read_dump

_CSV, _DUMP, _DEFINITIONS, _JSON = "CSV export", "XML dump", "data model", "device document"


class Imported(NamedTuple):
    """
    A device.

    Args:
        export: its rows.
        entries: of the profile file beside it; there is none if they are empty.
        notes: what was not read, or not as it stood, in lines for people.
    """

    export: Export
    entries: list[Entry]
    notes: list[str]


def import_files(
    names: Sequence[str], profiles: Iterable[str] = (), rows: Mapping[str, int] | None = None
) -> Imported:
    """
    The device that some files describe: one CSV export, one data model, or any number of dumps.

    Args:
        names: of the files.
        profiles: of a data model: what the device claims (``Definitions.device``).
        rows: of a data model: how many rows its tables have.

    Raises:
        ProfileError: a file can't be read or used.
    """
    files = [(name, _read(name)) for name in names]
    kinds = {_kind(data): name for name, data in reversed(files)}
    if len(kinds) > 1:
        named = " and ".join(f"{name} ({kind})" for kind, name in sorted(kinds.items()))
        raise ProfileError(f"{named}: import files of one kind")
    kind = next(iter(kinds))
    if kind != _DUMP and len(files) > 1:
        raise ProfileError(f"{names[1]}: import one {kind} at a time")
    if kind != _DEFINITIONS and (profiles or rows):
        raise ProfileError(f"{names[0]}: --profile and --rows are for data models, not a {kind}")
    if kind == _DUMP:
        return _imported(read_dump(files, KNOWN))
    if kind == _JSON:
        return _imported(read_document(*files[0], KNOWN))
    if kind == _CSV:
        return _imported(read_export(*files[0], KNOWN))
    definitions = read_definitions(*files[0])
    return Imported(*definitions.device(profiles, rows), _not_read(definitions.not_read))


_EXAMPLES = 10


def _imported(export: Export) -> Imported:
    export = _of_one_root(export)
    odd = export.odd
    if not odd:
        return Imported(export, [], [])
    more = [f"  ... and {len(odd) - _EXAMPLES} more"] if len(odd) > _EXAMPLES else []
    lines = [f"  {text}" for text in odd[:_EXAMPLES]]
    head = f"Odd items: {len(odd)}, read as well as they can be"
    return Imported(export, [], [head, *lines, *more])


def _of_one_root(export: Export) -> Export:
    """The rows below the root that has most; a device has one, and some firmware shows both."""
    counts = Counter(row.path.partition(".")[0] for row in export.rows)
    if len(counts) == 1:
        return export
    (root, _), *others = counts.most_common()
    odd = [f"{other}.: {count} rows beside those of {root}.; left out" for other, count in others]
    rows = [row for row in export.rows if row.path.startswith(f"{root}.")]
    return replace(export, rows=rows, odd=[*odd, *export.odd])


def _not_read(counts: Counter[str]) -> list[str]:
    """What a data model says beyond what Caretaker keeps, in one line."""
    counted = [f"{count} {name}" for name, count in counts.most_common()]
    return [f"Not read: {', '.join(counted)}"] if counted else []


def _read(name: str) -> bytes:
    try:
        return unescaped(_in_utf8(read_input(name)))
    except InputError as error:
        raise ProfileError(f"{error}; give a CSV export, an XML dump or a data model") from error


_DECLARED_ENCODING = re.compile(r"(<\?xml[^<>]{0,99}?)\s+encoding=[\"'][^\"'<>]{0,40}[\"']")


def _in_utf8(data: bytes) -> bytes:
    """The bytes of a text in UTF-8, also where a byte order mark tells UTF-16."""
    if not data.startswith((BOM_UTF16_LE, BOM_UTF16_BE)):
        return data
    return _DECLARED_ENCODING.sub(r"\1", data.decode("utf-16", "replace")).encode()


def _kind(data: bytes) -> str:
    if is_document(data):
        return _JSON
    if is_dump(data) or data.startswith((b"POST ", b"GET ", b"PUT ", b"HTTP/")):
        return _DUMP
    return _DEFINITIONS if data.lstrip(b"\xef\xbb\xbf \t\r\n").startswith(b"<") else _CSV


class Saved(NamedTuple):
    """The files of a device that was written, the last of which is its profile; and the profile."""

    paths: list[Path]
    profile: Profile


def save(imported: Imported, target: str) -> Saved:
    """
    Write ``target.csv``, and ``target.toml`` where it is needed; both or neither.

    Raises:
        ProfileError: one is there already, can't be written, or would be no good profile.
    """
    stem = Path(target)
    stem = stem.with_suffix("") if stem.suffix.lower() in (".csv", ".toml") else stem
    export, file = (stem.with_name(f"{stem.name}.{suffix}") for suffix in ("csv", "toml"))
    contents = {export: write_export(imported.export)}
    if imported.entries:
        contents[file] = write_profile_file(export.name, imported.entries)
    profile = _profile_of(contents)
    _write(contents)
    return Saved(list(contents), profile)


def _profile_of(contents: Mapping[Path, bytes]) -> Profile:
    """The profile that these files will be; what can't be one is not written."""
    (export, data), *rest = contents.items()
    files = [read_profile_file(path.name, text) for path, text in rest]
    return build(
        (rest[-1][0] if rest else export).name, read_export(export.name, data, KNOWN), *files
    )


def _write(contents: Mapping[Path, bytes]) -> None:
    written: list[Path] = []
    try:
        for path, content in contents.items():
            with path.open("xb") as opened:
                written.append(path)
                opened.write(content)
    except OSError as error:
        for done in written:
            done.unlink(missing_ok=True)
        cure = "choose another name with -o"
        raise ProfileError(f"{path}: {error.strerror}; {cure}") from error


# -- showing a profile ----------------------------------------------------------------------------


def description(profile: Profile) -> list[str]:
    """The description of a profile for people, in lines, without values that may be secret."""
    facts = [(name, text) for name, text in _facts(profile) if text]
    return [*(f"{name + ':':<18}{text}" for name, text in facts), *_odd_lines(profile)]


def _facts(profile: Profile) -> list[tuple[str, str]]:
    model = profile.model
    version = model.parameters[f"{profile.device_info}SoftwareVersion"].value
    return [
        ("Profile", profile.name),
        ("Root", model.root),
        ("Manufacturer", profile.manufacturer or "(none)"),
        ("OUI", profile.oui),
        ("ProductClass", profile.product_class or "(none)"),
        ("SoftwareVersion", version),
        ("CWMP", " ".join(filter(None, (profile.cwmp_version, profile.namespace)))),
        ("Inform carries", ", ".join(profile.inform_parameters)),
        ("Quirks", ", ".join(sorted(profile.quirks))),
        ("WAN pool", str(profile.pool or "")),
        ("Objects", f"{len(model.objects)}, {sum(model.objects.values())} writable"),
        ("Parameters", _counts(model.parameters.values())),
    ]


def _counts(parameters: Collection[Parameter]) -> str:
    writable = sum(parameter.writable for parameter in parameters)
    own = sum(bool(parameter.source) for parameter in parameters)
    limited = sum(parameter.limits is not None for parameter in parameters)
    return f"{len(parameters)}, {writable} writable, {own} each CPE's own, {limited} with limits"


def _odd_lines(profile: Profile) -> list[str]:
    """The values that are not of their type or within their limits; devices do have such."""
    odd = [
        f"  {path} = {'(hidden)' if parameter.hidden else repr(parameter.value)} is no {rule}"
        for path, parameter in profile.model.parameters.items()
        if not parameter.source and (rule := _broken_rule(parameter))
    ]
    if not odd:
        return [f"{'Odd values:':<18}none"]
    more = [f"  ... and {len(odd) - _EXAMPLES} more"] if len(odd) > _EXAMPLES else []
    return [f"{'Odd values:':<18}{len(odd)}, sent as they are", *odd[:_EXAMPLES], *more]


def _broken_rule(parameter: Parameter) -> str:
    """The rule of its type or limits that a value breaks; empty if it breaks none."""
    value, kind = parameter.value, parameter.type
    if not TYPES[known_type(kind)].fits(value):
        return kind
    # An enumeration lists what can be set; a device may have other values from the factory.
    bounds = (parameter.limits or Limits())._replace(enumeration=(), patterns=(), listed=None)
    return "" if bounds.take(value) else f"{kind} within its limits"
