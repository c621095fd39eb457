"""A CPE of a real profile that a test plays session by session."""

from __future__ import annotations

from collections.abc import Callable
from math import inf

from caretaker.cwmp import CPESession
from caretaker.cwmp.outcome import Outcome
from caretaker.device.context import FleetContext
from caretaker.device.cpe import CPE
from caretaker.http.transport import Transport
from caretaker.profiles import load_profile
from caretaker.profiles.profile import Profile
from caretaker.testing.clock import Clock
from caretaker.testing.sessions import Transcript, play_session
from caretaker.testing.transports import ACS_URL

WALL_OFFSET = 1_750_000_000.0
"""Seconds from 1970 to the zero of a test's clock, so that the dates of Informs are fixed ones."""
_MOST_DUE_TIMES = 10_000
"""In a row without a session; beyond them a test would hang."""


class SimulatedCPE:
    """
    One CPE of a real profile: a data model, events, methods, and a clock that a test moves.

    It is powered on at once, so that its first session tells ``0 BOOTSTRAP`` and ``1 BOOT``.

    Args:
        connect: opens the transport of each session: ``lambda: WSGITransport(app)``.
        profile: a built-in name, the path of a profile file, or a profile.
        index: which CPE of the fleet it is; serial number and passwords follow from that.
        context: what it shares with other CPEs of a fleet: behaviours, credentials, transfers.
        clock: its time; one of its own if None.

    Raises:
        InputError: there is no such profile.
    """

    def __init__(
        self,
        connect: Callable[[], Transport],
        profile: str | Profile = "tr181",
        *,
        index: int = 0,
        context: FleetContext | None = None,
        clock: Clock | None = None,
    ) -> None:
        self.connect = connect
        self.clock = clock or Clock()
        kind = load_profile(profile) if isinstance(profile, str) else profile
        context = context or FleetContext(acs_url=ACS_URL, wall_offset=WALL_OFFSET)
        self.cpe = CPE(index, kind, context)
        """The device itself, to reboot it, change a value, or look into it."""
        self.cpe.power_on(self.clock())

    def value(self, path: str) -> str:
        """The present value of a parameter; empty if the device has none of that path."""
        return self.cpe.value(path, self.clock())

    def change(self, path: str, value: str) -> None:
        """Change a value as the device itself would; a watched one is told to the ACS."""
        self.cpe.change(path, value, self.clock())

    def connection_request(self) -> None:
        """
        Take a Connection Request: the next session is now and tells ``6 CONNECTION REQUEST``.

        Raises:
            DeviceBusy: the CPE is rebooting, or does not take any.
        """
        self.cpe.connection_request(self.clock())

    def session(self) -> Transcript:
        """
        Play the next session; the clock moves on to the time when it is due.

        After an error the CPE tries again in its next session, as TR-069 3.2.1.1 says.

        Raises:
            TransportError, EnvelopeError, SessionError: as ``play_session``.
            LookupError: the CPE has nothing to tell, now and later.
        """
        session = self._begin()
        outcome = Outcome.FAILED
        try:
            transcript = play_session(session, self.connect(), self.clock())
            outcome = Outcome.SUCCEEDED
        finally:
            self.cpe.end_session(outcome, self.clock())
        return transcript

    def _begin(self) -> CPESession:
        """The session that is due next; not every due time brings one (a value may change)."""
        for _ in range(_MOST_DUE_TIMES):
            if self.cpe.due == inf:
                break
            self.clock.now = max(self.clock.now, self.cpe.due)
            session = self.cpe.begin_session(self.clock())
            if session is not None:
                return session
        raise LookupError("the CPE has nothing to tell the ACS")
