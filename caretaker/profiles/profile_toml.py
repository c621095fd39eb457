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
from ipaddress import IPv4Network
from typing import Any

from caretaker.cwmp.envelope import CWMP_1_0, CWMP_1_1, CWMP_1_2
from caretaker.data_model.dynamic_values import Rules, parse_dynamic
from caretaker.data_model.templates import check_template
from caretaker.data_model.types import TYPES, known_type
from caretaker.data_model.value_limits import Limits
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
        raise ProfileError("no base; name a CSV export, tr181 or tr098: base = 'router.csv'")
    version = given.get("cwmp", "")
    identity = dict(given.get("identity", ()))
    pool = identity.pop("pool", None)
    return ProfileFile(
        name=name,
        base=given["base"],
        cwmp_version=version,
        namespace=given.get("namespace") or CWMP_VERSIONS.get(version, ""),
        quirks=given.get("quirks", frozenset()),
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
            yield above + key, _text(f"[{place}] {above}{key}", value)


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
    return tuple(_entry(table) for table in _tables(place, value))


def _entry(table: dict[str, Any]) -> Entry:
    path = table.get("path")
    if not isinstance(path, str) or not path:
        raise ProfileError("[[parameter]]: no path; write path = 'Device. ...'")
    place = f"[[parameter]] {path}"
    _check_keys(place, table, _ENTRY)
    given = {key: _ENTRY[key](f"{place}: {key}", value) for key, value in table.items()}
    shortest, longest = given.get("size", (None, None))
    limits = Limits(
        least=given.get("least"),
        most=given.get("most"),
        enumeration=given.get("enumeration", ()),
        shortest=shortest,
        longest=longest,
        is_list=given.get("list", False),
        default=given.get("default"),
        deny_active=given.get("deny_active", False),
    )
    if None not in (limits.least, limits.most) and given["least"] > given["most"]:
        raise ProfileError(f"{place}: least is above most")
    return Entry(
        path=path,
        type=given.get("type"),
        writable=given.get("writable"),
        value=given.get("value"),
        limits=None if limits == Limits() else limits,
        inform=given.get("inform", False),
    )


def _type(place: str, value: Any) -> str:
    kind = known_type(_string(place, value))
    if kind == "xsd:string" and value.rpartition(":")[2].lower() != "string":
        names = ", ".join(name for name in TYPES if name)
        raise ProfileError(f"{place} = {value!r}: write one of {names}")
    return kind


def _enumeration(place: str, value: Any) -> tuple[str, ...]:
    return tuple(_text(place, item) for item in _list(place, value))


def _size(place: str, value: Any) -> tuple[int | None, int | None]:
    """``longest``, or ``[shortest, longest]``."""
    if isinstance(value, list) and len(value) == 2:
        return _integer(place, value[0]), _integer(place, value[1])
    return None, _integer(place, value)


_Reader = Callable[[str, Any], Any]
_ENTRY: dict[str, _Reader] = {
    "path": _string,
    "type": _type,
    "writable": _boolean,
    "value": _text,
    "least": _integer,
    "most": _integer,
    "enumeration": _enumeration,
    "size": _size,
    "list": _boolean,
    "default": _text,
    "deny_active": _boolean,
    "inform": _boolean,
}
"""The keys of ``[[parameter]]``."""
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
