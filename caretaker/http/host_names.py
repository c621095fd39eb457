"""Hosts and ports as people name them: names, addresses, and those that a server can be at."""

from __future__ import annotations

import re
from collections.abc import Callable
from ipaddress import IPv4Address, IPv6Address
from typing import NamedTuple, Self

from caretaker.errors import InputError
from caretaker.http.ip_addresses import bracketed, parsed_address, without_brackets
from caretaker.plain_numbers import is_digits, port, shown, whole

_LABEL = "[A-Za-z0-9_]([A-Za-z0-9_-]{0,61}[A-Za-z0-9_])?"
_NAME = re.compile(rf"({_LABEL}\.)*{_LABEL}\.?")
_MOST = 253
"""Characters of a name (RFC 1035 2.3.4)."""
_ALL_OF_A_NETWORK = IPv4Address("255.255.255.255")
_ALL_OF_A_MACHINE = (IPv4Address(0), IPv6Address(0))


def host(text: str) -> str:
    """
    Read a host name or an address, which need not be known on this machine.

    Raises:
        InputError: the text is neither.
    """
    if not (is_name(text) or ("%" not in text and parsed_address(text))):
        cure = "give one like example.com, 192.0.2.1 or 2001:db8::1"
        raise InputError(f"{shown(text)} is not a host name or address; {cure}")
    return text


def is_name(text: str) -> bool:
    """Whether a text can be the name of a host; digits after its last dot make it an address."""
    last = text.removesuffix(".").rpartition(".")[2]
    return len(text) <= _MOST and _NAME.fullmatch(text) is not None and not is_digits(last)


def server_host(text: str) -> str:
    """
    As ``host``, of a server: no address that stands for many hosts, or for none.

    Raises:
        InputError: the text is no host, or such an address.
    """
    if is_of_many(host(text)) or parsed_address(text) in _ALL_OF_A_MACHINE:
        raise InputError(f"{shown(text)} is no address of one server; name the server's own")
    return text


def is_of_many(text: str) -> bool:
    """Whether a host is an address that many machines take datagrams at."""
    found = parsed_address(text)
    return found is not None and (found.is_multicast or found == _ALL_OF_A_NETWORK)


class HostPort(NamedTuple):
    """A host and a port; its text is ``HOST:PORT``, with an IPv6 address in brackets."""

    host: str
    port: int

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read ``HOST:PORT``; port 0 stands for any free one.

        Raises:
            InputError: the text is something else.
        """
        name, _, number = text.rpartition(":")
        name = without_brackets(name)
        if not name or (":" in name and text[:1] != "["):
            raise InputError(f"{shown(text)} is not HOST:PORT, like 10.0.0.5:7548")
        return cls(host(name), port(number))

    def __str__(self) -> str:
        return f"{bracketed(self.host)}:{self.port}"


_server_port = whole(1, 65_535)


def server(usual: int) -> Callable[[str], HostPort]:
    """
    What reads the ``HOST[:PORT]`` of a server; it raises InputError.

    Args:
        usual: the port where none is given.
    """

    def parse(text: str) -> HostPort:
        name, has_port, number = _split(text)
        if has_port and ":" in name and parsed_address(name) and text[:1] != "[":
            cure = f"put the address in brackets, like [{name}]:{number}"
            raise InputError(f"{shown(text)} is an address, or one with a port; {cure}")
        if not has_port or (":" in name and text[:1] != "["):
            return HostPort(server_host(without_brackets(text)), usual)
        return HostPort(server_host(without_brackets(name)), _server_port(number))

    return parse


def _split(text: str) -> tuple[str, bool, str]:
    """A host, whether a port follows it, and that."""
    if text[-1:] == "]":
        return text, False, ""
    name, colon, number = text.rpartition(":")
    return (name, True, number) if colon and is_digits(number) else (text, False, "")
