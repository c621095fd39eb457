"""What one CPE has that differs from its model."""

from __future__ import annotations

from typing import Any

from caretaker.data_model.overlay import Overlay, TableRows
from caretaker.data_model.overlay_records import Attributes


def state(held: object) -> dict[str, Any]:
    """The attributes of an object with slots, also of a compiled class, which names none."""
    values = {name: getattr(held, name) for name in dir(held) if not name.startswith("_")}
    return {name: value for name, value in values.items() if not callable(value)}


def test_a_new_overlay_holds_nothing() -> None:
    overlay = Overlay()
    assert overlay.values == {}
    others = {name: held for name, held in state(overlay).items() if name != "values"}
    assert set(others.values()) == {None}


def test_attributes_are_those_that_were_set() -> None:
    overlay = Overlay()
    assert overlay.attribute("Device.A") is None
    overlay.attributes = {"Device.A": Attributes(2, ("Subscriber",))}
    assert overlay.attribute("Device.A") == Attributes(2, ("Subscriber",))
    assert overlay.attribute("Device.B") is None


def test_new_rows_change_nothing() -> None:
    assert not any(state(TableRows()).values())
