"""The behaviour of one CPE as a user sees it."""

from __future__ import annotations

from helpers.cpes import cpe

from caretaker.device.behavior import DynamicBehavior
from caretaker.device.settings import Behaviors


def test_pending_events_are_told_by_code() -> None:
    box = cpe()
    box.connection_request(0.0)
    behavior = DynamicBehavior(Behaviors(), lambda: box.pending)
    assert behavior.pending_events() == ["0 BOOTSTRAP", "1 BOOT", "6 CONNECTION REQUEST"]
