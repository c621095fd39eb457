"""Paths with ``*`` for instance numbers."""

from __future__ import annotations

from caretaker.data_model.paths import is_row, pattern, shape


def test_a_star_is_one_instance_number() -> None:
    matches = pattern("Device.A.*.B").fullmatch
    assert matches("Device.A.12.B")
    assert not matches("Device.A.x.B")
    assert not matches("Device.A.1.2.B")


def test_other_characters_stand_for_themselves() -> None:
    assert not pattern("Device.A").fullmatch("DevicexA")


def test_paths_of_one_shape_differ_in_instance_numbers_alone() -> None:
    assert shape("Device.A.12.B.3") == shape("Device.A.*.B.*") == "Device.A.*.B.*"
    assert shape("Device.A1.B2") == "Device.A1.B2"


def test_a_row_has_a_number_of_ascii_digits() -> None:
    assert is_row("Device.A.12.")
    assert not any(map(is_row, ("Device.A.", "Device.A.\u0661.", "Device.A.1x.", "")))
