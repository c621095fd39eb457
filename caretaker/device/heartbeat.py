"""
Heartbeats: regular sessions that show an ACS that a CPE is alive (HeartbeatPolicy).

Their event is ``14 HEARTBEAT``; their due times are independent of periodic Informs.
"""

from __future__ import annotations

from typing import NamedTuple

from caretaker.cwmp.messages import EventStruct
from caretaker.data_model.dates import next_on_grid, seconds_of
from caretaker.device import events as ev
from caretaker.device.base import CPEBase, Job

_KIND = "heartbeat"


class Policy(NamedTuple):
    """HeartbeatPolicy: the interval in seconds, and the time of one heartbeat as a dateTime."""

    interval: float
    initiation_time: str


def policy(cpe: CPEBase, now: float) -> Policy | None:
    """The policy; None where it is switched off, or the device has none."""
    path = cpe.profile.management_paths["HeartbeatPolicy."]
    if cpe.value(f"{path}Enable", now) not in ("1", "true"):
        return None
    interval = cpe.setting("HeartbeatPolicy.ReportingInterval", 0.0, now)
    return Policy(interval, cpe.value(f"{path}InitiationTime", now)) if interval else None


def arm(cpe: CPEBase, now: float) -> None:
    """Plan the next heartbeat after ``now``, or none."""
    cpe.cancel(_KIND)
    current = policy(cpe, now)
    if current is not None:
        cpe.plan(
            Job(
                _next(current, now, cpe.context.wall_offset),
                _KIND,
                "",
                _beat,
                survives_reboot=False,
            )
        )


def _next(current: Policy, now: float, wall_offset: float) -> float:
    """The next time on the policy's grid; an interval from now where it has no time."""
    start = seconds_of(current.initiation_time)
    if start is None:
        return now + current.interval
    return next_on_grid(start - wall_offset, current.interval, now)


def _beat(cpe: CPEBase, now: float) -> None:
    cpe.raise_event(EventStruct(ev.HEARTBEAT), now)
    arm(cpe, now)
