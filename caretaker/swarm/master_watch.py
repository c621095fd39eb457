"""
How a worker tells a master that has ended from one that is frozen or cut off.

Of none of them it hears anything. But where a process has ended, its system refuses connections to
its port. Where it is frozen, the system accepts them; where the network is cut, nothing answers.
"""

from __future__ import annotations

from collections.abc import Callable

import gevent
from gevent import socket

LOOK_SECONDS = 0.25
"""How often the worker looks whether it has heard of its master."""
SILENCE_SECONDS = 1.25
"""After so long without an answer it asks at the master's port; a renewal is sent each second."""
REFUSALS = 2
"""So many in a row are needed: Locust closes the port for a moment when a message was damaged."""
PATIENCE_SECONDS = 300.0
"""How long a worker and its master wait for each other: a virtual machine that moves, or a switch
that starts again, takes less. Nothing is lost meanwhile, as the CPEs have stopped."""


class MasterWatch:
    """
    Looks for the master until it is gone.

    Args:
        host: of the master.
        port: at which it listens.
        on_gone: is told why the worker can't go on.
    """

    def __init__(self, host: str, port: int, on_gone: Callable[[str], None]) -> None:
        self._address = (host, port)
        self._silence = 0.0
        """Seconds without a word of the master in which this process itself has run."""
        self._connection: socket.socket | None = None
        self._looking = gevent.spawn(self._look, on_gone)

    def heard(self) -> None:
        """The master has answered."""
        self._silence = 0.0

    def stop(self) -> None:
        """Look no more: the worker ends by itself."""
        self._looking.kill(block=False)

    def _look(self, on_gone: Callable[[str], None]) -> None:
        try:
            why = self._await_end()
        finally:
            self._hang_up()
        on_gone(why)

    def _await_end(self) -> str:
        refusals = 0
        while refusals < REFUSALS:
            gevent.sleep(LOOK_SECONDS)
            self._silence += LOOK_SECONDS
            if self._silence > PATIENCE_SECONDS:
                return f"no word of the master for {PATIENCE_SECONDS:.0f} s"
            if self._silence > SILENCE_SECONDS:
                refusals = refusals + 1 if self._is_refused() else 0
            else:
                refusals = 0
                self._hang_up()
        return "the master has ended ({}:{} refuses connections)".format(*self._address)

    def _is_refused(self) -> bool:
        """
        Whether nobody listens at the master's port.

        A connection is kept while it is open: its end is the next news, and the master that wakes
        up finds one of each worker, not hundreds.
        """
        try:
            if self._connection is None:
                self._connection = socket.create_connection(self._address, timeout=LOOK_SECONDS)
                self._connection.setblocking(False)
            if not self._connection.recv(4096):
                self._hang_up()
        except ConnectionRefusedError:
            return True
        except BlockingIOError:  # it is there, and says nothing
            return False
        except OSError:
            self._hang_up()
        return False

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
