"""Sessions that the ACS has asked for at a later time (ScheduleInform, TR-069 A.4.1.2)."""

from __future__ import annotations

from typing import NamedTuple

from caretaker.cwmp.messages import EventStruct
from caretaker.device import events as ev
from caretaker.device.base import CPEBase, Job

_KIND = "schedule inform"


class ScheduledInform(NamedTuple):
    """When the session is due, and the CommandKey of the request."""

    at: float
    command_key: str = ""


def schedule(cpe: CPEBase, at: float, command_key: str) -> None:
    """Plan the session."""

    def raise_scheduled(cpe: CPEBase, now: float) -> None:
        cpe.raise_event(EventStruct(ev.SCHEDULED), now)
        cpe.raise_event(EventStruct(ev.M_SCHEDULE_INFORM, command_key), now)

    cpe.plan(Job(at, _KIND, command_key, raise_scheduled))


def pending(cpe: CPEBase) -> list[ScheduledInform]:
    """The sessions that are not due yet."""
    return [ScheduledInform(job.at, job.key) for job in cpe.jobs if job.kind == _KIND]
