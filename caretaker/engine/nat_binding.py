"""What is kept of the NAT binding of a CPE."""

from __future__ import annotations

from caretaker.device.nat_traversal import STUNSettings
from caretaker.stun.message import SocketAddress
from caretaker.stun.udp_socket import UDPSocket


class NATBinding:
    """
    The binding of a CPE.

    Args:
        settings: how the CPE uses STUN.
    """

    __slots__ = (
        "address",
        "announcements",
        "due",
        "sent",
        "settings",
        "socket",
        "transaction",
        "tries",
    )

    def __init__(self, settings: STUNSettings) -> None:
        self.settings = settings
        self.socket: UDPSocket | None = None
        """That its last request went from."""
        self.address: SocketAddress | None = None
        """Where the server saw it; None until it has answered."""
        self.announcements = 0
        """Requests that are still to say that the binding is new."""
        self.transaction: bytes | None = None
        """Of the request that waits for its answer."""
        self.tries = 0
        """How often that request was sent."""
        self.due = 0
        """The step of the wheel that counts."""
        self.sent = 0
        """The step of the last request."""
