"""
Sessions of CPEs that rest and have only their period to tell: no object of the CPE is made.

Such a session changes two times of the CPE and the books of one event, all at its end. Who asks
for the CPE before gets an object that begins the session anew, with the time at which it has begun.
"""

from __future__ import annotations

from math import inf

from caretaker.cwmp.messages import EventStruct
from caretaker.device import events as ev
from caretaker.device.context import FleetContext
from caretaker.device.cpe import CPE
from caretaker.device.periodic_inform import next_due
from caretaker.device.plain_inform import Template
from caretaker.device.resting_state import CommonState, OwnTimes, restore, values_of
from caretaker.engine.open_transport import credentials
from caretaker.http.credentials import Credentials
from caretaker.profiles.profile import Profile

EVENTS = (EventStruct(ev.PERIODIC),)
"""Of the Inform of such a session."""
CODES = (ev.PERIODIC,)


class PeriodicSessions:
    """
    The sessions of CPEs of one profile that rest alike.

    Args:
        profile: of the CPEs.
        common: what they have in common; ``are_periodic`` holds for it.
        context: what all CPEs share.
    """

    __slots__ = (
        "_books", "_common", "_context", "_down_until_boot", "_has_own_login", "_interval",
        "_likeness", "_names", "_whole", "by_greenlet", "own_names", "profile", "reads_values",
        "template",
    )  # fmt: skip

    def __init__(self, profile: Profile, common: CommonState, context: FleetContext) -> None:
        self.by_greenlet: str | None = None
        """Why greenlets run them all; empty: they do not; None: nobody has asked yet."""
        self.template: Template | None = None
        """Of their Informs, once there is one."""
        self.profile = profile
        self.own_names = common.names or ()
        """The parameters with values of the CPEs' own."""
        assert common.management_cache is not None
        self._interval = common.management_cache.interval
        self._down_until_boot = common.down_until_boot
        read = {*profile.inform_parameters, *profile.name_paths}
        self._names = () if read.isdisjoint(self.own_names) else self.own_names
        """Of the values that an Inform may depend on; those of no other parameter are looked at."""
        self.reads_values = bool(self._names)
        """Whether ``likeness`` looks at values."""
        login = {profile.management_paths[last] for last in ("Username", "Password")}
        self._has_own_login = not login.isdisjoint(self.own_names)
        self._books, self._common, self._context = context.books, common, context
        self._likeness = self._new_likeness()
        self._whole: CPE | None = None

    def _new_likeness(self) -> CPE:
        """A CPE as those in their sessions, without values of its own."""
        cpe, common = CPE(0, self.profile, self._context), self._common
        without_values = common._replace(names=None if common.names is None else ())
        restore(cpe, without_values, OwnTimes(inf, inf, 0.0, -inf), b"")
        cpe.in_session, cpe.session_events = True, EVENTS
        return cpe

    def may_begin(self, periodic_due: float, booted_at: float, now: float) -> bool:
        """Whether a CPE with these times has such a session to begin now."""
        return periodic_due <= now and (booted_at <= now or not self._down_until_boot)

    def likeness(self, index: int, booted_at: float, values: bytes) -> CPE:
        """A CPE to read from, which is as one in its session; the next call changes it."""
        cpe = self._likeness
        cpe.index, cpe.booted_at = index, booted_at
        if self._names:
            assert cpe.overlay is not None
            cpe.overlay.values = values_of(self._names, values)
        return cpe

    def credentials(self, index: int, booted_at: float, values: bytes, now: float) -> Credentials:
        """Those of a CPE, for challenges of its ACS."""
        likeness = self.whole_likeness if self._has_own_login else self.likeness
        return credentials(likeness(index, booted_at, values), now)

    def whole_likeness(self, index: int, booted_at: float, values: bytes) -> CPE:
        """As ``likeness``, with all values, whatever an Inform depends on."""
        cpe = self._whole
        if cpe is None:
            cpe = self._whole = self._new_likeness()
        cpe.index, cpe.booted_at = index, booted_at
        if self.own_names:
            assert cpe.overlay is not None
            cpe.overlay.values = values_of(self.own_names, values)
        return cpe

    def end(self, periodic_due: float, began: float) -> float:
        """When a CPE is due again whose session has succeeded; the event is in the books then."""
        self._books.raise_delivered(ev.PERIODIC)
        return next_due(periodic_due, self._interval, began)


def are_periodic(common: CommonState, context: FleetContext) -> bool:
    """Whether CPEs that rest so have a session for nothing but the end of their period."""
    state = common.management_cache
    if state is None or not (state.enabled and state.periodic and common.powered):
        return False
    if common.events or common.changed or common.failures or common.session_when_due:
        return False
    if common.notification is not None and common.notification.observed:
        return False
    return not (common.resumed or context.behaviors.inform_jitter) and state.interval < inf
