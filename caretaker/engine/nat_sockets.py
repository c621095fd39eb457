"""The UDP sockets of CPEs behind NAT: some that many CPEs share, or one for each."""

from __future__ import annotations

from collections.abc import Callable

from caretaker.engine.nat_settings import NATSettings
from caretaker.stun.udp_socket import UDPSocket

SHARED_SOCKETS = 8
"""Sockets that CPEs share go round by so many: each rebinding leads to the next."""


class NATSockets:
    """
    Opens and closes them; another socket of a CPE stands for another binding of its NAT.

    Args:
        settings: of the fleet.
        take: called with a socket and each datagram that comes to it; it must not wait.
    """

    def __init__(self, settings: NATSettings, take: Callable[[UDPSocket, bytes], None]) -> None:
        self._settings = settings
        self._take = take
        self._shared: dict[tuple[int, str, int], UDPSocket] = {}
        self._owners: dict[UDPSocket, int] = {}
        """The CPEs with a socket of their own."""

    def open(self, index: int, family: int, number: int = 0) -> UDPSocket:
        """
        A socket for a CPE.

        Args:
            index: of the CPE.
            family: AF_INET or AF_INET6.
            number: of the socket, of those that are shared.

        Raises:
            OSError: there are no sockets left, or the address is not of this machine.
        """
        source = self._settings.source(index)
        if self._settings.own_sockets:
            opened = UDPSocket(family, source, self._take)
            self._owners[opened] = index
            return opened
        key = family, source, number % SHARED_SOCKETS
        shared = self._shared.get(key)
        if shared is None:
            shared = self._shared[key] = UDPSocket(family, source, self._take)
            shared.make_room()
            shared.number = number % SHARED_SOCKETS
        return shared

    def another(self, index: int, old: UDPSocket) -> UDPSocket:
        """Another socket for a CPE than its old one; OSError as of ``open``."""
        return self.open(index, old.family, old.number + 1)

    def owner(self, opened: UDPSocket) -> int | None:
        """The CPE that a socket is of; None where many share it."""
        return self._owners.get(opened)

    def release(self, opened: UDPSocket | None) -> None:
        """Close the socket of a CPE, unless others share it."""
        if opened is not None and self._owners.pop(opened, None) is not None:
            opened.close()

    def close(self) -> None:
        """Close all of them."""
        for opened in (*self._shared.values(), *self._owners):
            opened.close()
        self._shared.clear()
        self._owners.clear()
