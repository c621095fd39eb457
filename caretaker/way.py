"""The ways of a Connection Request (TR-069 3.2.2 and Annexes G and K)."""

from __future__ import annotations

from enum import StrEnum


class Way(StrEnum):
    """How a Connection Request comes to a CPE; the values are keys of the summary."""

    HTTP = "http"
    """A GET at the ConnectionRequestURL (TR-069 3.2.2.2)."""
    UDP = "udp"
    """A datagram at the UDPConnectionRequestAddress (Annex G)."""
    XMPP = "xmpp"
    """A stanza to the ConnReqJabberID (Annex K)."""
