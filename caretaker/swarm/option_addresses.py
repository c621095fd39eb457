"""What options that name hosts, ports and URLs may be, as ``option_values`` has it."""

from __future__ import annotations

import re
import socket
from collections.abc import Sequence
from ipaddress import IPv6Address
from typing import NamedTuple, Self

from caretaker.errors import InputError, TransportError
from caretaker.http.endpoint import Address
from caretaker.http.host_names import HostPort, host, is_of_many, server_host
from caretaker.http.ip_addresses import (
    LOOPBACK,
    LOOPBACK_IPV6,
    can_bind_address,
    has_ipv6,
    parsed_address,
    same_host,
    without_brackets,
)
from caretaker.http.source_addresses import Network, check_local, hosts, parse_network
from caretaker.plain_numbers import port, shown, whole
from caretaker.reasons import cure

ALL_ADDRESSES = ("", "*", "0.0.0.0", "::")  # noqa: S104  # to recognise them


class PortRange(NamedTuple):
    """Ports, both ends included; its text is ``FIRST-LAST``, or one number."""

    first: int
    """0 stands for any free one."""
    last: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read ``FIRST-LAST``, or one number.

        Raises:
            InputError: the text is neither, FIRST is above LAST, or a range begins with 0.
        """
        first, dash, last = text.partition("-")
        if not dash:
            return cls(*[whole(0, 65_000)(text)] * 2)
        ports = cls(port(first), port(last))
        if not 0 < ports.first < ports.last:
            raise InputError(f"{shown(text)} is not FIRST-LAST in ports, like 7600-7699")
        return ports

    def __str__(self) -> str:
        return f"{self.first}-{self.last}" if self.is_range else f"{self.first}"

    @property
    def is_range(self) -> bool:
        """Whether there are several ports."""
        return self.first < self.last

    def of_worker(self, index: int) -> Sequence[int]:
        """The ports that the worker with this index may take, in order."""
        if self.is_range:
            return range(self.first, self.last + 1)
        return [self.first + index if self.first else 0]


def advertised_host(text: str) -> str:
    """As ``host``, by which others reach this machine: no wildcard; IPv6 in brackets, too."""
    name = without_brackets(text)
    if name in ALL_ADDRESSES:
        raise InputError(f"{shown(text)} is no address that an ACS can reach; name one")
    return server_host(name)


def advertised_address(text: str) -> HostPort:
    """As ``HostPort.parse``, of an address by which others reach it: no wildcard."""
    parsed = HostPort.parse(text)
    advertised_host(parsed.host)
    return parsed


def url(text: str) -> str:
    """An http or https URL whose host name resolves on this machine."""
    address = Address.of(text)
    if is_of_many(address.host):
        raise InputError(f"URL {shown(text)}: no address of one server; name the server's own")
    try:
        address.resolve()
    except TransportError as error:
        helps = "check its spelling" if "not found" in error.reason else cure(error.reason)
        raise InputError(f"URL {shown(text)}: {error}; {helps}") from error
    return text


def acs_url(text: str) -> str:
    """As ``url``, without a login, which Locust's own report would show."""
    if "@" in text:
        helps = "give --acs-username, and CARETAKER_ACS_PASSWORD in the environment"
        raise InputError(f"the URL of an ACS has no login; {helps}")
    return url(text)


def acs_url_or_empty(text: str) -> str:
    """As ``acs_url``; the empty text stands for none."""
    return acs_url(text) if text else ""


def url_or_empty(text: str) -> str:
    """As ``url``; the empty text stands for none."""
    return url(text) if text else ""


def bound_address(text: str) -> str:
    """
    An address or host name that a server on this machine can bind; IPv6 in brackets, too.

    Loopback, the default, is not tried: ``parsed_options.put_loopback`` knows another where there
    is no IPv4.
    """
    name = without_brackets(text)
    if name == LOOPBACK:
        return name
    try:
        host(name.partition("%")[0])  # what can't be encoded makes gevent print a traceback
        found = [] if is_of_many(name) else socket.getaddrinfo(name, 0, type=socket.SOCK_STREAM)
    except (OSError, InputError):
        found = []
    if not any(can_bind_address(family, address) for family, *_, address in found):
        lacks = ":" in name and not has_ipv6()
        loopback = LOOPBACK_IPV6 if ":" in name else LOOPBACK
        helps = "it has no IPv6" if lacks else f"try {loopback}"
        raise InputError(f"{shown(text)} is not an address of this machine; {helps}")
    return name


def bound_ipv6_address(text: str) -> str:
    """As ``bound_address``, of an IPv6 address."""
    name = without_brackets(text)
    found = parsed_address(name)
    if not isinstance(found, IPv6Address) or found.is_unspecified:
        raise InputError(f"{shown(text)} is no IPv6 address of one machine, like 2001:db8::7")
    return bound_address(name)


def server_address(text: str) -> str:
    """As ``bound_address``; Locust takes ``*`` and the empty text for all addresses."""
    return text if text in ALL_ADDRESSES else bound_address(text)


def master_host(text: str) -> str:
    """As ``host``; an IPv6 address in brackets, too, and with a zone."""
    name = without_brackets(text)
    host(name.partition("%")[0] if ":" in name else name)
    return name


def allowed_host(text: str) -> str:
    """A host that requests may go to, in its one spelling; an IPv6 address in brackets, too."""
    return same_host(master_host(text))


def web_path(text: str) -> str:
    """The path that the web UI is below; the empty text stands for none."""
    if not re.fullmatch(r"(/[A-Za-z0-9._~-]+)*/?", text):
        raise InputError(f"{shown(text)} is not a path like /loadtest")
    return text


def source_network(text: str) -> Network:
    """A network, or one address, whose addresses are all of this machine."""
    network = parse_network(text)
    check_local(hosts(network))
    return network


def network_text(network: Network) -> str:
    """A network as an option names it: one address without its prefix length."""
    return str(network.network_address if network.num_addresses == 1 else network)
