"""A STUN server of a few lines, and a shard whose CPEs are behind NAT."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Any

import gevent

from caretaker.device.nat_traversal import DEFAULT_PORT
from caretaker.engine.nat_bindings import NATBindings
from caretaker.engine.nat_settings import NATSettings
from caretaker.engine.stun_servers import STUNServers
from caretaker.http.resolver import Resolver
from caretaker.stun.message import Attribute, Kind, SocketAddress, StunMessage, address_value
from helpers.shards import ShardBench, settle

Answer = Callable[[StunMessage, SocketAddress], StunMessage | None]


def mapped(request: StunMessage, seen: SocketAddress) -> StunMessage:
    """What a server answers to a good request."""
    where = (int(Attribute.MAPPED_ADDRESS), address_value(seen))
    return StunMessage(Kind.BINDING_RESPONSE, request.transaction, (where,))


class STUNServer:
    """
    A server on loopback that keeps the requests.

    Args:
        answer: makes the answer to a request that came from an address; None for silence.
        host: where it listens.
    """

    def __init__(self, answer: Answer = mapped, host: str = "127.0.0.1") -> None:
        family = socket.AF_INET6 if ":" in host else socket.AF_INET
        self.answer = answer
        self.requests: list[StunMessage] = []
        self.seen: list[SocketAddress] = []
        self._opened = socket.socket(family, socket.SOCK_DGRAM)
        self._opened.setblocking(False)
        self._opened.bind((host, 0))
        self.host, self.port = self._opened.getsockname()[:2]
        self._watcher: Any = gevent.get_hub().loop.io(self._opened.fileno(), 1)
        self._watcher.start(self._receive)

    def _receive(self) -> None:
        datagram, peer = self._opened.recvfrom(2048)
        request, seen = StunMessage.decode(datagram), SocketAddress(*peer[:2])
        self.requests.append(request)
        self.seen.append(seen)
        answer = self.answer(request, seen)
        if answer is not None:
            self.send(answer.encode(), seen)

    def send(self, datagram: bytes, target: SocketAddress) -> None:
        self._opened.sendto(datagram, target)

    def close(self) -> None:
        self._watcher.close()
        self._opened.close()


class NATBench(ShardBench):
    """
    A shard whose CPEs use STUN, with a clock that a test moves.

    Args:
        server: that they use.
        settings: of ``NATSettings``.
        allowed: the hosts that they may be sent to; those of the server by default.
    """

    def __init__(
        self, server: STUNServer, *, allowed: tuple[str, ...] | None = None, **settings: Any
    ) -> None:
        super().__init__()
        self.server = server
        hosts = (server.host,) if allowed is None else allowed
        self.bindings = NATBindings(
            self.shard,
            STUNServers(hosts, Resolver(self.clock)),
            self.sink,
            self.clock,
            NATSettings(**settings),
        )

    def use_stun(self, count: int = 1, **values: str) -> None:
        """Have so many CPEs, after their first contact, use STUN, and wait for their bindings."""
        self.boot(count)
        for index in range(count):
            self.write(
                index,
                STUNEnable="1",
                STUNServerAddress=self.server.host,
                STUNServerPort=str(self.server.port or DEFAULT_PORT),
                **{"STUNMinimumKeepAlivePeriod": "30", **values},
            )
        self.go(0.2)

    def write(self, index: int, **values: str) -> None:
        """Set parameters of ManagementServer, as the ACS does."""
        paths = self.shard.cpes[index].profile.management_paths
        self.shard.cpes[index].set_values(
            [(paths[last], value) for last, value in values.items()], self.clock.now
        )

    def read(self, index: int, last: str) -> str:
        """A parameter of ManagementServer."""
        return self.shard.cpes[index].management_value(last, self.clock.now)

    def go(self, seconds: float, step: float = 0.1) -> None:
        """Let so many seconds pass, and let what is sent arrive."""
        for _ in range(round(seconds / step)):
            self.clock.now += step
            self.bindings.do_due()
            self.arrive()

    def arrive(self) -> None:
        """Let datagrams arrive: on loopback they are there at once, and the loop's turn reads."""
        for _ in range(4):  # the request, its answer, and a session of its own
            gevent.sleep(0.001)
        settle()

    def close(self) -> None:
        self.bindings.close()
        self.server.close()
