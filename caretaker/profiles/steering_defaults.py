"""
What a device of a data model has from the factory where the model names no default.

These parameters of ManagementServer steer the CPE itself: with the null of their type or the least
of their range it would never inform, or retry each second. docs/profiles.md lists them.
"""

from __future__ import annotations

STEERING_DEFAULTS = {
    "EnableCWMP": "1",
    "HTTPConnectionRequestEnable": "1",
    "PeriodicInformEnable": "1",
    "PeriodicInformInterval": "300",
    "CWMPRetryMinimumWaitInterval": "5",
    "CWMPRetryIntervalMultiplier": "2000",
    "HTTPCompression": "Disabled",
    "HeartbeatPolicy.ReportingInterval": "300",
}
"""The values by the path below ManagementServer (TR-069 3.2.1.1 and the texts of the models)."""


def steering_default(path: str) -> str | None:
    """The value of a parameter of either root; None where it does not steer the CPE."""
    _, _, below = path.partition(".ManagementServer.")
    is_there = path.count(".", 0, len(path) - len(below)) == 2
    return STEERING_DEFAULTS.get(below) if is_there else None
