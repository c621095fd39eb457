"""What TR-106 says of a parameter is what a CPE of the data model does."""

from __future__ import annotations

import re
from pathlib import Path
from typing import NamedTuple

import pytest
from helpers.cpes import ask, context

from caretaker.cwmp import messages as m
from caretaker.device.cpe import CPE
from caretaker.profiles import load_profile
from caretaker.profiles.importer import import_files, save

PATH = "Device.X.P"


class Case(NamedTuple):
    """The syntax of a parameter, and the fault codes of values that an ACS sets; 0: it is set."""

    syntax: str
    sets: dict[str, int] = {}  # noqa: RUF012  # a NamedTuple's default, never changed
    reads: str | None = None
    """What the parameter reads as after all of them; None: nothing is said."""
    kind: str = "xsd:string"
    access: str = "readWrite"
    data_types: str = ""


SIZES = '<hexBinary><size minLength="5" maxLength="5"/><size minLength="13"/></hexBinary>'
RANGES = (
    '<int><range maxInclusive="-7"/><range minInclusive="0" maxInclusive="3"/>'
    '<range minInclusive="100"/></int>'
)
LIST = (
    '<list minItems="1" maxItems="3"><size maxLength="7"/></list>'
    '<unsignedInt><range maxInclusive="99"/></unsignedInt>'
)
NESTED = '<list maxItems="2" nestedBrackets="required"/><dataType ref="Pair"/>'
PAIR = '<dataType name="Pair"><list minItems="1" maxItems="2"/><int/></dataType>'
CHAIN = (
    '<dataType name="Text"><string><size maxLength="9"/><pattern value="a+"/></string></dataType>'
    '<dataType name=" Short " base="Text"><size maxLength="3"/></dataType>'
)
REFERENCES = (
    '<string><pathRef refType="strong" targetParent=".Z." targetType="row"/><instanceRef '
    'refType="strong" targetParent=".Z."/><enumerationRef targetParam="Z.P"/><units value="dB"/>'
    "</string>"
)
STATES = (
    '<string><enumeration value="None" access="readOnly"/><enumeration value="Old" '
    'status="deprecated"/><enumeration value="Older" status="obsoleted"/>'
    '<enumeration value="Gone" status="deleted"/><enumeration value="New"/></string>'
)
DATES = {
    "0001-01-01T00:00:00Z": 0,
    "0001-01-03T04:05:06": 0,
    "9999-12-31T23:59:59Z": 0,
    "2024-02-29T24:00:00.0+14:00": 0,
    "2023-02-29T00:00:00Z": 9007,
    "2024-01-01": 9007,
    "2024-01-01T00:00:00+14:30": 9007,
}

CASES = {
    "`size`": Case("<string><size maxLength='2'/></string>", {"ab": 0, "abc": 9007}),
    "`size` of `hexBinary` and `base64`": Case(
        '<base64><size minLength="2" maxLength="4"/></base64>',
        {"AAAA": 0, "AAAAAA==": 0, "AAAAAAA=": 9007, "AA==": 9007},
        kind="xsd:base64Binary",
    ),
    "several `size`": Case(
        SIZES,
        {"00" * 5: 0, "00" * 6: 9007, "00" * 13: 0, "00" * 99: 0, "00000": 9007},
        kind="xsd:hexBinary",
    ),
    "`range`": Case(RANGES, {"-7": 0, "-6": 9007, "2": 0, "4": 9007, "100": 0}, kind="xsd:int"),
    "`step`": Case(
        '<unsignedInt><range minInclusive="10" maxInclusive="50" step="20"/></unsignedInt>',
        {"30": 0, "50": 0, "20": 9007},
        kind="xsd:unsignedInt",
    ),
    "`decimal`": Case(
        '<decimal><range minInclusive="0" maxInclusive="2" step="0.05"/></decimal>',
        {"1.15": 0, "2": 0, ".25": 0, "2.5": 9007, "0.13": 9007, "1e0": 9007, "0.250": 0},
        "0.250",
        "xsd:decimal",
    ),
    "`dateTime`": Case("<dateTime/>", DATES, kind="xsd:dateTime"),
    "`list`": Case(LIST, {"1": 0, "1, 99": 0, "100": 9007, "": 9007, "1,2,3,4": 9007,
                          "10,11,12": 9007, "x": 9007}),
    "`nestedBrackets`": Case(NESTED, {"[1,2],[3, -4]": 0, "1,2": 9007, "[1,2,3]": 9007, "": 0},
                             data_types=PAIR),
    "`dataType`": Case('<dataType ref="Short"/>', {"aaa": 0, "aaaa": 9007, "b": 9007},
                       data_types=CHAIN),
    "`pattern`": Case(
        r'<string><pattern value=""/><pattern value="\d{6}|X [A-F]+"/></string>',
        {"": 0, "123456": 0, "X AB": 0, "12345": 9007, "X ab": 9007},
    ),
    "`enumeration`": Case(STATES, {"New": 0, "Old": 0, "None": 9007, "Older": 9007, "Gone": 9007}),
    "`hidden`": Case("<int/>", {"5": 0}, "-1", "xsd:int"),
    "`secured`": Case("<string/>", {"5": 0}, ""),
    "`command`": Case("<boolean/>", {"true": 0}, "false", "xsd:boolean"),
    "`writeOnceReadOnly`": Case("<string/>", {"a": 0, "b": 9008}, "a", access="writeOnceReadOnly"),
    "`default`": Case('<unsignedInt/><default type="object" value="7"/>', {}, "7",
                      "xsd:unsignedInt"),
    "`units`, `pathRef`, `instanceRef`, `enumerationRef`": Case(
        REFERENCES, {"Device.Nowhere": 0, "7": 0}, "7"
    ),
}  # fmt: skip
FLAGS = ("hidden", "secured", "command")


def model(name: str, case: Case) -> str:
    flag = name.strip("`")
    flags = f'{flag}="true"' if flag in FLAGS else ""
    return f"""<dm:document xmlns:dm="urn:broadband-forum-org:cwmp:datamodel-1-8">{case.data_types}
<model name="Device:2.99"><object name=" Device.X. " access="readOnly">
<parameter name="P " access="{case.access}"><syntax {flags}>{case.syntax}</syntax></parameter>
</object></model></dm:document>"""


def device(folder: Path, xml: str) -> CPE:
    source = folder / "model.xml"
    source.write_text(xml)
    saved = save(import_files([str(source)]), str(folder / "box"))
    box = CPE(0, load_profile(str(saved.paths[-1])), context())
    box.power_on(0.0)
    return box


def code_of(box: CPE, value: str, kind: str) -> int:
    struct = m.ParameterValueStruct(PATH, value, kind)
    response = ask(box, m.SetParameterValues((struct,), ""))
    if not isinstance(response, m.Fault):
        return 0
    return response.set_parameter_values_fault[0].fault_code


@pytest.mark.rule("12-1", "12-2", "12-3", "12-4", "12-5", "12-6", "12-7", "12-8", "12-9", "12-10")
@pytest.mark.parametrize("name", CASES)
def test_a_cpe_does_what_the_model_says(name: str, tmp_path: Path) -> None:
    case = CASES[name]
    box = device(tmp_path, model(name, case))
    assert {value: code_of(box, value, case.kind) for value in case.sets} == case.sets
    read = box.read(PATH, 1.0)
    assert read.type == case.kind
    if case.reads is not None:
        assert read.value == case.reads


def test_the_table_in_the_documentation_has_a_row_for_each(root: Path) -> None:
    text = (root / "docs/profiles.md").read_text()
    table = text.partition("<!-- TR-106 -->")[2].partition("\n\n#")[0]
    rows = re.findall(r"^\| (.*?) \|", table, re.MULTILINE)
    assert rows[1:] == list(CASES)


@pytest.mark.rule("12-11")
def test_kinds_of_defaults_differ_in_new_rows(tmp_path: Path) -> None:
    kinds = ("object", "factory", "implementation", "parameter")
    parameters = "".join(
        f'<parameter name="{kind}" access="readWrite"><syntax><unsignedInt/>'
        f'<default type="{kind}" value="7"/></syntax></parameter>'
        for kind in kinds
    )
    xml = f"""<document><model name="Device:2">
<object name="Device.T.{{i}}." access="readWrite" minEntries="0" maxEntries="unbounded">
{parameters}</object></model></document>"""
    box = device(tmp_path, xml)
    response = ask(box, m.AddObject("Device.T.", ""))
    assert isinstance(response, m.AddObjectResponse)
    rows = [[box.value(f"Device.T.{row}.{kind}", 1.0) for kind in kinds] for row in (1, 2)]
    assert rows == [["7", "7", "7", "0"], ["7", "0", "7", "0"]]


@pytest.mark.rule("12-12")
def test_rows_may_have_the_same_key(tmp_path: Path) -> None:
    xml = """<document><model name="Device:2"><object name="Device.T.{i}." access="readWrite"
minEntries="2" maxEntries="2"><parameter name="P" access="readWrite"><syntax><string/></syntax>
</parameter><uniqueKey functional="true"><parameter ref="P"/></uniqueKey></object></model>
</document>"""
    box = device(tmp_path, xml)
    structs = [m.ParameterValueStruct(f"Device.T.{row}.P", "x", "xsd:string") for row in (1, 2)]
    assert ask(box, m.SetParameterValues(tuple(structs), "")) == m.SetParameterValuesResponse(0)


@pytest.mark.rule("12-12")
def test_what_is_not_read_is_counted_in_one_line(tmp_path: Path) -> None:
    name = "`units`, `pathRef`, `instanceRef`, `enumerationRef`"
    source = tmp_path / "model.xml"
    odd = {
        "Q": '<string><pattern value="[a-z-[o]]"/></string>',
        "R": '<int><range minInclusive="5" maxInclusive="1"/><range minInclusive="1,000"/></int>',
        "S": '<list><size maxLength="x"/></list><string><size minLength="5" maxLength="1"/>'
        "</string>",
    }
    parameters = "".join(
        f'<parameter name="{last}" access="readWrite"><syntax>{syntax}</syntax></parameter>'
        for last, syntax in odd.items()
    )
    more = f'{parameters}<uniqueKey/><command name="Reset()"/></object><event name="Boot!"/>'
    source.write_text(model(name, CASES[name]).replace("</object>", more))
    (line,) = import_files([str(source)]).notes
    assert {item[2:]: item[0] for item in line.removeprefix("Not read: ").split(", ")} == {
        "pathRef": "1", "instanceRef": "1", "enumerationRef": "1", "units": "1", "pattern": "1",
        "range": "2", "size": "1", "uniqueKey": "1", "command": "1", "event": "1",
    }  # fmt: skip


@pytest.mark.rule("12-13")
def test_names_are_tokens_and_deprecated_parts_are_left_out(tmp_path: Path) -> None:
    xml = """<document><dataType name=" T"><int/></dataType><model name=" Device:2 ">
<object name="Device.X. " access="readOnly">
<parameter name=" A" access="readOnly"><syntax><dataType ref="T "/></syntax></parameter>
<parameter name="B" access="readOnly" status="deprecated"><syntax><int/></syntax></parameter>
<parameter name="C" access="readOnly" dmr:previousParameter="A"><syntax><int/></syntax></parameter>
</object>
<profile name="Old:1 "><object ref=" Device.X."><parameter ref="B "/></object></profile>
<profile name="New:1" base=" Old:1"/></model></document>"""
    source = tmp_path / "model.xml"
    source.write_text(xml)
    paths = {row.path: row.type for row in import_files([str(source)]).export.rows}
    assert paths["Device.X.A"] == paths["Device.X.C"] == "xsd:int"
    assert "Device.X.B" not in paths
    claimed = import_files([str(source)], [" New:1"]).export.rows
    assert [row.path for row in claimed if not row.is_object] == ["Device.X.B"]
