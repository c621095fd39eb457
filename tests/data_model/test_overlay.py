"""What one CPE has that differs from its model."""

from __future__ import annotations

from caretaker.data_model.overlay import Attributes, Overlay, Rows


def test_a_new_overlay_holds_nothing() -> None:
    overlay = Overlay()
    assert overlay.values == {}
    others = [name for name in Overlay.__slots__ if name != "values"]
    assert [name for name in others if getattr(overlay, name) is not None] == []


def test_attributes_are_those_that_were_set() -> None:
    overlay = Overlay()
    assert overlay.attribute("Device.A") is None
    overlay.attributes = {"Device.A": Attributes(2, ("Subscriber",))}
    assert overlay.attribute("Device.A") == Attributes(2, ("Subscriber",))
    assert overlay.attribute("Device.B") is None


def test_new_rows_change_nothing() -> None:
    rows = Rows()
    assert not any(getattr(rows, name) for name in Rows.__slots__)
