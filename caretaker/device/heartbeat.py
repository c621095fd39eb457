"""
Heartbeats: sessions at even times by which an ACS sees that a CPE lives (HeartbeatPolicy).

They are told as ``14 HEARTBEAT`` and have a clock of their own, apart from periodic Informs.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

from caretaker.cwmp.messages import EventStruct
from caretaker.data_model.dates import next_on_grid, seconds_of
from caretaker.device import events as ev
from caretaker.device.jobs import Job

if TYPE_CHECKING:
    from caretaker.device.cpe import CPE

_KIND = "heartbeat"


class Policy(NamedTuple):
    """HeartbeatPolicy: every how many seconds, and a time that is one of them."""

    interval: float
    initiation_time: str


def policy(cpe: CPE, now: float) -> Policy | None:
    """The policy as it is; None where it is switched off, or the device has none."""
    path = cpe.profile.management_paths["HeartbeatPolicy."]
    if cpe.value(f"{path}Enable", now) not in ("1", "true"):
        return None
    interval = cpe.setting("HeartbeatPolicy.ReportingInterval", 0.0, now)
    return Policy(interval, cpe.value(f"{path}InitiationTime", now)) if interval else None


def arm(cpe: CPE, now: float) -> None:
    """Plan the next heartbeat after ``now``, or none."""
    cpe.cancel(_KIND)
    found = policy(cpe, now)
    if found is not None:
        cpe.plan(Job(_next(found, now, cpe.context.wall_offset), _KIND, "", _beat))


def _next(found: Policy, now: float, wall_offset: float) -> float:
    """The next time on the policy's grid; an interval from now where it has no time."""
    start = seconds_of(found.initiation_time)
    if start is None:
        return now + found.interval
    return next_on_grid(start - wall_offset, found.interval, now)


def _beat(cpe: CPE, now: float) -> None:
    cpe.raise_event(EventStruct(ev.HEARTBEAT), now)
    arm(cpe, now)
