"""The custom messages between Locust's master and its workers."""

from __future__ import annotations

LEASE = "caretaker_lease"
"""Worker to master: ``{"want": n, "return": ranges}``."""
GRANT = "caretaker_grant"
"""Master to worker: ``{"ranges": ranges, "total": n}``, with the size of the whole fleet."""
FLEET = "caretaker_fleet"
"""Master to workers: ``{"total": n}``, how many CPEs the whole fleet has."""
DRAIN = "caretaker_drain"
"""Master to workers: end the run; begin nothing more."""
DRAINED = "caretaker_drained"
"""Worker to master: its last snapshot, when all has ended."""
REFUSED = "caretaker_refused"
"""Worker to master: ``{"reason": text}``, it can't take part."""
REPORT_KEY = "caretaker"
"""Where a snapshot stands in the report that Locust's workers send every 3 s."""
