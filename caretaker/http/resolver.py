"""
The addresses of hosts, for parts that must not wait: looked up in the background, and remembered.

A worker has one for its CPEs' STUN and XMPP servers. A host that was not found is remembered, too:
a fleet that is sent to a wrong name asks for it once in a while, not once for each CPE.
"""

from __future__ import annotations

import _socket  # not gevent's, which waits where the loop itself must not
import time
from collections.abc import Callable
from dataclasses import dataclass
from math import inf
from typing import Any, NamedTuple

import gevent
import gevent.lock

from caretaker.errors import TransportError
from caretaker.http.endpoint import Address
from caretaker.http.ip_addresses import IPVersion, usable

MAX_HOSTS = 64
"""That are remembered; CPEs are sent to allowed hosts alone, and few fleets have so many."""
MAX_LOOKUPS = 4
"""At once, so that slow name servers leave threads of the loop's resolver to others."""
FOUND_SECONDS = 300.0
"""After which a host is looked up again; its old addresses serve until new ones are found."""
NOT_FOUND_SECONDS = 60.0
"""After which a host that was not found is looked up again."""


class HostAddresses(NamedTuple):
    """
    What is known of a host.

    Args:
        pairs: the socket family and the socket address of each of its addresses, for any port.
        reason: why there are none; empty while it is looked up for the first time.
    """

    pairs: tuple[tuple[int, Any], ...] = ()
    reason: str = ""

    @property
    def is_awaited(self) -> bool:
        """Whether it is looked up for the first time."""
        return not self.pairs and not self.reason

    def at(self, port: int) -> list[tuple[int, Any]]:
        """The socket families and addresses with a port."""
        return [(family, (own[0], port, *own[2:])) for family, own in self.pairs]


_AWAITED = HostAddresses()


@dataclass(slots=True)
class _Host:
    known: HostAddresses = _AWAITED
    until: float = -inf
    """When it is looked up again."""


class Resolver:
    """
    Knows the addresses of hosts.

    Args:
        clock: seconds, going forward.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._hosts: dict[str, _Host] = {}
        self._places = gevent.lock.Semaphore(MAX_LOOKUPS)

    def look_up(self, host: str) -> HostAddresses:
        """What is known of a host now; the same object as long as nothing has changed."""
        entry = self._hosts.get(host)
        if entry is None:
            if len(self._hosts) >= MAX_HOSTS:
                self._hosts.clear()
            entry = self._hosts[host] = _Host()
        if self._clock() >= entry.until:
            entry.until = inf  # until the answer is there
            self._ask(host, entry)
        return entry.known

    def _ask(self, host: str, entry: _Host) -> None:
        """Look a host up, in the background if it is a name."""
        try:
            results = _socket.getaddrinfo(
                host, 0, type=_socket.SOCK_STREAM, flags=_socket.AI_NUMERICHOST
            )
        except (OSError, UnicodeError):
            gevent.spawn(self._ask_system, host, entry)
        else:
            found = [(int(family), address) for family, _, _, _, address in results]
            entry.known = _known(lambda: usable(found, IPVersion.ANY))

    def _ask_system(self, host: str, entry: _Host) -> None:
        with self._places:
            address = Address("http", host, 0, "/")  # of which only the host matters
            known = _known(lambda: address.resolve(IPVersion.ANY))
        if known.pairs or not entry.known.pairs:
            entry.known = known
        entry.until = self._clock() + (FOUND_SECONDS if known.pairs else NOT_FOUND_SECONDS)


def _known(pairs: Callable[[], list[tuple[int, Any]]]) -> HostAddresses:
    """What these addresses, or the reason why there are none, tell of a host."""
    try:
        return HostAddresses(tuple(pairs()))
    except TransportError as error:
        return HostAddresses(reason=error.reason)
