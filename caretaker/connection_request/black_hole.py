"""An address of this machine where nothing answers, for the CPEs that no ACS can reach."""

from __future__ import annotations

import socket
from _socket import socket as Socket  # noqa: N812  # the base class of socket's and gevent's

from caretaker.errors import InputError


class BlackHole:
    """
    A port whose connection attempts get no answer, as behind a NAT or a firewall.

    Its accept queue has place for one connection, which is there already. The kernel drops all
    further attempts, so a client waits until its time is up; nothing leaves this machine.

    Args:
        host: a local address; the port is any free one.

    Raises:
        InputError: the address can't be bound.
    """

    def __init__(self, host: str) -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self._listener, self._filling = Socket(family), Socket(family)
        try:
            self._listener.bind((host, 0))
            self._listener.listen(0)
            self.port: int = self._listener.getsockname()[1]
            self._filling.connect(self._listener.getsockname()[:2])
        except OSError as error:
            self.close()
            raise InputError(f"{host}: {error.strerror}; choose another address") from error

    def close(self) -> None:
        """Give the port back."""
        self._filling.close()
        self._listener.close()
