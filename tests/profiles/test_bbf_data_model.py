"""Data-model definitions: a small document in the structure of the Broadband Forum's."""

from __future__ import annotations

import re
from dataclasses import dataclass

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.data_model.parameter import Row
from caretaker.data_model.value_limits import Limits, ListLimits, Range, Size
from caretaker.errors import ProfileError
from caretaker.profiles.bbf_data_model import Definitions, read_definitions
from caretaker.profiles.profile_file import Entry

XML = """<?xml version="1.0" encoding="UTF-8"?>
<!-- written for this test -->
<dm:document xmlns:dm="urn:broadband-forum-org:cwmp:datamodel-1-6" spec="urn:test" file="t.xml">
  <description>A gadget</description>
  <dataType name="Address"><string><size maxLength="45"/></string></dataType>
  <dataType name="Address4" base="Address"><size maxLength="15"/><pattern value=""/></dataType>
  <dataType name="Loop" base="Loop"/>
  <dataType name="Alias"><string><size maxLength="64"/></string></dataType>
  <dataType name="State"><string>
    <enumeration value="None" access="readOnly"/>
    <enumeration value="Requested"/>
    <enumeration value="Gone" status="deleted"/>
  </string></dataType>
  <model name="Device:2.99">
    <parameter name="RootDataModelVersion" access="readOnly" forcedInform="true">
      <syntax><string/><default type="factory" value="2.99"/></syntax>
    </parameter>
    <object name="Device.Gadget." access="readOnly" minEntries="1" maxEntries="1">
      <parameter name="Mode" access="readWrite">
        <description>{{enum}}</description>
        <syntax><string><enumeration value="Fast"><description>quick</description></enumeration>
          <enumeration value="Slow"/></string><default type="factory" value="Slow"/></syntax>
      </parameter>
      <parameter name="State" access="readWrite"><syntax><dataType ref="State"/></syntax>
      </parameter>
      <parameter name="Level" access="readWrite">
        <syntax><int><range minInclusive="-5" maxInclusive="-1"/>
          <range minInclusive="3" maxInclusive="9"/></int></syntax>
      </parameter>
      <parameter name="Bands" access="readWrite">
        <syntax><list><size maxLength="20"/></list>
          <string><enumeration value="A"/><enumeration value="B"/></string></syntax>
      </parameter>
      <parameter name="Counter" access="readOnly" activeNotify="canDeny">
        <syntax><unsignedInt><range minInclusive="7"/></unsignedInt></syntax>
      </parameter>
      <parameter name="Address" access="readWrite">
        <syntax><dataType ref="Address4"/></syntax>
      </parameter>
      <parameter name="Loop" access="readWrite"><syntax><dataType ref="Loop"/></syntax></parameter>
      <parameter name="Old" access="readOnly" status="deprecated"><syntax><boolean/></syntax>
      </parameter>
      <parameter name="PartNumberOfEntries" access="readOnly">
        <syntax><unsignedInt/></syntax>
      </parameter>
    </object>
    <object name="Device.Gadget.Part.{i}." access="readWrite" minEntries="0" maxEntries="8"
            numEntriesParameter="PartNumberOfEntries">
      <uniqueKey functional="false"><parameter ref="Alias"/></uniqueKey>
      <parameter name="Alias" access="readWrite"><syntax><dataType ref="Alias"/></syntax>
      </parameter>
      <parameter name="Size" access="readWrite">
        <syntax><unsignedInt><range minInclusive="1" maxInclusive="4"/></unsignedInt>
          <default type="object" value="2"/></syntax>
      </parameter>
      <parameter name="Status" access="readOnly">
        <syntax><string><enumeration value="Up"/><enumeration value="Down"/></string></syntax>
      </parameter>
    </object>
    <object name="Device.Gadget.Part.{i}.Pin.{i}." access="readOnly" minEntries="0"
            maxEntries="unbounded">
      <parameter name="When" access="readOnly"><syntax><dateTime/></syntax></parameter>
    </object>
    <object name="Device.Relic." access="readOnly" minEntries="1" maxEntries="1"
            status="obsoleted">
      <parameter name="X" access="readOnly"><syntax><string/></syntax></parameter>
    </object>
    <profile name="Baseline:1">
      <parameter ref="RootDataModelVersion" requirement="readOnly"/>
      <object ref="Device.Gadget." requirement="present">
        <parameter ref="Mode" requirement="readWrite"/>
        <parameter ref="Old" requirement="readOnly"/>
      </object>
    </profile>
    <profile name="Parts:1">
      <object ref="Device.Gadget." requirement="present">
        <parameter ref="PartNumberOfEntries" requirement="readOnly"/>
      </object>
      <object ref="Device.Gadget.Part.{i}." requirement="createDelete">
        <parameter ref="Size" requirement="readWrite"/>
      </object>
    </profile>
    <profile name="Parts:2" base="Parts:1" extends="Baseline:1">
      <object ref="Device.Gadget.Part.{i}.Pin.{i}." requirement="present">
        <parameter ref="When" requirement="readOnly"/>
      </object>
    </profile>
  </model>
</dm:document>
"""
GADGET, PART = "Device.Gadget.", "Device.Gadget.Part."


@dataclass
class Device:
    """A device by path."""

    rows: dict[str, Row]
    entries: dict[str, Entry]


def definitions(xml: str = XML) -> Definitions:
    return read_definitions("t.xml", xml.encode())


def device(*profiles: str, xml: str = XML, rows: dict[str, int] | None = None) -> Device:
    export, entries = definitions(xml).device(profiles, rows)
    return Device({row.path: row for row in export.rows}, {each.path: each for each in entries})


def test_without_profiles_it_is_all_but_what_is_old() -> None:
    paths = set(device().rows)
    assert {f"{GADGET}Mode", f"{PART}1.Pin.1.When", "Device.RootDataModelVersion"} <= paths
    assert not {f"{GADGET}Old", "Device.Relic.", "Device.Relic.X"} & paths


@pytest.mark.rule("11-4")
def test_a_profile_is_what_it_names() -> None:
    assert set(device("Baseline:1").rows) == {
        "Device.",
        "Device.RootDataModelVersion",
        GADGET,
        f"{GADGET}Mode",
        f"{GADGET}Old",
    }


def test_profiles_build_on_base_and_extends() -> None:
    found = device("Parts:2").rows
    assert {f"{GADGET}Mode", f"{PART}1.Size", f"{PART}1.Pin.1.When"} <= set(found)
    assert f"{GADGET}Level" not in found


def test_rows_multiply_in_tables_within_tables() -> None:
    found = device("Parts:2", rows={PART: 3, f"{PART}*.Pin.": 2}).rows
    pins = [path for path in found if path.endswith(".When")]
    assert sorted(pins) == [f"{PART}{a}.Pin.{b}.When" for a in (1, 2, 3) for b in (1, 2)]
    assert found[f"{GADGET}PartNumberOfEntries"].value == "3"


def test_a_table_without_rows() -> None:
    found = device("Parts:1", rows={PART: 0})
    assert found.rows[f"{GADGET}PartNumberOfEntries"].value == "0"
    assert found.rows[PART].writable
    assert not [path for path in (*found.rows, *found.entries) if "Part." in path and path != PART]


def test_access_of_tables_and_rows() -> None:
    found = device().rows
    writable = {path for path, row in found.items() if row.is_object and row.writable}
    assert writable == {PART, f"{PART}1."}


@pytest.mark.parametrize(
    ("last", "kind", "value"),
    [
        ("Mode", "xsd:string", "Slow"),
        ("State", "xsd:string", "None"),
        ("Level", "xsd:int", "-5"),
        ("Bands", "xsd:string", ""),
        ("Counter", "xsd:unsignedInt", "7"),
        ("Address", "xsd:string", ""),
        ("Loop", "xsd:string", ""),
        ("Part.1.Alias", "xsd:string", "cpe-1"),
        ("Part.1.Size", "xsd:unsignedInt", "2"),
        ("Part.1.Status", "xsd:string", "Up"),
        ("Part.1.Pin.1.When", "xsd:dateTime", "0001-01-01T00:00:00Z"),
    ],
)
def test_types_and_values_of_the_factory(last: str, kind: str, value: str) -> None:
    row = device().rows[GADGET + last]
    assert (row.type, row.value) == (kind, value)


@pytest.mark.parametrize(
    ("last", "limits"),
    [
        ("Mode", Limits(enumeration=("Fast", "Slow"))),
        ("State", Limits(enumeration=("Requested",))),
        ("Level", Limits(ranges=(Range(-5, -1), Range(3, 9)))),
        ("Bands", Limits(sizes=(Size(0, 20),), listed=ListLimits(Limits(enumeration=("A", "B"))))),
        ("Counter", Limits(deny_active=True)),
        ("Address", Limits(sizes=(Size(0, 15),), patterns=("",))),
        ("Part.*.Alias", Limits(sizes=(Size(0, 64),))),
        ("Part.*.Size", Limits(ranges=(Range(1, 4),), default="2")),
        ("Part.*.Status", Limits(default="Up")),
    ],
)
def test_what_can_be_set(last: str, limits: Limits) -> None:
    assert device().entries[GADGET + last].limits == limits


def test_forced_inform_parameters_are_marked() -> None:
    marked = [path for path, entry in device().entries.items() if entry.inform]
    assert marked == ["Device.RootDataModelVersion"]


def test_an_object_may_lack_the_dot_at_its_end() -> None:
    assert device(xml=XML.replace('"Device.Gadget."', '"Device.Gadget"', 1)) == device()


@pytest.mark.parametrize("name", ["Mode", "Device.Gadget.", "PartNumberOfEntries"])
def test_blanks_around_a_name_are_not_of_it(name: str) -> None:
    blank = XML.replace(f'="{name}"', f'=" {name} "')
    assert blank != XML
    assert device(xml=blank) == device()


def test_blanks_around_words_flags_and_numbers_are_not_of_them() -> None:
    text = re.compile(r'(?<= )(?!value|version|encoding)([a-zA-Z]+)="([^"]+)"')
    blank = text.sub(r'\1=" \2\n"', XML)
    assert '=" canDeny\n"' in blank
    assert device(xml=blank) == device()


def test_a_flag_may_be_a_digit() -> None:
    assert device(xml=XML.replace('forcedInform="true"', 'forcedInform="1"')) == device()


def test_root_parameters_may_stand_in_a_root_object() -> None:
    xml = XML.replace(
        '<parameter name="RootDataModelVersion"',
        '<object name="Device." access="readOnly"><parameter name="RootDataModelVersion"',
    ).replace("</parameter>", "</parameter></object>", 1)
    assert "Device.RootDataModelVersion" in device(xml=xml).rows


@pytest.mark.parametrize(
    ("rows", "complaint"),
    [
        ({"Device.Nothing.": 1}, "no such table"),
        ({GADGET: 2}, "no such table"),
        ({PART: 9}, "it takes 0 to 8"),
        ({f"{PART}*.Pin.": 200_000}, "more than 100000"),
        ({f"{PART}*.Pin.": 10**20}, "more than 100000"),
        ({PART: 8, f"{PART}1.Pin": 90_000}, "more than 100000"),
    ],
)
def test_rows_that_cant_be(rows: dict[str, int], complaint: str) -> None:
    with pytest.raises(ProfileError, match=complaint):
        definitions().device((), rows)


def test_an_unknown_profile_is_told_with_those_that_are_near() -> None:
    with pytest.raises(ProfileError, match="no profile 'Baseline:9'; there are Baseline:1"):
        definitions().device(["Baseline:9"])


@pytest.mark.parametrize(
    ("xml", "complaint"),
    [
        ("<a", "not XML"),
        ("<a/>", "no data model"),
        ("<document/>", "no data model"),
        (XML.replace("Device.", "Gizmo.").replace("Device:", "Gizmo:"), "must define Device"),
        ("<document><model name='Device:2'/></document>", "must define Device"),
        (XML.replace('name="Device.Relic."', 'name="Relic."'), "must define Device"),
    ],
)
def test_what_is_no_data_model_is_one_line(xml: str, complaint: str) -> None:
    with pytest.raises(ProfileError, match=complaint) as error:
        definitions(xml)
    assert "\n" not in str(error.value)


@pytest.mark.parametrize(
    ("model", "lacking"),
    [
        ('<model name="Device:2.9" base="Device:2.8"><object base="Device.X."/></model>', "a.xml"),
        ('<model name="Device:2.9"><component ref="WiFi"/></model>', "a.xml"),
    ],
)
def test_a_model_in_parts_is_refused_with_the_file_that_is_missing(
    model: str, lacking: str
) -> None:
    xml = f'<document><import file=" {lacking}"><model name="X"/></import>{model}</document>'
    with pytest.raises(ProfileError, match=f"in parts, which needs {lacking}; give the -full.xml"):
        definitions(xml)


def test_the_instance_of_a_device_type_is_a_model_in_parts() -> None:
    model = '<model ref="Device:2"><object ref="Device."/></model>'
    with pytest.raises(ProfileError, match=r"in parts, which needs tr-181\.xml"):
        definitions(f'<document><import file="tr-181.xml"/>{model}</document>')


@given(st.data())
def test_a_damaged_document_is_a_device_or_a_profile_error(data: st.DataObject) -> None:
    pieces = ["name", "value", "ref", "access", "{i}", "Device.", "enumeration", "object", "5", "1"]
    piece = data.draw(st.sampled_from(pieces))
    other = data.draw(st.sampled_from([*pieces, "", "-"]))
    at = data.draw(st.integers(0, len(XML)))
    try:
        device(xml=XML[:at] + XML[at:].replace(piece, other, 3))
    except ProfileError as error:
        assert "\n" not in str(error)
