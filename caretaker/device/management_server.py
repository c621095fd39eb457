"""
How the object ManagementServer steers a CPE: whether, when, where and how it informs (data models).

A CPE asks for this several times a session and an ACS sets it once in a while, so a CPE keeps the
state; nearly all CPEs of a fleet have equal states, and share one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

_OFF = ("0", "false")
_NOT_ON = (*_OFF, "")
_DEFAULT_INTERVAL = 300.0


class ManagementServerState(NamedTuple):
    """
    How a CPE is steered.

    Args:
        enabled: EnableCWMP; without it no Informs, and no Connection Requests accepted.
        reachable: HTTPConnectionRequestEnable; without it no ConnectionRequestURL, and no
            Connection Requests accepted.
        periodic: whether the CPE informs periodically.
        interval: seconds between periodic Informs.
        url: of the ACS.
        compression: HTTPCompression, in lower case.
    """

    enabled: bool
    reachable: bool
    periodic: bool
    interval: float
    url: str
    compression: str

    @property
    def rhythm(self) -> tuple[bool, float]:
        """Whether and how often the CPE informs: with another rhythm its phase is another."""
        return self.periodic, self.interval


@lru_cache(1024)
def state_of(values: tuple[str, ...], *, inform_periodically: bool) -> ManagementServerState:
    """
    The state by the values of parameters.

    Args:
        values: of ``STEERING_PARAMETERS``, in their order; empty where the device lacks one.
        inform_periodically: False: no CPE of the fleet informs periodically.
    """
    enabled, reachable, periodic, interval, url, compression = values
    is_number = interval.isascii() and interval.isdigit()
    return ManagementServerState(
        enabled not in _OFF,
        reachable not in _OFF,
        inform_periodically and periodic not in _NOT_ON,
        (float(interval) if is_number else 0.0) or _DEFAULT_INTERVAL,
        url,
        compression.lower(),
    )
