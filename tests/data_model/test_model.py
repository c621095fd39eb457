"""The data model and what one CPE changes of it."""

from __future__ import annotations

from typing import ClassVar

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from caretaker.cwmp.messages import ParameterInfoStruct, ParameterValueStruct
from caretaker.data_model.model import MAX_ROWS, DataModel
from caretaker.data_model.overlay import Overlay
from caretaker.data_model.parameter import Parameter, Row
from caretaker.errors import FaultError

ROWS = (
    Row("Device.Info.Name", False, True, "box"),
    Row("Device.Info.Password", False, True, "secret"),
    Row("Device.Info.Serial", False, False, "", "xsd:string", "serial_number"),
    Row("Device.HostNumberOfEntries", False, False, "2", "xsd:unsignedInt"),
    Row("Device.Host.", True, True),
    Row("Device.Host.1.", True, True),
    Row("Device.Host.1.Name", False, True, "a"),
    Row("Device.Host.1.Port", False, True, "80", "xsd:unsignedInt"),
    Row("Device.Host.1.Alias.", True, True),
    Row("Device.Host.1.Alias.1.Text", False, True, "x"),
    Row("Device.Host.3.", True, False),
    Row("Device.Host.3.Name", False, True, "c"),
)


def model() -> DataModel:
    return DataModel("Device.", ROWS)


def test_implied_objects_are_added() -> None:
    assert model().children_of("Device.", None) == (
        "Device.Info.",
        "Device.HostNumberOfEntries",
        "Device.Host.",
    )
    assert model().children_of("", None) == ("Device.",)
    assert model().children_of("Device.Nothing.", None) is None


def test_walking_gives_objects_before_what_they_hold() -> None:
    paths = list(model().walk("Device.Host.", None))
    assert paths == [
        "Device.Host.1.",
        "Device.Host.1.Name",
        "Device.Host.1.Port",
        "Device.Host.1.Alias.",
        "Device.Host.1.Alias.1.",
        "Device.Host.1.Alias.1.Text",
        "Device.Host.3.",
        "Device.Host.3.Name",
    ]


@pytest.mark.rule("8.1-2", "8.2-1")
def test_partial_paths_mean_the_parameters_below() -> None:
    assert list(model().parameters_at("Device.Host.3.", None)) == ["Device.Host.3.Name"]
    assert list(model().parameters_at("Device.Info.Name", None)) == ["Device.Info.Name"]
    for unknown in ("Device.Info.X", "Device.Host", "Device.X."):
        with pytest.raises(FaultError) as fault:
            list(model().parameters_at(unknown, None))
        assert fault.value.fault_code == 9005


@pytest.mark.rule("8.2-4", "11-6")
def test_constants_are_shared_and_passwords_hidden() -> None:
    assert model().constants["Device.Info.Password"] == ParameterValueStruct(
        "Device.Info.Password", ""
    )
    assert "Device.Info.Serial" not in model().constants


@pytest.mark.rule("8.1-7", "8.2-26")
def test_a_new_row_has_the_shape_of_the_first_and_default_values() -> None:
    box, overlay = model(), Overlay()
    assert box.add_row("Device.Host.", overlay) == 4
    assert list(box.walk("Device.Host.4.", overlay)) == [
        "Device.Host.4.Name",
        "Device.Host.4.Port",
        "Device.Host.4.Alias.",
    ]
    assert box.parameter("Device.Host.4.Port", overlay) == Parameter("xsd:unsignedInt", True, "0")
    assert box.info("Device.Host.4.", overlay) == ParameterInfoStruct("Device.Host.4.", True)
    assert overlay.values == {"Device.HostNumberOfEntries": "3"}
    assert box.parameter("Device.Host.4.Name", None) is None


def test_a_row_in_a_new_row_has_a_shape_too() -> None:
    box, overlay = model(), Overlay()
    box.add_row("Device.Host.", overlay)
    assert box.add_row("Device.Host.4.Alias.", overlay) == 1
    assert box.parameter("Device.Host.4.Alias.1.Text", overlay) is not None


@pytest.mark.rule("8.1-6")
def test_instance_numbers_are_not_used_again() -> None:
    box, overlay = model(), Overlay()
    box.delete_row("Device.Host.1.", overlay)
    assert box.add_row("Device.Host.", overlay) == 4
    box.delete_row("Device.Host.4.", overlay)
    assert box.add_row("Device.Host.", overlay) == 5
    assert box.parameter("Device.Host.1.Name", overlay) is None
    assert box.children_of("Device.Host.1.", overlay) is None
    assert box.parameter("Device.Host.4.Name", overlay) is None


@pytest.mark.rule("8.1-7", "8.2-29")
def test_deleting_takes_values_and_attributes_along() -> None:
    box, overlay = model(), Overlay()
    overlay.values["Device.Host.1.Name"] = "mine"
    box.delete_row("Device.Host.1.", overlay)
    assert overlay.values == {"Device.HostNumberOfEntries": "1"}


@pytest.mark.rule("8.1-5", "8.2-27", "8.2-29")
@pytest.mark.parametrize(
    ("action", "path"),
    [
        ("add_row", "Device.Host"),
        ("add_row", "Device.Host.1."),
        ("add_row", "Device.Info."),
        ("add_row", "Device.X."),
        ("add_row", ""),
        ("delete_row", "Device.Host."),
        ("delete_row", "Device.Host.2."),
        ("delete_row", "Device.Host.3."),
        ("delete_row", "Device.Host.1"),
        ("delete_row", "Device.Info.Name"),
        ("delete_row", ""),
    ],
)
def test_rows_come_and_go_only_where_they_may(action: str, path: str) -> None:
    with pytest.raises(FaultError) as fault:
        getattr(model(), action)(path, Overlay())
    assert fault.value.fault_code == 9005


@pytest.mark.rule("8.2-28")
def test_a_full_table_takes_no_more() -> None:
    rows = [Row(f"Device.T.{n}.V", False, True) for n in range(1, MAX_ROWS + 1)]
    box = DataModel("Device.", [Row("Device.T.", True, True), *rows])
    with pytest.raises(FaultError) as fault:
        box.add_row("Device.T.", Overlay())
    assert fault.value.fault_code == 9004


class TestRowsOfTheDeviceItself:
    COLUMNS: ClassVar = {"Name": "xsd:string", "Time": "xsd:unsignedInt"}

    def test_replace_those_that_were_there(self) -> None:
        box, overlay = DataModel("Device.", ROWS), Overlay()
        box.add_row("Device.Host.", overlay)
        for count in (4, 2, 0, 3):
            made = box.fill_table("Device.Host.", self.COLUMNS, count, overlay)
            assert made == [f"Device.Host.{number}." for number in range(1, count + 1)]
            assert box.children_of("Device.Host.", overlay) == tuple(made)
            assert overlay.values["Device.HostNumberOfEntries"] == str(count)
            names = [path for path in box.walk("Device.Host.", overlay) if path.endswith("Name")]
            assert names == [f"{row}Name" for row in made]
            assert [box.info(row, overlay).writable for row in made[3:]] == [False] * len(made[3:])

    def test_are_shaped_like_the_factorys(self) -> None:
        box, overlay = DataModel("Device.", ROWS), Overlay()
        row = box.fill_table("Device.Host.", self.COLUMNS, 1, overlay)[0]
        assert box.parameter(f"{row}Port", overlay) == Parameter("xsd:unsignedInt", True, "0")
        assert f"{row}Time" not in box.walk(row, overlay)

    def test_have_the_columns_given_where_the_table_came_empty(self) -> None:
        empty = (Row("Device.Hop.", True, False), Row("Device.HopNumberOfEntries", False, False))
        box, overlay = DataModel("Device.", empty), Overlay()
        (row,) = box.fill_table("Device.Hop.", self.COLUMNS, 1, overlay)
        assert list(box.walk(row, overlay)) == [f"{row}Name", f"{row}Time"]
        assert box.parameter(f"{row}Time", overlay) == Parameter("xsd:unsignedInt", False, "0")
        with pytest.raises(FaultError, match="9005"):
            box.delete_row(row, overlay)
        assert box.fill_table("Device.Hop.", self.COLUMNS, 0, overlay) == []
        assert box.parameter(f"{row}Time", overlay) is None

    def test_of_a_table_that_is_not_there_are_none(self) -> None:
        overlay = Overlay()
        box = DataModel("Device.", ROWS)
        assert box.fill_table("Device.Hop.", self.COLUMNS, 3, overlay) == []
        assert overlay.rows is None


class RowsMachine(RuleBasedStateMachine):
    """Rows added and deleted in any order, beside a plain model of what should be there."""

    def __init__(self) -> None:
        super().__init__()
        self.box = model()
        self.overlay = Overlay()
        self.present = {1, 3}
        self.ever = {1, 3}

    @rule()
    def add(self) -> None:
        number = self.box.add_row("Device.Host.", self.overlay)
        assert number not in self.ever
        self.present.add(number)
        self.ever.add(number)

    @rule(number=st.integers(1, 12))
    def delete(self, number: int) -> None:
        may = number in self.present and number != 3
        try:
            self.box.delete_row(f"Device.Host.{number}.", self.overlay)
            assert may
            self.present.discard(number)
        except FaultError:
            assert not may

    @invariant()
    def the_table_is_as_expected(self) -> None:
        rows = self.box.children_of("Device.Host.", self.overlay) or ()
        assert {f"Device.Host.{number}." for number in self.present} == set(rows)
        for number in self.ever:
            name = self.box.parameter(f"Device.Host.{number}.Name", self.overlay)
            assert (name is not None) == (number in self.present)
        entries = self.overlay.values.get("Device.HostNumberOfEntries", "2")
        assert entries == str(len(self.present))
        for path in self.box.walk("", self.overlay):
            self.box.info(path, self.overlay)


TestRowsMachine = RowsMachine.TestCase
