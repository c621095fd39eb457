"""
Reading profile files: TOML, described by one table of keys and readers for each TOML table.

The reader of a key checks its value. Whether a path names a parameter can be checked only against
the base, which ``ProfileFile.adjusted`` does.
"""

from __future__ import annotations

import re
import tomllib
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import date, time
from decimal import Decimal
from ipaddress import IPv4Network
from math import isfinite
from typing import Any

from caretaker.cwmp.envelope import CWMP_1_0, CWMP_1_1, CWMP_1_2
from caretaker.data_model.dynamic_values import Rules, parse_dynamic
from caretaker.data_model.templates import check_template
from caretaker.data_model.types import TYPES, known_type
from caretaker.data_model.value_limits import (
    Limits,
    ListLimits,
    Number,
    Range,
    Size,
    compiled_pattern,
)
from caretaker.errors import ProfileError
from caretaker.profiles.profile_file import Entry, ProfileFile
from caretaker.profiles.quirks import QUIRKS

CWMP_VERSIONS = {
    "1.0": CWMP_1_0,
    "1.1": CWMP_1_1,
    "1.2": CWMP_1_2,
    "1.3": CWMP_1_2,
    "1.4": CWMP_1_2,
}
"""The namespace of each version; 1.3 and 1.4 have none of their own."""

DEVICE = {
    "manufacturer": "DeviceInfo.Manufacturer",
    "oui": "DeviceInfo.ManufacturerOUI",
    "product_class": "DeviceInfo.ProductClass",
    "hardware_version": "DeviceInfo.HardwareVersion",
    "software_version": "DeviceInfo.SoftwareVersion",
}
"""The keys of ``[device]``, with the parameters they stand for."""


_Reader = Callable[[str, Any], Any]


def normalized_oui(text: str) -> str:
    """The six hexadecimal digits of an OUI, whatever separates them; empty if it is no OUI."""
    digits = re.sub(r"[^0-9A-Fa-f]", "", text).upper()
    return digits if len(digits) == 6 else ""


def read_profile_file(name: str, data: bytes) -> ProfileFile:
    """
    Read a profile file.

    Args:
        name: of the file, for errors.
        data: the content of the file.

    Raises:
        ProfileError: the file is not TOML, or has a key or value that no profile file can have.
    """
    try:
        content = tomllib.loads(data.decode())
    except (ValueError, RecursionError) as error:
        why = " ".join(str(error).split())
        raise ProfileError(f"profile {name}: not TOML ({why}); mend it") from error
    try:
        return _read(name, content)
    except ProfileError as error:
        raise ProfileError(f"profile {name}: {error}") from error


def _read(name: str, content: dict[str, Any]) -> ProfileFile:
    _check_keys("the file", content, _TOP)
    given = {key: _TOP[key](key, value) for key, value in content.items()}
    if not given.get("base"):
        raise ProfileError("no base; name a CSV export or a built-in profile: base = 'router.csv'")
    version = given.get("cwmp", "")
    identity = dict(given.get("identity", ()))
    pool = identity.pop("pool", None)
    return ProfileFile(
        name=name,
        base=given["base"],
        cwmp_version=version,
        namespace=given.get("namespace") or CWMP_VERSIONS.get(version, ""),
        quirks=given.get("quirks"),
        pool=None if pool is None else _pool(pool),
        device=given.get("device", ()),
        values=given.get("values", ()),
        identity=tuple((path, _template(path, text)) for path, text in identity.items()),
        parameters=given.get("parameter", ()),
        dynamic=given.get("dynamic", ()),
    )


def _check_keys(place: str, given: Mapping[str, Any], known: Iterable[str]) -> None:
    unknown = sorted(set(given) - set(known))
    if unknown:
        raise ProfileError(f"{place}: no key {unknown[0]!r}; there are {', '.join(known)}")


def _string(place: str, value: Any) -> str:
    if not isinstance(value, str):
        raise ProfileError(f"{place} = {value!r}: write a string, in quotes")
    return value


def _boolean(place: str, value: Any) -> bool:
    if not isinstance(value, bool):
        raise ProfileError(f"{place} = {value!r}: write true or false")
    return value


def _integer(place: str, value: Any) -> int:
    if not isinstance(value, int) or isinstance(value, bool):
        raise ProfileError(f"{place} = {value!r}: write a whole number")
    return value


def _text(place: str, value: Any) -> str:
    """A value of a parameter as CWMP writes it."""
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, date | time):
        return value.isoformat()
    if not isinstance(value, str | int | float):
        raise ProfileError(f"{place} = {value!r}: write a string, number, boolean or date")
    return str(value)


def _list(place: str, value: Any) -> list[Any]:
    if not isinstance(value, list):
        raise ProfileError(f"{place} = {value!r}: write a list, in brackets")
    return value


def _table(place: str, value: Any) -> dict[str, Any]:
    if not isinstance(value, dict):
        raise ProfileError(f"{place} = {value!r}: write a table, [{place}]")
    return value


def _tables(place: str, value: Any) -> list[dict[str, Any]]:
    if not all(isinstance(item, dict) for item in _list(place, value)):
        raise ProfileError(f"{place}: write tables, [[{place}]]")
    return list(value)


def _dynamic(place: str, value: Any) -> Rules:
    return tuple(map(parse_dynamic, _tables(place, value)))


def _version(place: str, value: Any) -> str:
    if not isinstance(value, str) or value not in CWMP_VERSIONS:
        raise ProfileError(
            f"{place} = {value!r}: write one of {', '.join(map(repr, CWMP_VERSIONS))}"
        )
    return str(value)


def _namespace(place: str, value: Any) -> str:
    if not _string(place, value).startswith("urn:"):
        raise ProfileError(f"{place} = {value!r}: write a URN like {CWMP_1_2!r}")
    return str(value)


def _quirks(place: str, value: Any) -> frozenset[str]:
    given = [_string(place, item) for item in _list(place, value)]
    unknown = sorted(set(given) - set(QUIRKS))
    if unknown:
        raise ProfileError(f"{place}: no {unknown[0]!r}; there are {', '.join(QUIRKS)}")
    return frozenset(given)


def _device(place: str, value: Any) -> tuple[tuple[str, str], ...]:
    given = {key: _string(key, text) for key, text in _table(place, value).items()}
    _check_keys(f"[{place}]", given, DEVICE)
    if "oui" in given and not normalized_oui(given["oui"]):
        raise ProfileError(f"oui = {given['oui']!r}: write six hexadecimal digits")
    if "oui" in given:
        given["oui"] = normalized_oui(given["oui"])
    if any(len(text) > 64 for text in given.values()):
        raise ProfileError(
            f"[{place}]: nothing there may have more than 64 characters (TR-069 A.3.3.1)"
        )
    return tuple((DEVICE[key], text) for key, text in given.items())


def _by_path(place: str, value: Any) -> tuple[tuple[str, str], ...]:
    return tuple(_flattened(place, _table(place, value)))


def _flattened(place: str, table: Mapping[str, Any], above: str = "") -> Iterator[tuple[str, str]]:
    """Values by path; TOML reads a path without quotes as tables within tables."""
    for key, value in table.items():
        if isinstance(value, dict):
            yield from _flattened(place, value, f"{above}{key}.")
        else:
            yield above + key.strip(), _text(f"[{place}] {above}{key}", value)


def _pool(text: str) -> IPv4Network:
    try:
        return IPv4Network(text)
    except ValueError as error:
        raise ProfileError(
            f"[identity] pool = {text!r}: write a network like '100.64.0.0/10'"
        ) from error


def _template(path: str, text: str) -> str:
    try:
        check_template(text)
    except ValueError as error:
        raise ProfileError(f"[identity] {path} = {text!r}: {error}") from error
    return text


def _parameters(place: str, value: Any) -> tuple[Entry, ...]:
    return tuple(entry for table in _tables(place, value) for entry in _entries(table))


def _entries(table: dict[str, Any]) -> list[Entry]:
    """The entries of a table, which may name several paths."""
    path = table.get("path")
    paths = path if isinstance(path, list) else [path]
    if not paths or not all(isinstance(one, str) and one.strip() for one in paths):
        raise ProfileError("[[parameter]]: no path; write path = 'Device. ...'")
    place = f"[[parameter]] {paths[0]}"
    given = _given(place, table, _ENTRY | _FACETS)
    limits = _limits(given)
    entry = Entry(
        path="",
        type=given.get("type"),
        writable=given.get("writable"),
        value=given.get("value"),
        limits=None if limits == Limits(type=limits.type) else limits,
        inform=given.get("inform", False),
        hidden=given.get("hidden"),
    )
    return [entry._replace(path=str(one).strip()) for one in paths]


def _given(place: str, table: dict[str, Any], known: Mapping[str, _Reader]) -> dict[str, Any]:
    """The values of a table, each checked by the reader of its key."""
    _check_keys(place, table, known)
    given = {key: known[key](f"{place}: {key}", value) for key, value in table.items()}
    for one in (Range(given.get("least"), given.get("most")), *given.get("ranges", ())):
        if None not in one[:2] and one.least > one.most:
            raise ProfileError(f"{place}: least is above most")
    return given


def _limits(given: Mapping[str, Any]) -> Limits:
    listed = given.get("list", False)
    facets = _facets(given)
    if listed is True:  # the size is that of the whole list, all else of each item
        facets = Limits(sizes=facets.sizes, listed=ListLimits(facets._replace(sizes=())))
    elif listed:
        facets = facets._replace(listed=listed, type="xsd:string")
    return facets._replace(
        default=given.get("default"),
        deny_active=given.get("deny_active", False),
        write_once=given.get("write_once", False),
    )


def _facets(given: Mapping[str, Any]) -> Limits:
    """The limits of a value, or of each item of a list."""
    own = Range(given.get("least"), given.get("most"), given.get("step", 1))
    return Limits(
        ranges=given.get("ranges", () if own == Range() else (own,)),
        sizes=given.get("sizes", (given["size"],) if "size" in given else ()),
        enumeration=given.get("enumeration", ()),
        patterns=given.get("pattern", ()),
        type=given.get("type", "xsd:string"),
    )


def _listed(place: str, value: Any) -> bool | ListLimits:
    """``true``, or the limits of a list and its items."""
    if isinstance(value, bool):
        return value
    given = _given(place, _table(place, value), _LIST | _FACETS)
    items = given.get("items", Size())
    item = _limits(given)
    return ListLimits(item, items.shortest, items.longest, given.get("brackets", False))


def _range(place: str, value: Any) -> Range:
    given = {
        key: _number(f"{place}: {key}", number) for key, number in _table(place, value).items()
    }
    _check_keys(place, given, Range._fields)
    return Range(**given)


def _ranges(place: str, value: Any) -> tuple[Range, ...]:
    return tuple(_range(place, item) for item in _list(place, value))


def _number(place: str, value: Any) -> Number:
    if not isinstance(value, int | float) or isinstance(value, bool) or not isfinite(value):
        raise ProfileError(f"{place} = {value!r}: write a number")
    return Decimal(str(value)) if isinstance(value, float) else value


def _step(place: str, value: Any) -> Number:
    if _number(place, value) <= 0:
        raise ProfileError(f"{place} = {value!r}: write a number above 0")
    return _number(place, value)


def _type(place: str, value: Any) -> str:
    kind = known_type(_string(place, value))
    if kind == "xsd:string" and value.rpartition(":")[2].lower() != "string":
        names = ", ".join(name for name in TYPES if name)
        raise ProfileError(f"{place} = {value!r}: write one of {names}")
    return kind


def _enumeration(place: str, value: Any) -> tuple[str, ...]:
    return tuple(_text(place, item) for item in _list(place, value))


def _patterns(place: str, value: Any) -> tuple[str, ...]:
    patterns = tuple(_string(place, item) for item in _list(place, value))
    for text in patterns:
        try:
            compiled_pattern(text)
        except ValueError as error:
            raise ProfileError(f"{place} = {error}") from error
    return patterns


def _size(place: str, value: Any) -> Size:
    """``longest``, or ``[shortest, longest]``."""
    if isinstance(value, list) and len(value) == 2:
        return Size(_integer(place, value[0]), _integer(place, value[1]))
    return Size(0, _integer(place, value))


def _sizes(place: str, value: Any) -> tuple[Size, ...]:
    return tuple(_size(place, item) for item in _list(place, value))


_FACETS: dict[str, _Reader] = {
    "type": _type,
    "least": _number,
    "most": _number,
    "step": _step,
    "ranges": _ranges,
    "size": _size,
    "sizes": _sizes,
    "enumeration": _enumeration,
    "pattern": _patterns,
    "list": _listed,
}
"""The keys of a value's limits, in ``[[parameter]]`` and in its ``list``."""
_LIST: dict[str, _Reader] = {"items": _size, "brackets": _boolean}
"""The further keys of ``list``."""
_ENTRY: dict[str, _Reader] = {
    "path": lambda _, value: value,
    "writable": _boolean,
    "value": _text,
    "default": _text,
    "deny_active": _boolean,
    "write_once": _boolean,
    "hidden": _boolean,
    "inform": _boolean,
}
"""The further keys of ``[[parameter]]``."""
_TOP: dict[str, _Reader] = {
    "base": _string,
    "cwmp": _version,
    "namespace": _namespace,
    "quirks": _quirks,
    "device": _device,
    "values": _by_path,
    "identity": _by_path,
    "parameter": _parameters,
    "dynamic": _dynamic,
}
"""The keys of the file."""
