"""Values that are each CPE's own."""

from __future__ import annotations

from caretaker.data_model.templates import FIELDS
from caretaker.device.values import TEMPLATE_FIELDS


def test_every_field_of_a_template_is_computed_and_no_other() -> None:
    assert tuple(TEMPLATE_FIELDS) == FIELDS
