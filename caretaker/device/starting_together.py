"""
CPEs that are switched on together: what each is then, without making any of them.

One of them is switched on as usual, as a sample. Where the others differ from it by nothing but
times that follow from their indices, they need no object.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from math import inf
from typing import NamedTuple

from caretaker.device import periodic_inform
from caretaker.device.base import CPEBase, jitter_of
from caretaker.device.listed_devices import is_of_identity
from caretaker.device.nat_traversal import stun_settings
from caretaker.device.resting_state import CommonState, common_state
from caretaker.device.up_time import BOOT_DELAY
from caretaker.device.xmpp_connection import wanted_connection


class StartedCPEs(NamedTuple):
    """
    CPEs that were switched on together and rest.

    Args:
        state: that they have in common.
        due: when each is due.
        periodic_due: when the next periodic Inform of each is planned.
        booted_at: as of ``OwnTimes``, of all.
    """

    state: CommonState
    due: list[float]
    periodic_due: list[float]
    booted_at: float


StartLike = Callable[[CPEBase, Sequence[int], float], StartedCPEs | None]
"""``resumed_like`` or ``powered_on_like``."""


def resumed_like(sample: CPEBase, indices: Sequence[int], now: float) -> StartedCPEs | None:
    """
    The CPEs of these indices, all resumed now; None where each must be resumed by itself.

    Args:
        sample: one that was resumed now, of the same profile.
        indices: of the others.
        now: the present time.
    """
    state = _common_to_all(sample)
    if state is None:
        return None
    periodic = _first_due(sample, indices, [now] * len(indices))
    due = _with_jitter(sample, indices, periodic) if sample.due < inf else [inf] * len(indices)
    return StartedCPEs(state._replace(resumed=True), due, periodic, now)


def powered_on_like(sample: CPEBase, indices: Sequence[int], now: float) -> StartedCPEs | None:
    """As ``resumed_like``, of CPEs that come from the factory."""
    state = _common_to_all(sample)
    if state is None or not state.session_when_due:
        return None
    due = _first_contacts(sample, indices, now)
    return StartedCPEs(state, due, _first_due(sample, indices, due), sample.booted_at)


def _common_to_all(sample: CPEBase) -> CommonState | None:
    """What a sample has in common with all others; None if they may differ by more than times."""
    context = sample.context
    listed = context.devices
    if listed is not None and not all(is_of_identity(column) for column in listed.columns):
        return None
    if sample.overlay is not None or not sample.profile.is_steady:
        return None
    return common_state(sample)


def note_started(sample: CPEBase, indices: Sequence[int], started: StartedCPEs) -> None:
    """Note what CPEs note by themselves when each is switched on."""
    context, now = sample.context, sample.booted_at
    context.books.raised_together(started.state.events, len(indices))
    if context.unsaved is not None and sample.index in context.unsaved:
        context.unsaved.update(indices)
    asks_servers = stun_settings(sample, now) or wanted_connection(sample, now)
    if asks_servers or context.reach is not None:
        for changed in context.reach_watchers:
            changed.update(indices)


def _first_contacts(sample: CPEBase, indices: Sequence[int], now: float) -> list[float]:
    """When each has its first contact, after a delay of its own."""
    shortest, longest = sample.context.behaviors.boot_delay
    if not longest:
        return [now + shortest] * len(indices)
    shares = sample.context.identities.fractions(indices, BOOT_DELAY)
    return [now + (shortest + (longest - shortest) * share) for share in shares]


def _first_due(sample: CPEBase, indices: Sequence[int], after: list[float]) -> list[float]:
    """When the first periodic Inform of each is due after a time."""
    state = sample.management_server(after[0])
    if not state.periodic:
        return [inf] * len(indices)
    time = periodic_inform.start(sample)
    if time is not None:
        return [periodic_inform.first_due(sample, now) for now in after]
    phases = sample.context.identities.fractions(indices, periodic_inform.PHASE)
    return [now + state.interval * phase for now, phase in zip(after, phases, strict=True)]


def _with_jitter(sample: CPEBase, indices: Sequence[int], planned: list[float]) -> list[float]:
    """When each is due whose next periodic Inform is planned so."""
    most = sample.context.behaviors.inform_jitter
    if not most or planned[0] == inf:
        return planned
    interval = sample.management_server(planned[0]).interval
    of_interval = {
        purpose: sample.context.identities.fractions(indices, purpose)
        for purpose in {jitter_of(due, interval) for due in planned}
    }
    return [
        due + min(most, interval) * of_interval[jitter_of(due, interval)][place]
        for place, due in enumerate(planned)
    ]
