"""Types of parameters: what fits, what is set and what is sent."""

from __future__ import annotations

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from caretaker.cwmp.faults import FaultCode
from caretaker.cwmp.messages import ParameterValueStruct
from caretaker.data_model.parameter import Parameter, check_value
from caretaker.data_model.types import TYPES, known_type, typed


@pytest.mark.rule("3.2-5", "3.2-7", "11-2")
@pytest.mark.parametrize(
    ("kind", "good", "bad"),
    [
        ("xsd:string", ["", "any\nthing"], []),
        ("xsd:boolean", ["0", "1", "true", " false ", "TRUE"], ["yes", ""]),
        ("xsd:int", ["-1", "+5", "2147483647"], ["2147483648", "", "1.0", "x"]),
        ("xsd:unsignedInt", ["0", "4294967295"], ["-1", "4294967296", ""]),
        ("xsd:long", ["-9223372036854775808"], ["9223372036854775808"]),
        ("xsd:unsignedLong", ["18446744073709551615"], ["-1"]),
        (
            "xsd:dateTime",
            ["0001-01-01T00:00:00Z", "2023-03-03T18:08:10.000Z", "2026-11-23T10:00:00+01:00"],
            ["", "2026-13-01T00:00:00Z", "today", "2026-11-23"],
        ),
        ("xsd:base64Binary", ["", "QUJD", "QQ=="], ["Q", "****"]),
        ("xsd:hexBinary", ["", "00ff"], ["0", "xy"]),
    ],
)
def test_types_know_what_fits(kind: str, good: list[str], bad: list[str]) -> None:
    assert all(TYPES[kind].fits(value) for value in good)
    assert not any(TYPES[kind].fits(value) for value in bad)
    assert TYPES[kind].fits(TYPES[kind].default)


@pytest.mark.rule("3.2-8")
@pytest.mark.parametrize("value", ["9999-12-31T23:59:59Z", "0001-01-01T00:03:08Z"])
def test_times_that_are_no_date_are_kept_as_they_are(value: str) -> None:
    parameter = Parameter("xsd:dateTime", True, "0001-01-01T00:00:00Z")
    assert check_value(parameter, value, "xsd:dateTime") is None
    sent = typed("Device.X", value, "xsd:dateTime")
    assert sent == ParameterValueStruct("Device.X", value, "xsd:dateTime")


def test_names_of_types_that_are_none() -> None:
    names = {
        "xsd:base64": "xsd:base64Binary",
        "": "",
        "xsd:float": "xsd:string",
        "xsd:int": "xsd:int",
        " xs:unsignedInt ": "xsd:unsignedInt",
        "unsignedShort": "xsd:unsignedInt",
        "datetime": "xsd:dateTime",
    }
    assert {name: known_type(name) for name in names} == names


def test_what_is_told_as_a_string_can_be_set_as_one() -> None:
    odd = Parameter("xsd:dateTime", True, "N/A")
    assert check_value(odd, "N/A", "xsd:string") is None
    assert check_value(odd, "2026-11-23T10:00:00Z", "xsd:dateTime") is None
    hidden = Parameter("xsd:unsignedInt", True, "odd", hidden=True)  # it is told as a number
    assert check_value(hidden, "12345670", "xsd:string") == FaultCode.INVALID_PARAMETER_TYPE
    assert typed("X", "5", "").type == "xsd:string"
    assert check_value(Parameter("", True, "5"), "6", "xsd:unsignedInt") is None


@pytest.mark.rule("3.2-4")
@pytest.mark.parametrize(
    ("kind", "value", "sent_as", "fault"),
    [
        ("xsd:unsignedInt", "5", "xsd:unsignedInt", None),
        ("xsd:unsignedInt", "5", "xsd:int", None),
        ("xsd:unsignedInt", "5", "", None),
        ("xsd:unsignedInt", "5", "xsd:string", FaultCode.INVALID_PARAMETER_TYPE),
        ("xsd:unsignedInt", "-5", "xsd:int", FaultCode.INVALID_PARAMETER_VALUE),
        ("xsd:string", "5", "xsd:int", FaultCode.INVALID_PARAMETER_TYPE),
        ("xsd:boolean", "maybe", "xsd:boolean", FaultCode.INVALID_PARAMETER_VALUE),
        ("xsd:boolean", "fal\u017fe", "xsd:boolean", FaultCode.INVALID_PARAMETER_VALUE),
        ("xsd:dateTime", "2026-11-23T10:00:00.123Z", "xsd:dateTime", None),
    ],
)
def test_values_are_checked(kind: str, value: str, sent_as: str, fault: FaultCode | None) -> None:
    assert fault == check_value(Parameter(kind, True, TYPES[kind].default), value, sent_as)


@pytest.mark.rule("3.2-3")
@example("xsd:int", "0\x1f")  # a space for re, none for int()
@given(st.sampled_from(sorted(TYPES)), st.text(max_size=30))
def test_what_is_sent_fits_its_type(kind: str, value: str) -> None:
    sent = typed("Device.X", value, kind)
    assert value == sent.value
    assert TYPES[sent.type].fits(value)
