"""The states of CPEs, as the Fleet page and ``/metrics`` show them."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Set as AbstractSet

from caretaker.engine.outages import PowerCuts

STATES = ("idle", "in_session", "waiting", "retrying", "no_power")
"""
What a CPE can be: between two sessions; in a session; waiting for a place, because ``max_sessions``
run already; waiting for the retry of a failed session; without power.
"""


class CPEStates:
    """
    Which CPE is in which of ``STATES``: a view of the collections in which others keep the CPEs.

    No method walks over the whole fleet: nobody keeps the idle CPEs, they are those in none of the
    other collections.

    Args:
        cpes: the indices of all CPEs.
        in_session, waiting: as the scheduler keeps them.
        retrying: as the session runner keeps them.
        no_power: the CPEs whose power was cut.
    """

    def __init__(
        self,
        cpes: Collection[int],
        *,
        in_session: Collection[int],
        waiting: Collection[int],
        retrying: AbstractSet[int],
        no_power: PowerCuts,
    ) -> None:
        self._cpes = cpes
        self._waiting = waiting
        self._retrying = retrying
        self._no_power = no_power
        self._members: dict[str, Collection[int]] = {
            "in_session": in_session,
            "waiting": waiting,
            "retrying": retrying,
            "no_power": no_power,
        }

    def members(self, state: str) -> Collection[int]:
        """The CPEs in a state, in no order; for ``idle`` all CPEs, whatever their state."""
        return self._members.get(state, self._cpes)

    def state_of(self, index: int) -> str:
        """The state of a CPE; that of its session or its wait before that of its retry."""
        return next((state for state in STATES[1:] if index in self._members[state]), STATES[0])

    def counts(self, now: float) -> dict[str, int]:
        """How many CPEs are in each state."""
        self._no_power.count(now)
        busy = {state: len(self._members[state]) for state in STATES[1:]}
        if self._waiting:
            busy["retrying"] -= sum(index in self._waiting for index in self._retrying)
        return {STATES[0]: max(0, len(self._cpes) - sum(busy.values())), **busy}
