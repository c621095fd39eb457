"""
Due times of periodic Informs: every so many seconds, in a phase (TR-069 3.2.1; data models).

Due times are on the grid of the period, however late a session is (decision D6).
"""

from __future__ import annotations

from math import ceil, inf

from caretaker.data_model.dates import next_on_grid, seconds_of
from caretaker.device.base import CPEBase

PHASE = "periodic phase"
"""Purpose of the random number of a CPE for its phase."""


def start(cpe: CPEBase) -> float | None:
    """
    PeriodicInformTime in seconds since 1970; None: the phase is the CPE's own.

    The time of the profile is the same for a whole fleet, which would inform all at once; without
    ``inform_together`` only a time that the ACS has set counts.
    """
    path = cpe.profile.management_paths["PeriodicInformTime"]
    text = cpe.overlay.values.get(path) if cpe.overlay is not None else None
    if text is None and cpe.context.behaviors.inform_together:
        parameter = cpe.parameter(path)
        text = parameter.value if parameter is not None else None
    return None if text is None else seconds_of(text)


def first_due(cpe: CPEBase, now: float) -> float:
    """When the first periodic Inform after ``now`` is due; ``inf``: they are switched off."""
    state = cpe.management_server(now)
    if not state.periodic:
        return inf
    time = start(cpe)
    if time is None:
        phase = cpe.context.identities.fraction(cpe.index, PHASE)
        return now + state.interval * phase
    return next_on_grid(time - cpe.context.wall_offset, state.interval, now)


def following_due(cpe: CPEBase, now: float) -> float:
    """The due time after ``periodic_due``; the first one after ``now`` if several have passed."""
    return next_due(cpe.periodic_due, cpe.management_server(now).interval, now)


def next_due(planned: float, interval: float, now: float) -> float:
    """The due time after a planned one; the first one after ``now`` if several have passed."""
    return planned + interval * max(1, ceil((now - planned) / interval))
