"""Which sessions the I/O engine carries, and which are for greenlets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType

from caretaker.c_parts import ENGINE, load_error
from caretaker.device.cpe import CPE
from caretaker.engine.active_session import ActiveSession
from caretaker.engine.open_transport import CODINGS
from caretaker.http.endpoint import Endpoint
from caretaker.profiles import quirks

NOT_CARRIED = frozenset(
    (quirks.RECONNECT_AFTER_401, quirks.CONTENT_TYPE_ALWAYS, quirks.SLOW_ANSWERS)
)
"""Quirks of devices whose sessions greenlets run."""

NOT_BUILT = "engine not built"
NOT_LOADED = "engine damaged: see caretaker --version"
TLS = "TLS"
QUIRK = "quirk of the device"
OTHER_URL = "another URL of the ACS"
CODING = "content coding"
NOT_LOOKED_UP = "address not looked up yet"
CLOSED = "engine closed"
"""Reasons why a greenlet runs a session from its begin; there may be ``exceptions`` of a run."""


class EngineUse:
    """
    What the I/O engine of a worker is used for.

    Args:
        module: the engine; None where it was not built.
        endpoint: how to reach the ACS.
        off: why no session is carried; empty if sessions are.
        exceptions: for each, why it concerns sessions and whether it does that of a CPE, of which
            this is the index, now.
    """

    def __init__(
        self,
        module: ModuleType | None,
        endpoint: Endpoint,
        *,
        off: str = "",
        exceptions: Sequence[tuple[str, Callable[[int, float], bool]]] = (),
    ) -> None:
        self.module = module
        self.endpoint = endpoint
        self.off = off or (TLS if endpoint.address.scheme == "https" else "")
        if module is None and not self.off:
            self.off = NOT_LOADED if load_error(ENGINE) else NOT_BUILT
        self._exceptions = exceptions

    def reason(self, active: ActiveSession, now: float) -> str:
        """Why a session that begins now is for a greenlet; empty if it is carried."""
        row = active.row
        if row is None:
            lasting: str | None = self._lasting_reason(active.cpe, now)
        else:
            lasting = row.sessions.by_greenlet
            if lasting is None:
                lasting = row.sessions.by_greenlet = self._lasting_reason(row.likeness(), now)
        return lasting or self._passing_reason(active.index, now)

    def _lasting_reason(self, cpe: CPE, now: float) -> str:
        """A reason that CPEs of one profile and with the same values have in common."""
        names = cpe.profile.quirks
        if names and not names.isdisjoint(NOT_CARRIED):
            return QUIRK
        server = cpe.management_server(now)
        if server.url != cpe.context.acs_url:
            return OTHER_URL
        if server.compression in CODINGS:
            return CODING
        return ""

    def _passing_reason(self, index: int, now: float) -> str:
        """A reason that concerns the CPE of an index now."""
        for reason, concerns in self._exceptions:
            if concerns(index, now):
                return reason
        return ""
