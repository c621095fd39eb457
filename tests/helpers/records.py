"""Records of sessions that did not take place."""

from __future__ import annotations

from typing import Any

from caretaker.stats.records import SessionRecord

_FIELDS = (
    "events", "planned", "started", "seconds", "outcome", "reason", "blame", "accepted",
    "inform_sent", "informed", "lateness", "place_wait",
)  # fmt: skip


def changed(record: SessionRecord, **changes: Any) -> SessionRecord:
    """One like this, with other values."""
    return SessionRecord(**{name: getattr(record, name) for name in _FIELDS} | changes)
