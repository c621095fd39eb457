"""Since when a CPE has been up that is taken up as one which has been running for days."""

from __future__ import annotations

from caretaker.device.base import CPEBase

_UP_SECONDS = (86_400.0, 30 * 86_400.0)
"""The shortest and longest up time of a device that is resumed."""


def resumed_since(cpe: CPEBase, now: float) -> float:
    """When a CPE had booted that is resumed now."""
    shortest, longest = _UP_SECONDS
    share = cpe.context.identities.fraction(cpe.index, "up since")
    return now - shortest - (longest - shortest) * share
