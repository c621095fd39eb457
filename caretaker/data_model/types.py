"""Types of parameters (TR-106 3.2): what their values look like, and how they are sent."""

from __future__ import annotations

import re
from base64 import b64encode
from calendar import monthrange
from collections.abc import Callable
from typing import NamedTuple

from caretaker.cwmp.messages import UNKNOWN_TIME, ParameterValueStruct


class _Type(NamedTuple):
    fits: Callable[[str], object]
    default: str
    family: str
    """Values of one family may be set with each other's xsi:type."""
    null: str = ""
    """What a hidden parameter reads as (TR-106 A.2.3.5)."""


def _integer(least: int, most: int) -> Callable[[str], bool]:
    shape = re.compile(r"\s*[+-]?[0-9]{1,20}\s*", re.ASCII)  # int() takes no other spaces
    return lambda text: shape.fullmatch(text) is not None and least <= int(text) <= most


def _shaped(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern, re.ASCII).fullmatch


_DATE_TIME = re.compile(
    r"\s*-?([0-9]{4,9})-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])"
    r"T(?:([01][0-9]|2[0-3]):[0-5][0-9]:[0-5][0-9](\.[0-9]+)?|24:00:00(\.0+)?)"
    r"(Z|[+-](0[0-9]|1[0-3]):[0-5][0-9]|[+-]14:00)?\s*",
    re.ASCII,
)


def _is_date_time(text: str) -> bool:
    """Whether it is a dateTime of a day that there is; years 1 and 9999 are times, too."""
    found = _DATE_TIME.fullmatch(text)
    if found is None:
        return False
    # The calendar repeats after 400 years, and has a year 0 in none of its libraries.
    year, month, day = int(found[1]) % 400 + 400, int(found[2]), int(found[3])
    return day <= monthrange(year, month)[1]


TYPES: dict[str, _Type] = {
    "xsd:string": _Type(_shaped(r"(?s:.*)"), "", "string"),
    "xsd:boolean": _Type(_shaped(r"(?i:\s*(0|1|true|false)\s*)"), "0", "boolean", "false"),
    "xsd:int": _Type(_integer(-(2**31), 2**31 - 1), "0", "number", "-1"),
    "xsd:unsignedInt": _Type(_integer(0, 2**32 - 1), "0", "number", "0"),
    "xsd:long": _Type(_integer(-(2**63), 2**63 - 1), "0", "number", "-1"),
    "xsd:unsignedLong": _Type(_integer(0, 2**64 - 1), "0", "number", "0"),
    "xsd:decimal": _Type(
        _shaped(r"\s*[+-]?([0-9]{1,38}(\.[0-9]{0,38})?|\.[0-9]{1,38})\s*"), "0", "number", "-1"
    ),
    "xsd:dateTime": _Type(_is_date_time, UNKNOWN_TIME, "dateTime", UNKNOWN_TIME),
    "xsd:base64Binary": _Type(
        _shaped(r"\s*(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\s*"),
        "",
        "base64Binary",
    ),
    "xsd:hexBinary": _Type(_shaped(r"\s*(?:[0-9A-Fa-f]{2})*\s*"), "", "hexBinary"),
    "": _Type(_shaped(r"(?s:.*)"), "", ""),
}
"""The types of parameters (TR-106): what fits, the value of a new row, which mix, and the null."""

_LENGTHS: dict[str, Callable[[str], int]] = {
    "xsd:hexBinary": lambda text: len(text.strip()) // 2,
    "xsd:base64Binary": lambda text: len(text.strip()) // 4 * 3 - text.count("="),
}


BINARY_TYPES = tuple(_LENGTHS)
"""The types whose sizes count octets."""


def length_of(value: str, kind: str) -> int:
    """The length that a size limits: octets of a binary value, characters of all others."""
    return _LENGTHS.get(kind, len)(value)


def zero_octets(count: int, kind: str) -> str:
    """So many octets of 0 as a value of a binary type; empty of all others."""
    if kind == "xsd:hexBinary":
        return "00" * count
    return b64encode(bytes(count)).decode() if kind == "xsd:base64Binary" else ""


ANY = ""
"""The type of a parameter of unknown type: sent as a string, set with any type."""

_BY_NAME = {name.partition(":")[2].lower(): name for name in TYPES}
_BY_NAME |= dict.fromkeys(("short", "byte", "integer", "negativeinteger"), "xsd:int")
_BY_NAME |= dict.fromkeys(
    ("uint", "unsignedshort", "unsignedbyte", "nonnegativeinteger", "positiveinteger"),
    "xsd:unsignedInt",
)
_BY_NAME |= {"base64": "xsd:base64Binary", "bool": "xsd:boolean", "": ANY}


def known_type(name: str) -> str:
    """
    The type of that name, whatever its prefix and case.

    ``xsd:string`` for one that CWMP does not have, ``ANY`` for none.
    """
    return _BY_NAME.get(name.strip().rpartition(":")[2].strip().lower(), "xsd:string")


def cleaned(value: str, kind: str) -> str:
    """A value as it is kept: trimmed but in strings, booleans in lower case."""
    if kind in ("xsd:string", ANY) or not TYPES[kind].fits(value):
        return value
    return value.strip().lower() if kind == "xsd:boolean" else value.strip()


def typed(name: str, value: str, kind: str) -> ParameterValueStruct:
    """
    A parameter as it is sent.

    Real devices send values that are not of their type (an empty dateTime, a unit behind a
    number). Such values are kept as they are and sent as strings, which any schema takes.
    """
    fits = kind == "xsd:string" or (kind and TYPES[kind].fits(value))
    return ParameterValueStruct(name, value, kind if fits else "xsd:string")
