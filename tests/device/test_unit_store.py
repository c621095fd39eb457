"""Deployment units that are installed on a CPE, and the rows that show them."""

from __future__ import annotations

import pytest
from helpers.cpes import context, cpe, extended

from caretaker.data_model.overlay_records import DeploymentUnit
from caretaker.device import installed_units as du
from caretaker.device.cpe import CPE

TABLE = "Device.SoftwareModules.DeploymentUnit."
UNIT = DeploymentUnit("uuid", "1.0", "http://files/app-1.0.zip", "")


def box_with_tables() -> CPE:
    """A CPE with empty tables of deployment and execution units."""
    tables = (
        f"Device.SoftwareModules.{name}Unit.,true,false,," for name in ("Deployment", "Execution")
    )
    box = CPE(0, extended(*tables), context())
    box.power_on(0.0)
    return box


@pytest.mark.parametrize(
    ("url", "name", "version"),
    [
        ("http://files/app-1.2.3.zip", "app", "1.2.3"),
        ("http://files/app.zip", "app.zip", ""),
        ("http://files/app_2.0.zip?key=3.4", "app", "2.0"),
    ],
)
def test_name_and_version_are_read_from_the_url(url: str, name: str, version: str) -> None:
    assert (du.name_of(url), du.version_of(url)) == (name, version)


def test_all_versions_of_a_file_have_one_uuid() -> None:
    assert du.uuid_of("http://a/app-1.0.zip") == du.uuid_of("http://b/app-2.0.zip")
    assert du.uuid_of("http://a/app-1.0.zip") != du.uuid_of("http://a/other-1.0.zip")


@pytest.mark.parametrize(("old", "new"), [("1.9", "1.10"), ("", "1"), ("beta", "beta1")])
def test_the_next_version_raises_the_last_number(old: str, new: str) -> None:
    assert du.next_version(old) == new
    assert du.rank(new) > du.rank(old)


def test_units_are_kept_without_any_table() -> None:
    box = cpe()
    box.overlay = None
    number, unit = du.add(box, UNIT, 0.0)
    assert du.units_of(box, 0.0) == {number: unit}
    assert du.remove(box, number, 0.0) == unit
    assert du.units_of(box, 0.0) == {}


def test_rows_follow_the_units() -> None:
    box = box_with_tables()
    number, unit = du.add(box, UNIT, 0.0)
    row = du.row_of(box, number)
    assert row == f"{TABLE}{number}."
    assert box.value(f"{row}Version", 0.0) == "1.0"
    assert box.value(f"{unit.execution_units}Status", 0.0) == "Active"
    du.write(box, number, unit._replace(version="2.0"), 0.0)
    assert box.value(f"{row}Version", 0.0) == "2.0"
    du.remove(box, number, 0.0)
    assert box.parameter(f"{row}Version") is None
    assert box.parameter(f"{unit.execution_units}Status") is None
