"""Where requests go: the address in a URL, and the settings shared by all connections to an ACS."""

from __future__ import annotations

import logging
import re
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, NamedTuple
from urllib.parse import urlsplit

import gevent.socket

from caretaker.errors import InputError
from caretaker.http.connect_errors import name_error
from caretaker.http.ip_addresses import (
    IPVersion,
    bracketed,
    family_of,
    no_address,
    same_host,
    usable,
)
from caretaker.http.openssl import TLSClients
from caretaker.http.sockets import Deadlines, Target
from caretaker.http.tls_settings import USUAL, DeviceTLS, TLSClient, TLSSettings

_log = logging.getLogger(__name__)

MAX_ADDRESSES = 64
"""Hosts and ports that are remembered; an ACS can send CPEs to any port of an allowed host."""
_PORTS = {"http": 80, "https": 443}


class Address(NamedTuple):
    """
    The parts of an http URL that a request needs.

    An IPv6 address is without brackets and in its one spelling, so that hosts can be compared; an
    IPv4 address that is mapped to IPv6 is the IPv4 address, as it is on the wire.
    """

    scheme: str
    host: str
    port: int
    target: str

    @classmethod
    def of(cls, url: str) -> Address:
        """
        The address of a URL.

        Raises:
            InputError: it is not an http or https URL with a host.
        """
        cure = "give one like http://acs.example.com:7547/"
        try:
            parts = urlsplit(url)
            port = parts.port
        except ValueError as error:
            raise InputError(f"URL {url!r}: {error}; {cure}") from error
        if parts.scheme not in _PORTS or not parts.hostname or re.search(r"[\s\x00-\x1f]", url):
            raise InputError(f"URL {url!r}: not an http or https address; {cure}")
        host = parts.hostname
        if "%" in host and ":" not in host:
            raise InputError(f"URL {url!r}: only an IPv6 address has a zone after %; {cure}")
        if port == 0:
            raise InputError(f"URL {url!r}: port 0 can't be reached; {cure}")
        path = parts.path or "/"
        target = f"{path}?{parts.query}" if parts.query else path
        if ":" in host:
            host = same_host(host.replace("%25", "%", 1))  # RFC 6874
        return cls(parts.scheme, host, port or _PORTS[parts.scheme], target)

    @property
    def host_header(self) -> str:
        """The value of the Host header; a zone means nothing to others (RFC 6874 3)."""
        return self._with_port(self.host.partition("%")[0])

    @property
    def url(self) -> str:
        """The address as a URL."""
        return f"{self.scheme}://{self._with_port(self.host.replace('%', '%25'))}{self.target}"

    def _with_port(self, host: str) -> str:
        usual = self.port == _PORTS[self.scheme]
        return bracketed(host) if usual else f"{bracketed(host)}:{self.port}"

    def resolve(self, version: IPVersion = IPVersion.ANY) -> list[tuple[Any, Any]]:
        """
        The socket family and address of every IP address of the host, in the resolver's order.

        gevent asks the system's resolver in a thread, which orders them by RFC 6724.

        Args:
            version: of the addresses.

        Raises:
            ConnectError: the host name is not known, no name server says so, or the host has no
                address that can be used here.
            LimitError: this machine has no descriptor left to look it up.
        """
        try:
            self.host.encode("idna")  # gevent's resolver prints a traceback if that fails in it
            results = gevent.socket.getaddrinfo(
                self.host, self.port, type=gevent.socket.SOCK_STREAM
            )  # fmt: skip
        except (OSError, UnicodeError) as error:
            raise name_error(error) from error
        return usable([(family, address) for family, _, _, _, address in results], version)


class LocalEnd(NamedTuple):
    """
    The client's end of its connections.

    Args:
        source: the local address to leave from; the system's choice if empty.
        cpe_index: of the CPE; None for a client that is none.
        tls: how the client's kind of device speaks TLS.
    """

    source: str = ""
    cpe_index: int | None = None
    tls: DeviceTLS = USUAL


ANY_END = LocalEnd()
"""Of a client that is no CPE."""


@dataclass
class Endpoint:
    """
    How to reach an ACS; made once and shared by all sessions.

    Args:
        address: of the ACS.
        timeout: seconds to wait for each response (TR-069 3.4.2 asks for at least 30).
        allowed_hosts: hosts beside the ACS's to which CPEs may be sent.
        tls: what connections over TLS use.
        clock: monotonic, in seconds; ``sent_at`` is a time of this clock.
        sources: local addresses, shared out by CPE index; the system chooses if there are none.
        ip_version: of the addresses that hosts are reached at.
        on_passed_over: called with the reason when an address has failed, and another one of its
            host has not.
    """

    address: Address
    timeout: float = 30.0
    allowed_hosts: frozenset[str] = frozenset()
    tls: TLSSettings = field(default_factory=TLSSettings)
    clock: Callable[[], float] = time.monotonic
    sources: tuple[str, ...] = ()
    ip_version: IPVersion = IPVersion.ANY
    on_passed_over: Callable[[str], None] | None = None
    hosts: frozenset[str] = field(init=False)
    """Hosts to which CPEs may be sent (decision D10): the ACS's and ``allowed_hosts``."""
    deadlines: Deadlines = field(init=False)
    """Ends waits of all connections that last too long."""
    _tls_clients: TLSClients | None = None
    _withheld: set[str] = field(default_factory=set)
    _resolved: dict[tuple[str, str, int], list[tuple[Any, Any]]] = field(default_factory=dict)
    _at_once: dict[str, list[Target]] = field(default_factory=dict)
    """What ``targets_at_once`` gives for a source, until the addresses of the ACS change."""
    _certificate_names: dict[tuple[str, str, int], str] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.hosts = frozenset(map(same_host, self.allowed_hosts)) | {self.address.host}
        self.deadlines = Deadlines(self.timeout, self.clock)

    def withhold_credentials(self, host: str) -> None:
        """Log, once for each host, that credentials for the ACS are not shown to this host."""
        if host not in self._withheld:
            self._withheld.add(host)
            _log.warning(
                "Credentials for %s are not shown to %s, where it has sent CPEs",
                *(self.address.host, host),
            )

    def source(self, index: int) -> str:
        """The local address of the CPE with this index, always the same; empty if any will do."""
        return self.sources[index % len(self.sources)] if self.sources else ""

    def addresses(self, address: Address) -> list[tuple[Any, Any]]:
        """The socket addresses of an address, looked up once."""
        resolved = self._resolved.get(address[:3])
        if resolved is None:
            _make_room(self._resolved)
            resolved = self._resolved[address[:3]] = address.resolve(self.ip_version)
            self._at_once.clear()
        return resolved

    def targets_at_once(self, source: str) -> list[Target]:
        """As ``targets`` of the ACS, without waiting; empty if they are unknown, or none."""
        targets = self._at_once.get(source)
        if targets is None:
            _make_room(self._at_once)
            known = self._resolved.get(self.address[:3], [])
            targets = self._at_once[source] = [
                Target(own, socket_address, source)
                for own, socket_address in known
                if not source or own == family_of(source)
            ]
        return targets

    def tls_clients(self) -> TLSClients:
        """What connections over TLS share, made once."""
        if self._tls_clients is None:
            self._tls_clients = TLSClients(self.tls)
        return self._tls_clients

    def tls_handshakes(self) -> dict[str, int]:
        """
        What CPEs have done with TLS sessions, by the names in docs/summary.md.

        Handshakes that were ``full``, those that have ``resumed`` a session, and sessions that were
        ``lost`` in a restart.
        """
        if self._tls_clients is None:
            return {}
        sessions = self._tls_clients.sessions
        return {"full": sessions.full, "resumed": sessions.resumed, "lost": sessions.lost}

    def lose_tls_sessions(self, cpe_index: int) -> None:
        """A CPE has restarted, and can't resume the TLS sessions that it had."""
        if self._tls_clients is not None:
            self._tls_clients.sessions.lose(cpe_index)

    def targets(self, address: Address, source: str) -> list[Target]:
        """
        The connections that can be tried for an address, in order.

        Args:
            address: of the server.
            source: the local address; only addresses of its version can be reached from it.

        Raises:
            ConnectError: the host has none that can be used.
        """
        found = self.addresses(address)
        if source:
            family = family_of(source)
            found = [pair for pair in found if pair[0] == family]
            if not found:
                raise no_address(family)
        return [Target(own, socket_address, source) for own, socket_address in found]

    def pass_over(self, address: Address, target: Target, reason: str) -> None:
        """An address has failed, and a later one of the host has not: try it last from now on."""
        if self.on_passed_over is not None:
            self.on_passed_over(reason)
        pair = target.family, target.address
        resolved = self._resolved.get(address[:3], [])
        if pair in resolved[:-1]:  # else other connections have moved it meanwhile
            resolved.remove(pair)
            resolved.append(pair)
            self._at_once.clear()
            _log.warning(
                "%s of %s: %s; its other addresses are tried first from now on",
                *(target.address[0], address.host, reason),
            )

    def certificate_names(self, client: TLSClient, address: Address, socket_address: Any) -> str:
        """The names in the certificate of another host, looked up once."""
        names = self._certificate_names.get(address[:3])
        if names is None:
            _make_room(self._certificate_names)
            self._certificate_names[address[:3]] = ""  # others that fail meanwhile do not look, too
            names = client.refused_names(socket_address, self.timeout)
            self._certificate_names[address[:3]] = names
        return names


def _make_room(remembered: dict[Any, Any]) -> None:
    """Forget all of it if it is full, so that it is looked up again."""
    if len(remembered) >= MAX_ADDRESSES:
        remembered.clear()
