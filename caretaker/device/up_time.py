"""How long a CPE has been up that is resumed, and how long one waits after its boot."""

from __future__ import annotations

from caretaker.device.base import CPEBase

BOOT_DELAY = "boot delay"
"""Purpose of the random number of a CPE for the time from its boot to its Inform."""
_UP_SECONDS = (86_400.0, 30 * 86_400.0)
"""The shortest and longest up time of a device that is resumed."""


def resumed_since(cpe: CPEBase, now: float) -> float:
    """When a CPE had booted that is resumed now."""
    shortest, longest = _UP_SECONDS
    share = cpe.context.identities.fraction(cpe.index, "up since")
    return now - shortest - (longest - shortest) * share
