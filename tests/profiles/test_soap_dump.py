"""Dumps of a device's answers, and recorded sessions of real ones, as profiles."""

from __future__ import annotations

from pathlib import Path

import pytest
from helpers.cpes import read_profile
from hypothesis import given
from hypothesis import strategies as st

from caretaker.cwmp import Envelope, encode
from caretaker.cwmp import messages as m
from caretaker.errors import ProfileError
from caretaker.profiles.genieacs_csv import write_export
from caretaker.profiles.profile import KNOWN
from caretaker.profiles.soap_dump import is_dump, read_dump

NAMES = m.GetParameterNamesResponse(
    (
        m.ParameterInfoStruct("Device.", False),
        m.ParameterInfoStruct("Device.X.", True),
        m.ParameterInfoStruct("Device.X.1.", True),
        m.ParameterInfoStruct("Device.X.1.A", True),
        m.ParameterInfoStruct("Device.X.1.B", False),
    )
)
VALUES = m.GetParameterValuesResponse(
    (
        m.ParameterValueStruct("Device.X.1.A", "5", "xsd:unsignedInt"),
        m.ParameterValueStruct("Device.X.1.B", "<&>", "xsd:string"),
        m.ParameterValueStruct("Device.ManagementServer.PeriodicInformInterval", "60", ""),
    )
)
INFORM = m.Inform(
    m.DeviceIdStruct("Acme", "00AABB", "R1", "S0000001"),
    (m.EventStruct("1 BOOT"),),
    1,
    "2026-01-01T00:00:00Z",
    0,
    (m.ParameterValueStruct("Device.DeviceInfo.SoftwareVersion", "7", "xsd:string"),),
)


def dump(*messages: m.Message, between: bytes = b"\n") -> bytes:
    return between.join(encode(Envelope(each, "1")) for each in messages)


def test_names_tell_access_values_tell_types_and_the_inform_who_it_is() -> None:
    export = read_dump([("a", dump(NAMES, VALUES)), ("b", dump(INFORM))], KNOWN)
    profile = read_profile("box", write_export(export))
    model = profile.model
    assert model.objects["Device.X."] is model.objects["Device.X.1."] is True
    a, b = model.parameters["Device.X.1.A"], model.parameters["Device.X.1.B"]
    assert (a.type, a.writable, a.value) == ("xsd:unsignedInt", True, "5")
    assert (b.type, b.writable, b.value) == ("xsd:string", False, "<&>")
    assert (profile.manufacturer, profile.oui, profile.product_class) == ("Acme", "00AABB", "R1")
    assert model.constants["Device.DeviceInfo.SoftwareVersion"].value == "7"


def test_their_order_does_not_matter() -> None:
    one, other = (
        read_dump([("a", dump(*messages))], KNOWN)
        for messages in ((NAMES, VALUES), (VALUES, NAMES))
    )
    assert {row.path: row for row in one.rows} == {row.path: row for row in other.rows}


def test_without_names_what_an_acs_must_set_can_be_set() -> None:
    rows = {row.path: row for row in read_dump([("a", dump(VALUES))], KNOWN).rows}
    assert rows["Device.ManagementServer.PeriodicInformInterval"].writable
    assert not rows["Device.X.1.A"].writable


def test_http_headers_may_stand_between() -> None:
    between = b"\r\n\r\nHTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n\r\n"
    data = b"POST / HTTP/1.1\r\n\r\n" + dump(INFORM, m.GetRPCMethods(), VALUES, between=between)
    assert len(read_dump([("a", data)], KNOWN).rows) == 4


@pytest.mark.parametrize(
    ("data", "complaint"),
    [
        (b"POST / HTTP/1.1\r\n\r\n", "no parameters of a device"),
        (dump(m.GetRPCMethods()), "no parameters of a device"),
        (b"<s:Envelope><s:Body></s:Envelope>", "envelope 1: not well-formed XML"),
        (dump(VALUES).replace(b"Device.", b"Gadget."), "no parameters of a device"),
    ],
)
def test_what_is_no_dump_is_one_line(data: bytes, complaint: str) -> None:
    with pytest.raises(ProfileError, match=complaint) as error:
        read_dump([("dump.xml", data)], KNOWN)
    assert "dump.xml" in str(error.value)


@pytest.mark.parametrize(
    ("old", "new", "odd", "lost"),
    [
        (b"<Writable>1</Writable>", b"<Writable>30</Writable>", "Device.X.: Writable is '30'", 0),
        (b"<Name>Device.X.1.B</Name>", b"<Name> </Name>", "a name of 0 characters", 1),
        (b"<Name>Device.X.1.B<", b"<Name>" + b"x" * 300 + b"<", "a name of 300 characters", 1),
        (b"<Name>Device.X.1.B</Name>", b"", "a name of 0 characters", 1),
        (b"<Writable>1</Writable>", b"", "Device.X.: neither Writable nor Value", 0),
        (b"</ParameterInfoStruct>", b"", "envelope 1: not well-formed XML", None),
    ],
)
def test_an_odd_item_is_named_and_the_others_are_read(
    old: bytes, new: bytes, odd: str, lost: int | None
) -> None:
    whole = dump(NAMES)
    assert old in whole
    export = read_dump([("a", whole.replace(old, new, 1))], KNOWN)
    assert len(export.odd) == 1
    assert odd in export.odd[0]
    expected = len(NAMES.parameter_list)
    assert len(export.rows) >= 3 if lost is None else len(export.rows) == expected - lost


@pytest.mark.parametrize("after", [b"", b"\r\nHTTP/1.1 200 OK\r\n\r\n" + dump(NAMES)])
def test_an_envelope_that_was_cut_off_is_read_as_far_as_it_is(after: bytes) -> None:
    cut = dump(VALUES)
    cut = cut[: cut.index(b"</Value>")].replace(b"<soap-env:", b"<x:").replace(b"-env=", b"=")
    export = read_dump([("a", cut + after)], KNOWN)
    assert export.rows
    assert export.odd[0] == "a: envelope 1: not well-formed XML; read as far as it is"
    assert VALUES.parameter_list[0].name in [row.path for row in export.rows]


def test_blanks_around_names_and_undeclared_prefixes_do_not_matter() -> None:
    data = (
        dump(NAMES).replace(b"<Name>", b"<Name> \n").replace(b"<Writable>", b'<Writable q:a="b">')
    )
    export = read_dump([("a", data)], KNOWN)
    assert [row.path for row in export.rows] == [info.name for info in NAMES.parameter_list]
    assert export.odd == []


@pytest.mark.parametrize("name", ["xsi:type", "type", "undeclared"])
def test_the_prefix_of_a_type_does_not_matter(name: str) -> None:
    data = dump(VALUES).replace(b"xsi:type", name.encode()).replace(b"undeclared", b"xsi:type")
    if name == "undeclared":
        data = data.replace(b"xmlns:xsi=", b"xmlns:other=")
    rows = read_dump([("a", data)], KNOWN).rows
    assert [row.type for row in rows[:2]] == ["xsd:unsignedInt", "xsd:string"]


def test_two_devices_in_a_dump_are_told() -> None:
    other = dump(INFORM).replace(b"S0000001", b"S0000002")
    export = read_dump([("a", dump(INFORM, INFORM)), ("b", other)], KNOWN)
    assert export.odd == ["b: envelope 1: another device than before; read as if it were the same"]


@given(st.binary(max_size=60), st.binary(max_size=60))
def test_any_bytes_are_a_dump_or_a_profile_error(before: bytes, inside: bytes) -> None:
    data = before + b"<a:Envelope>" + inside + b"</a:Envelope>"
    assert is_dump(data)
    try:
        read_dump([("any", data)], KNOWN)
    except ProfileError:
        pass


def test_recorded_sessions_become_devices(captures: Path) -> None:
    expected = {
        "genieacs__cwmp-sim__first-contact": ("C0FFEE", 40),
        "genieacs__easycwmp__refresh-object": ("FFFFFF", 70),
        "genieacs__genieacs-sim__first-contact": ("A1B2C3", 25),
    }
    for name, (oui, least) in expected.items():
        files = sorted((captures / name).glob("*.request.http"))
        export = read_dump([(path.name, path.read_bytes()) for path in files], KNOWN)
        profile = read_profile(name, write_export(export))
        assert profile.oui == oui
        assert len(profile.model.parameters) >= least
