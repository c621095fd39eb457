"""
What of ManagementServer steers a CPE: whether, when, where and how it informs (data models).

It is asked for several times a session and set once in a while, so a CPE keeps what it has read;
CPEs that are steered alike, as nearly all of a fleet are, share one.
"""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING, NamedTuple

from caretaker.profiles.profile import STEERING_PARAMETERS

if TYPE_CHECKING:
    from caretaker.device.cpe import CPE

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
        periodic: whether it informs periodically.
        interval: every how many seconds.
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
        """What the phase of its periodic Informs belongs to."""
        return self.periodic, self.interval


def read(cpe: CPE, now: float) -> ManagementServerState:
    """How a CPE is steered by its parameters as they are now."""
    enabled, reachable, periodic, _, url, compression = (
        cpe.management_value(last, now) for last in STEERING_PARAMETERS
    )
    wanted = periodic not in _NOT_ON and cpe.context.behaviors.periodic_inform
    interval = cpe.setting("PeriodicInformInterval", _DEFAULT_INTERVAL, now) or _DEFAULT_INTERVAL
    return _shared(
        ManagementServerState(
            enabled not in _OFF, reachable not in _OFF, wanted, interval, url, compression.lower()
        )
    )


@lru_cache(1024)
def _shared(management_server: ManagementServerState) -> ManagementServerState:
    return management_server
