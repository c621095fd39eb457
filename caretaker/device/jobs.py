"""
What a CPE will do by itself: jobs with a due time, and requests it has for the ACS.

Both are plain tuples on the CPE, empty for nearly all of a million: what is scheduled, transferred
or diagnosed is a ``Job`` until it is due, and what has to be told in more than an event is a
``Request`` until the ACS has answered it (TR-069 3.7.1.5, 3.7.2).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, NamedTuple

from caretaker.cwmp import messages as m
from caretaker.cwmp.faults import FaultCode
from caretaker.errors import FaultError

if TYPE_CHECKING:
    from caretaker.device.cpe import CPE


_MAX_KEY = 32
"""Characters of a ParameterKey or CommandKey (CWMP schemas)."""


def check_key(key: str) -> None:
    """Refuse a ParameterKey or CommandKey that is too long; FaultError 9003."""
    if len(key) > _MAX_KEY:
        raise FaultError(FaultCode.INVALID_ARGUMENTS, "A key has more than 32 characters")


class Job(NamedTuple):
    """
    Something that a CPE does at a time of its own.

    Args:
        at: when it is due.
        kind: what it is, to find it again: ``schedule inform``, ``transfer``, ``diagnostic``, ...
        key: which of its kind: a CommandKey or path.
        act: does it; called with the CPE and the time, outside of any session.
        survives_reboot: whether a reboot keeps it; a factory reset or a new ACS never does.
    """

    at: float
    kind: str
    key: str
    act: Callable[[CPE, float], None]
    survives_reboot: bool = True


Jobs = tuple[Job, ...]


def with_job(jobs: Jobs, job: Job) -> Jobs:
    """The jobs with one more, earliest first; those of the same time in the order planned."""
    return tuple(sorted((*jobs, job), key=lambda each: each.at))


def without(jobs: Jobs, kind: str, key: str | None = None) -> Jobs:
    """The jobs but those of a kind, and of a key where one is given."""
    return tuple(job for job in jobs if job.kind != kind or key not in (None, job.key))


EVENTS_OF: dict[type[m.Request], str] = {
    m.TransferComplete: "7 TRANSFER COMPLETE",
    m.Kicked: "5 KICKED",
    m.RequestDownload: "9 REQUEST DOWNLOAD",
    m.AutonomousTransferComplete: "10 AUTONOMOUS TRANSFER COMPLETE",
    m.DUStateChangeComplete: "11 DU STATE CHANGE COMPLETE",
    m.AutonomousDUStateChangeComplete: "12 AUTONOMOUS DU STATE CHANGE COMPLETE",
}
"""The numbered event that announces a request of the CPE's; GetRPCMethods has none."""

MAX_REFUSALS = 5
"""Faults of the ACS to a request after which it is sent no more."""

UNASKED: tuple[type[m.Request], ...] = (
    m.GetRPCMethods,
    m.Kicked,
    m.RequestDownload,
    m.AutonomousTransferComplete,
    m.AutonomousDUStateChangeComplete,
)
"""What a CPE sends of its own accord; other requests end what the ACS has asked for."""
