"""
Types of parameters (TR-106 3.2), and the two records of a parameter: its row and its model.

A ``Row`` is one line of a description of a device; a ``Parameter`` is what a model keeps of it.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import NamedTuple

from caretaker.cwmp.faults import FaultCode
from caretaker.cwmp.messages import UNKNOWN_TIME, ParameterValueStruct
from caretaker.data_model.value_limits import Limits


class Row(NamedTuple):
    """One line of a description of a device: a parameter or an object."""

    path: str
    is_object: bool
    writable: bool
    value: str = ""
    type: str = "xsd:string"
    source: str = ""
    number: int = 0
    limits: Limits | None = None


class Parameter(NamedTuple):
    """
    A parameter of a model.

    ``source`` names what computes the value of each CPE (``device.values.SOURCES``, with
    ``number`` and ``value`` as its arguments); empty: it is ``value``. A ``hidden`` parameter (a
    password) reads as an empty string. ``limits`` are None where the profile knows none.
    """

    type: str
    writable: bool
    value: str
    source: str = ""
    number: int = 0
    hidden: bool = False
    limits: Limits | None = None


MAX_VALUE = 32 * 1024
"""Characters of a value that can be set, where the data model has no limit of its own."""

# -- types ----------------------------------------------------------------------------------------


class _Type(NamedTuple):
    fits: Callable[[str], object]
    default: str
    family: str
    """Values of one family may be set with each other's xsi:type."""


def _integer(least: int, most: int) -> Callable[[str], bool]:
    shape = re.compile(r"\s*[+-]?[0-9]{1,20}\s*", re.ASCII)  # int() takes no other spaces
    return lambda text: shape.fullmatch(text) is not None and least <= int(text) <= most


def _shaped(pattern: str) -> Callable[[str], object]:
    return re.compile(pattern, re.ASCII).fullmatch


_DATE_TIME = (
    r"\s*-?[0-9]{4,}-(0[1-9]|1[0-2])-(0[1-9]|[12][0-9]|3[01])T([01][0-9]|2[0-3]):[0-5][0-9]"
    r":[0-5][0-9](\.[0-9]+)?(Z|[+-](0[0-9]|1[0-4]):[0-5][0-9])?\s*"
)

TYPES: dict[str, _Type] = {
    "xsd:string": _Type(_shaped(r"(?s:.*)"), "", "string"),
    "xsd:boolean": _Type(_shaped(r"(?i:\s*(0|1|true|false)\s*)"), "0", "boolean"),
    "xsd:int": _Type(_integer(-(2**31), 2**31 - 1), "0", "number"),
    "xsd:unsignedInt": _Type(_integer(0, 2**32 - 1), "0", "number"),
    "xsd:long": _Type(_integer(-(2**63), 2**63 - 1), "0", "number"),
    "xsd:unsignedLong": _Type(_integer(0, 2**64 - 1), "0", "number"),
    "xsd:dateTime": _Type(_shaped(_DATE_TIME), UNKNOWN_TIME, "dateTime"),
    "xsd:base64Binary": _Type(
        _shaped(r"\s*(?:[A-Za-z0-9+/]{4})*(?:[A-Za-z0-9+/]{2}==|[A-Za-z0-9+/]{3}=)?\s*"),
        "",
        "base64Binary",
    ),
    "xsd:hexBinary": _Type(_shaped(r"\s*(?:[0-9A-Fa-f]{2})*\s*"), "", "hexBinary"),
    "": _Type(_shaped(r"(?s:.*)"), "", ""),
}
"""The types of parameters (TR-106): what fits, the value of a new row, and which mix."""

ANY = ""
"""The type of a parameter of unknown type: sent as a string, set with any type."""

_BY_NAME = {name.partition(":")[2].lower(): name for name in TYPES}
_BY_NAME |= dict.fromkeys(("short", "byte", "integer", "negativeinteger"), "xsd:int")
_BY_NAME |= dict.fromkeys(
    ("uint", "unsignedshort", "unsignedbyte", "nonnegativeinteger", "positiveinteger"),
    "xsd:unsignedInt",
)
_BY_NAME |= {"base64": "xsd:base64Binary", "decimal": "xsd:long", "bool": "xsd:boolean", "": ANY}


def known_type(name: str) -> str:
    """
    The type of that name, whatever its prefix and case.

    ``xsd:string`` for one that CWMP does not have, ``ANY`` for none.
    """
    return _BY_NAME.get(name.strip().rpartition(":")[2].strip().lower(), "xsd:string")


def check_value(parameter: Parameter, value: str, kind: str) -> FaultCode | None:
    """
    Why a value can't be set, or None (TR-069 A.3.2.1).

    Args:
        parameter: to be set.
        value: the text of the Value element.
        kind: its ``xsi:type``; empty where the ACS sent none, then the text alone decides.
    """
    if len(value) > MAX_VALUE:
        return FaultCode.INVALID_PARAMETER_VALUE
    kind = known_type(kind)
    if kind == "xsd:string" and _is_sent_as_string(parameter):
        return None
    families = {TYPES[kind].family, TYPES[parameter.type].family} - {""}
    if len(families) > 1:
        return FaultCode.INVALID_PARAMETER_TYPE
    limits = parameter.limits
    fits = TYPES[parameter.type].fits(value)
    if fits and (limits is None or limits.take(cleaned(value, parameter.type))):
        return None
    return FaultCode.INVALID_PARAMETER_VALUE


def cleaned(value: str, kind: str) -> str:
    """A value as it is kept: trimmed but in strings, booleans in lower case."""
    if kind in ("xsd:string", ANY) or not TYPES[kind].fits(value):
        return value
    return value.strip().lower() if kind == "xsd:boolean" else value.strip()


def _is_sent_as_string(parameter: Parameter) -> bool:
    """Whether ``typed`` sends the value as a string whatever its type: then a string is taken."""
    sent = "" if parameter.hidden else parameter.value
    return not parameter.source and not TYPES[parameter.type].fits(sent)


def typed(name: str, value: str, kind: str) -> ParameterValueStruct:
    """
    A parameter as it is sent.

    Real devices send values that are not of their type (an empty dateTime, a unit behind a
    number). Such values are kept as they are and sent as strings, which any schema takes.
    """
    fits = kind == "xsd:string" or (kind and TYPES[kind].fits(value))
    return ParameterValueStruct(name, value, kind if fits else "xsd:string")
