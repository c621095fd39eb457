"""The local addresses that CPEs connect from: each has ephemeral ports of its own."""

from __future__ import annotations

import errno
import socket
from collections.abc import Iterable
from ipaddress import IPv4Network, IPv6Network, ip_network

from caretaker.errors import InputError
from caretaker.http.host_names import is_of_many
from caretaker.http.ip_addresses import VERSION_NAMES, family_of, without_brackets

Network = IPv4Network | IPv6Network

MAX_SOURCES = 4096
"""The most addresses of one network: each is bound once when a run starts, which takes 20 us."""


def parse_network(text: str) -> Network:
    """
    One address, or a network in CIDR notation like 127.1.0.0/24.

    Raises:
        InputError: the text is neither, no machine can have it (a wildcard, multicast), or the
            network has more than ``MAX_SOURCES`` hosts.
    """
    try:
        network = ip_network(without_brackets(text))
    except ValueError as error:
        raise InputError(f"{text!r}: {error}; give 10.0.0.5 or 10.0.0.0/28") from error
    first = str(network.network_address)
    if network.is_unspecified or is_of_many(first):
        raise InputError(f"{text!r}: no address of one machine; give 10.0.0.5 or 10.0.0.0/28")
    if network.num_addresses > MAX_SOURCES + 2:
        raise InputError(f"{text!r}: more than {MAX_SOURCES} addresses; give a smaller network")
    return network


def hosts(network: Network) -> tuple[str, ...]:
    """The addresses of a network that hosts can have; the one address of a single one."""
    return tuple(map(str, network.hosts()))


def check_local(sources: Iterable[str]) -> None:
    """
    Check that connections can leave from these addresses.

    Raises:
        InputError: an address is not one of this machine, or can't be bound.
    """
    for source in sources:
        try:
            with socket.socket(family_of(source), socket.SOCK_STREAM) as probe:
                probe.bind((source, 0))
        except OSError as error:
            reason = error.strerror or str(error)
            if error.errno == errno.EADDRNOTAVAIL:
                reason = "not an address of this machine"
            cure = f"give it to an interface, like: ip address add {source} dev eth0"
            raise InputError(f"{source}: {reason}; {cure}") from error


def check_reach(sources: Iterable[str], families: Iterable[int]) -> None:
    """
    Check that each source has an address of the ACS of its own family, IPv4 or IPv6.

    Args:
        sources: the local addresses.
        families: the socket families of the ACS's addresses.

    Raises:
        InputError: a source is of another family.
    """
    reachable = set(families)
    for source in sources:
        family = family_of(source)
        if family not in reachable:
            version = VERSION_NAMES[family]
            raise InputError(f"--source-address {source}: the ACS has no {version} address")
