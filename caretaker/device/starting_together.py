"""
CPEs that are switched on together: what each is then, without making any of them.

One CPE of each kind is switched on as usual, as a sample. Where the others differ from it by
nothing but times that follow from their indices, they need no object.
"""

from __future__ import annotations

from collections.abc import Sequence
from math import inf

from caretaker.data_model.dates import next_on_grid
from caretaker.device import periodic_inform
from caretaker.device.base import CPEBase, jitter_of
from caretaker.device.context import FleetContext
from caretaker.device.identity import Identities
from caretaker.device.listed_devices import steers
from caretaker.device.nat_traversal import stun_settings
from caretaker.device.resting_state import CommonState, common_state
from caretaker.device.up_time import BOOT_DELAY
from caretaker.device.xmpp_connection import wanted_connection


class Neighbours:
    """
    Neighbouring CPEs that are switched on at the same time.

    Args:
        identities: of the fleet.
        indices: of the CPEs.
        now: the present time.
    """

    def __init__(self, identities: Identities, indices: range, now: float) -> None:
        self.indices = indices
        self.now = now
        self._identities = identities
        self._fractions: dict[str, list[float]] = {}

    def fractions(self, own: Sequence[int], purpose: str) -> list[float]:
        """``Identities.fractions`` of some of them; drawn once for all, since that is cheaper."""
        drawn = self._fractions.get(purpose)
        if drawn is None:
            drawn = self._fractions[purpose] = self._identities.fractions(self.indices, purpose)
        if len(own) == len(drawn):
            return drawn
        first = self.indices.start
        return [drawn[index - first] for index in own]


class Start:
    """
    How CPEs start that differ by nothing but times.

    Args:
        sample: one of them, which was just switched on.
        state: that they have in common then.
        is_running: whether they are resumed; else they come from the factory.
        now: the present time.
    """

    def __init__(
        self, sample: CPEBase, state: CommonState, *, is_running: bool, now: float
    ) -> None:
        context = sample.context
        self.state = state._replace(resumed=True) if is_running else state
        self._is_running = is_running
        self._is_due = sample.due < inf
        self._context = context
        self._management = sample.management_server(now)
        self._inform_time = periodic_inform.start(sample)
        self._is_unsaved = context.unsaved is not None and sample.index in context.unsaved
        self._asks_servers = bool(stun_settings(sample, now) or wanted_connection(sample, now))

    def times(self, own: Sequence[int], among: Neighbours) -> tuple[list[float], list[float]]:
        """When each of these is due, and when the next periodic Inform of each is planned."""
        if not self._is_running:
            due = self._first_contacts(own, among)
            return due, self._first_periodic(own, among, due)
        periodic = self._first_periodic(own, among, [among.now] * len(own))
        due = self._with_jitter(own, among, periodic) if self._is_due else [inf] * len(own)
        return due, periodic

    def note(self, own: Sequence[int]) -> None:
        """Note what CPEs note by themselves when each is switched on."""
        context = self._context
        context.books.raised_together(self.state.events, len(own))
        if self._is_unsaved and context.unsaved is not None:
            context.unsaved.update(own)
        if self._asks_servers:
            for changed in context.reach_watchers:
                changed.update(own)

    def _first_contacts(self, own: Sequence[int], among: Neighbours) -> list[float]:
        """When each has its first contact, after a delay of its own."""
        shortest, longest = self._context.behaviors.boot_delay
        if not longest:
            return [among.now + shortest] * len(own)
        now, spread = among.now, longest - shortest
        return [now + (shortest + spread * share) for share in among.fractions(own, BOOT_DELAY)]

    def _first_periodic(
        self, own: Sequence[int], among: Neighbours, after: list[float]
    ) -> list[float]:
        """When the first periodic Inform of each is due after a time."""
        if not self._management.periodic:
            return [inf] * len(own)
        interval = self._management.interval
        if self._inform_time is not None:
            start = self._inform_time - self._context.wall_offset
            found = {time: next_on_grid(start, interval, time) for time in set(after)}
            return [found[time] for time in after]
        phases = among.fractions(own, periodic_inform.PHASE)
        return [time + interval * phase for time, phase in zip(after, phases, strict=True)]

    def _with_jitter(
        self, own: Sequence[int], among: Neighbours, planned: list[float]
    ) -> list[float]:
        """When each is due whose next periodic Inform is planned so."""
        interval, most = self._management.interval, self._context.behaviors.inform_jitter
        if not most or not self._management.periodic:
            return planned
        most = min(most, interval)
        periods = [due // interval for due in planned]
        fractions = {period: among.fractions(own, jitter_of(period)) for period in set(periods)}
        return [
            due + most * fractions[period][place]
            for place, (due, period) in enumerate(zip(planned, periods, strict=True))
        ]


def start_like(sample: CPEBase, *, is_running: bool, now: float) -> Start | None:
    """
    How all CPEs start that are of the kind of one which was just switched on.

    Args:
        sample: that one.
        is_running: whether it was resumed; else it comes from the factory.
        now: the present time.

    Returns:
        None if they may differ by more than times, and each must be switched on by itself.
    """
    if sample.overlay is not None or not sample.profile.is_steady or _is_steered(sample.context):
        return None
    state = common_state(sample)
    if state is None or not (is_running or state.session_when_due):
        return None
    return Start(sample, state, is_running=is_running, now=now)


def _is_steered(context: FleetContext) -> bool:
    """Whether a list of devices says of each what it does."""
    return context.devices is not None and any(map(steers, context.devices.columns))
