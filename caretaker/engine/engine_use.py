"""Which sessions the I/O engine carries, and which are for greenlets."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import ModuleType

from caretaker.c_parts import ENGINE, load_error
from caretaker.device.cpe import CPE
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

    def reason(self, cpe: CPE, now: float) -> str:
        """Why the session of a CPE that begins now is for a greenlet; empty if it is carried."""
        return self.lasting_reason(cpe, now) or self.passing_reason(cpe.index, now)

    def lasting_reason(self, cpe: CPE, now: float) -> str:
        """As ``reason``, by what CPEs of one profile and with the same values have in common."""
        names = cpe.profile.quirks
        if names and not names.isdisjoint(NOT_CARRIED):
            return QUIRK
        server = cpe.management_server(now)
        if server.url != cpe.context.acs_url:
            return OTHER_URL
        if server.compression in CODINGS:
            return CODING
        return ""

    def passing_reason(self, index: int, now: float) -> str:
        """As ``reason``, by what concerns the CPE of an index now."""
        for reason, concerns in self._exceptions:
            if concerns(index, now):
                return reason
        return ""
