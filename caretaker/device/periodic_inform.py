"""
Periodic Informs: every so many seconds, in a phase (TR-069 3.2.1; data models).

Due times are planned on the grid of the period, however late a session is (decision D6).
"""

from __future__ import annotations

from math import ceil, inf
from typing import TYPE_CHECKING

from caretaker.cwmp.messages import EventStruct
from caretaker.data_model.dates import next_on_grid, seconds_of
from caretaker.device import events as ev

if TYPE_CHECKING:
    from caretaker.device.cpe import CPE

_PERIODIC = EventStruct(ev.PERIODIC)


def start(cpe: CPE) -> float | None:
    """
    PeriodicInformTime as the ACS has set it, in seconds since 1970; None if it has not.

    The one of the factory is the same for a whole fleet, which would inform as one; it counts only
    where ``inform_together`` wants that.
    """
    path = cpe.profile.management_paths["PeriodicInformTime"]
    text = cpe.overlay.values.get(path) if cpe.overlay is not None else None
    if text is None and cpe.context.behaviors.inform_together:
        parameter = cpe.parameter(path)
        text = parameter.value if parameter is not None else None
    return None if text is None else seconds_of(text)


def arm(cpe: CPE, now: float) -> None:
    """Plan the next one; without a time of the ACS's the phase is the CPE's own."""
    management_server = cpe.management_server(now)
    if not management_server.periodic:
        cpe.periodic_due = inf
        return
    interval = management_server.interval
    told = start(cpe)
    if told is None:
        phase = cpe.context.identities.fraction(cpe.index, "periodic phase")
        cpe.periodic_due = now + interval * phase
    else:
        cpe.periodic_due = next_on_grid(told - cpe.context.wall_offset, interval, now)


def jitter(cpe: CPE) -> float:
    """By how many seconds the next one is late on purpose: never past the one after it."""
    most = cpe.context.behaviors.inform_jitter
    if not most or cpe.periodic_due == inf:
        return 0.0
    most = min(most, cpe.management_server(cpe.periodic_due).interval)
    purpose = f"jitter {cpe.periodic_due:.0f}"
    return most * cpe.context.identities.fraction(cpe.index, purpose)


def inform(cpe: CPE, now: float) -> None:
    """The period has passed: one ``2 PERIODIC``, however many have."""
    interval = cpe.management_server(now).interval
    planned = cpe.periodic_due
    cpe.periodic_due += interval * max(1, ceil((now - planned) / interval))
    # In a retry wait it joins the events of the retry, which keeps its own time.
    waiting = cpe.failures > 0 and cpe.session_due < inf
    cpe.raise_event(_PERIODIC, inf if waiting else planned)
