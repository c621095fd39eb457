"""
The heartbeat of a CPE: ``14 HEARTBEAT`` at times of its own (``HeartbeatPolicy.``, data models).

The data models tell the parameters; the rules of TR-069 Amendment 6 for the event are unconfirmed.
Taken here: the first session at InitiationTime if that is to come, then one every
ReportingInterval seconds on that grid; an unknown InitiationTime leaves the phase to the CPE; the
event is delivered by InformResponse and kept until then, as ``2 PERIODIC`` is.
"""

from __future__ import annotations

from datetime import UTC, datetime
from math import floor
from typing import TYPE_CHECKING

from caretaker.cwmp.messages import EventStruct
from caretaker.device.agenda import Job

if TYPE_CHECKING:
    from caretaker.device.cpe import CPE

_KIND = "heartbeat"
_EVENT = EventStruct("14 HEARTBEAT")
_SHORTEST = 20.0
"""Seconds; the least ReportingInterval."""


def is_steered_by(path: str) -> bool:
    """Whether this parameter is one of the policy."""
    return ".ManagementServer.HeartbeatPolicy." in path


def arm(cpe: CPE, now: float) -> None:
    """Plan the next heartbeat, or none where the policy is off."""
    cpe.cancel(_KIND)
    if cpe.value(f"{cpe.profile.management_server}HeartbeatPolicy.Enable", now) in ("1", "true"):
        cpe.plan(Job(_next(cpe, now), _KIND, "", _beat))


def _beat(cpe: CPE, now: float) -> None:
    cpe.raise_event(_EVENT, now)
    arm(cpe, now)


def _next(cpe: CPE, now: float) -> float:
    """The first time after now on the grid of the policy."""
    interval = max(_SHORTEST, cpe.setting("HeartbeatPolicy.ReportingInterval", 86400.0, now))
    start = _seconds(
        cpe.value(f"{cpe.profile.management_server}HeartbeatPolicy.InitiationTime", now)
    )
    if start is None:
        chance = cpe.premises.identities.random(cpe.index, "heartbeat phase")
        start = cpe.premises.wall_offset + interval * (chance.random() - 1)
    start -= cpe.premises.wall_offset
    due = start + interval * max(0, floor((now - start) / interval))
    return due if due > now else due + interval


def _seconds(text: str) -> float | None:
    """A date as seconds since 1970; None for the unknown time and for what is no date."""
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return None
    if moment.year == 1:
        return None
    moment = moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return (moment - datetime(1970, 1, 1, tzinfo=UTC)).total_seconds()
