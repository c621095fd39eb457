"""Parameter exports: what is written is read again."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.data_model.parameter import Row
from caretaker.profiles.genieacs_csv import COLUMNS, Export, read_export, with_parents, write_export

NAMES = st.from_regex(r"[A-Z][A-Za-z0-9_]{0,8}", fullmatch=True) | st.integers(1, 99).map(str)
PATHS = st.lists(NAMES, min_size=1, max_size=4).map(lambda parts: f"Device.{'.'.join(parts)}")
TEXT = st.text(
    st.characters(codec="utf-8", exclude_categories=("Cs", "Cc")) | st.sampled_from("\n\r,\"';"),
    max_size=12,
)
KINDS = st.sampled_from(["xsd:string", "xsd:unsignedInt", "xsd:boolean"])


@given(st.dictionaries(PATHS, st.tuples(st.booleans(), TEXT, KINDS), min_size=1, max_size=8))
def test_what_is_written_is_read_again(given_: dict[str, tuple[bool, str, str]]) -> None:
    leaves = {
        path: each
        for path, each in given_.items()
        if not any(other.startswith(f"{path}.") for other in given_)
    }
    rows = with_parents(Row(path, False, *each) for path, each in leaves.items())
    export = Export(list(rows.values()), {"OUI": "00AABB"})
    again = read_export("any", write_export(export))
    assert {row.path: row for row in again.rows} == rows
    assert again.about == export.about


def test_rows_are_sorted_by_number() -> None:
    rows = [Row(f"Device.X.{number}.Y", False, False) for number in (10, 9, 1)]
    lines = write_export(Export(rows)).decode().splitlines()
    assert lines[0] == ",".join(COLUMNS)
    assert [line.split(".")[2] for line in lines[1:]] == ["1", "9", "10"]


TWELVE = (
    "Parameter,Object,Object timestamp,Writable,Writable timestamp,Value,Value type,"
    "Value timestamp,Notification,Notification timestamp,Access list,Access list timestamp"
)


def test_an_access_list_with_commas_shifts_nothing() -> None:
    middle = TWELVE.replace("Access list,", "").replace("Value,", "Access list,Value,", 1)
    for header, line in (
        (TWELVE, "Device.X.A,false,t,true,t,5,xsd:int,t,0,t,Subscriber, X_ACME_Other,t"),
        (middle, "Device.X.A,false,t,true,t,Subscriber, X_ACME_Other,5,xsd:int,t,0,t,t"),
        (TWELVE.partition(",Access")[0], "Device.X.A,false,t,true,t,5,xsd:int,t,0,t"),
    ):
        export = read_export("a.csv", f"{header}\n{line}\n".encode())
        assert export.rows == [Row("Device.X.A", False, True, "5", "xsd:int")]


def test_a_value_with_commas_shifts_nothing() -> None:
    text = "Parameter,Value,Value type\nDevice.X.A,1,2,3,xsd:string\nDevice.X.B,1,xsd:int,,\n"
    rows = read_export("a.csv", text.encode()).rows
    assert [(row.value, row.type) for row in rows] == [("1,2,3", "xsd:string"), ("1", "xsd:int")]


@pytest.mark.parametrize("before", ["", "\r\n \n", "sep=;\r\n"])
@pytest.mark.parametrize("delimiter", [",", ";", "\t"])
def test_spreadsheets_may_save_it(before: str, delimiter: str) -> None:
    text = "Parameter,Writable,Value\r\nDevice.X.A,true,5\r\n".replace(",", delimiter)
    assert read_export("a.csv", (before + text).encode()).rows[0].value == "5"


def test_odd_lines_are_named_and_the_others_are_read() -> None:
    long = "Device." + "x" * 300
    text = f"Parameter,Writable,Value\nDevice.A,maybe,1\n{long},true,1\n Device.B ,1,1\n"
    export = read_export("a.csv", text.encode())
    assert [(row.path, row.writable) for row in export.rows] == [
        ("Device.A", False),
        ("Device.B", True),
    ]
    assert len(export.odd) == 2
    assert export.odd[1] == "Device.A: Writable is 'maybe'; read-only"
