"""How the CPEs of a fleet use STUN (TR-069 Annex G), and what the NATs in front of them do."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum


class STUNMode(StrEnum):
    """Which STUN the CPEs speak."""

    CLASSIC = "classic"
    """RFC 3489, as Annex G says; many servers of today leave it unanswered."""
    COOKIE = "cookie"
    """RFC 5389."""


WAITS: dict[STUNMode, tuple[float, ...]] = {
    STUNMode.CLASSIC: (0.1, 0.2, 0.4, 0.8, 1.6, 1.6, 1.6, 1.6, 1.6),
    STUNMode.COOKIE: (0.5, 1.0, 2.0, 4.0, 8.0, 16.0, 8.0),
}
"""Seconds after each request until the next one; after the last the server is silent (9.3, 7.2)."""


@dataclass(frozen=True)
class NATSettings:
    """
    How the CPEs of a fleet use STUN, and what the NATs in front of them do.

    Args:
        mode: which STUN.
        own_sockets: whether each CPE has a socket of its own.
        keep_alive: the wanted seconds between Binding Requests; the ACS's limits come first.
        source: the local address of the CPE with an index; empty for any.
        forgets_after: seconds without a Binding Request after which the NAT of the CPE with an
            index forgets its binding; infinity for never. None: none does.
    """

    mode: STUNMode = STUNMode.COOKIE
    own_sockets: bool = False
    keep_alive: float = 30.0
    source: Callable[[int], str] = lambda _: ""
    forgets_after: Callable[[int], float] | None = None
