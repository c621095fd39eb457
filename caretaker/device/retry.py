"""The wait before a failed session is repeated (TR-069 3.2.1.1)."""

from __future__ import annotations

from caretaker.device.base import CPEBase
from caretaker.profiles.quirks import RETRY_MIDPOINTS

MINIMUM_SECONDS = 5.0
"""CWMPRetryMinimumWaitInterval of a device that has none."""
MULTIPLIER = 2000.0
"""CWMPRetryIntervalMultiplier of a device that has none, in thousandths."""
LAST_STEP = 10
"""The failures after which the range of the wait grows no more."""


def wait_seconds(cpe: CPEBase, now: float) -> float:
    """Seconds before the next attempt: random in a range that grows with each failure."""
    least = max(1.0, cpe.setting("CWMPRetryMinimumWaitInterval", MINIMUM_SECONDS, now))
    factor = max(1000.0, cpe.setting("CWMPRetryIntervalMultiplier", MULTIPLIER, now)) / 1000
    shortest = least * factor ** (min(cpe.failures, LAST_STEP) - 1)
    if RETRY_MIDPOINTS in cpe.profile.quirks:
        return shortest * (1 + factor) / 2
    rng = cpe.context.identities.random(cpe.index, f"retry {cpe.failures}")
    return rng.uniform(shortest, shortest * factor)
