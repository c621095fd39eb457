"""
The two records of a parameter: a ``Row`` is one line of a description of a device, a ``Parameter``
is what a model keeps of it; and whether a parameter takes a value.
"""

from __future__ import annotations

from typing import NamedTuple

from caretaker.cwmp.faults import FaultCode
from caretaker.data_model.types import TYPES, cleaned, known_type
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
    hidden: bool | None = None
    """Whether it reads as null; None where the description does not say."""


class Parameter(NamedTuple):
    """
    A parameter of a model.

    ``source`` names what computes the value of each CPE (``device.values.SOURCES``, with
    ``number`` and ``value`` as its arguments); empty: it is ``value``. A ``hidden`` parameter (a
    password, a command) reads as the null value of its type. ``limits`` are None where the profile
    knows none.
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


def _is_sent_as_string(parameter: Parameter) -> bool:
    """Whether ``typed`` sends the value as a string whatever its type: then a string is taken."""
    if parameter.hidden or parameter.source:
        return False
    return not TYPES[parameter.type].fits(parameter.value)
