"""Which ways of a Connection Request a device reports, and in which order a client tries them."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import NamedTuple, Self, TypeVar

from caretaker.way import Way

PARAMETERS = ("STUNEnable", "UDPConnectionRequestAddress", "NATDetected", "ConnReqJabberID")
"""The parameters of ManagementServer that tell the ways, besides ConnectionRequestURL."""
_ON = ("1", "true")
_Result = TypeVar("_Result")


class ReportedWays(NamedTuple):
    """
    How a device says that it can be reached.

    Args:
        url: its ConnectionRequestURL.
        udp_address: its UDPConnectionRequestAddress; empty without STUN.
        is_behind_nat: NATDetected, beside an ``udp_address``.
        jid: its ConnReqJabberID.
    """

    url: str = ""
    udp_address: str = ""
    is_behind_nat: bool = False
    jid: str = ""

    @classmethod
    def of(cls, url: str, value: Callable[[str], str]) -> Self:
        """
        The ways by the parameters of a device.

        Args:
            url: its ConnectionRequestURL.
            value: of a parameter of ManagementServer; empty where it is not known.
        """
        enabled, address, nat_detected, jid = map(value, PARAMETERS)
        udp_address = address if enabled in _ON else ""
        return cls(url, udp_address, bool(udp_address) and nat_detected in _ON, jid)

    def without_jid(self) -> Self:
        """The same, for a client that has no XMPP account."""
        return self._replace(jid="")

    @property
    def way(self) -> Way:
        """The way that reaches it where others may not."""
        return Way.XMPP if self.jid else Way.UDP if self.udp_address else Way.HTTP


def as_genieacs(ways: ReportedWays) -> tuple[Way, ...]:
    """XMPP alone, or UDP beside HTTP, whether or not a NAT is there."""
    return (Way.UDP, Way.HTTP) if ways.way is Way.UDP else (ways.way,)


def tolerantly(ways: ReportedWays) -> tuple[Way, ...]:
    """All ways that may reach the device; HTTP does not behind a NAT (Annexes G and K)."""
    there = {
        Way.XMPP: bool(ways.jid),
        Way.UDP: bool(ways.udp_address),
        Way.HTTP: not (ways.jid or ways.is_behind_nat),
    }
    return tuple(way for way, is_there in there.items() if is_there)


PLANS: dict[str, Callable[[ReportedWays], tuple[Way, ...]]] = {
    "tolerant": tolerantly,
    "genieacs": as_genieacs,
}
"""The order in which ways are tried, by the values of ``--cr-client``."""


def send_in_turn(
    ways: Iterable[Way],
    send: Callable[[Way], _Result],
    has_succeeded: Callable[[_Result], bool],
) -> _Result:
    """
    Send a Connection Request by these ways, until a device has accepted one.

    A datagram has no answer, so the next way is tried as well; that one failing is no failure then.

    Args:
        ways: at least one.
        send: sends by a way, and returns what became of it.
        has_succeeded: whether that is a success.
    """
    results: list[_Result] = []
    for way in ways:
        results.append(send(way))
        if way is not Way.UDP and has_succeeded(results[-1]):
            break
    return next(filter(has_succeeded, results), results[-1])
