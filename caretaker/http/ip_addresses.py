"""IP addresses of both versions: how hosts are written, which are one, which are usable here."""

from __future__ import annotations

import errno
import socket
from enum import StrEnum
from ipaddress import IPv4Address, IPv6Address, ip_address
from typing import Any, Self

from caretaker.errors import ConnectError, InputError

LOOPBACK = "127.0.0.1"
LOOPBACK_IPV6 = "::1"
NO_IPV6 = "this machine has no IPv6"
"""The reason of what can't be reached or bound here, as IPv6 is switched off."""
_MAPPED = "::ffff:"
"""How an IPv4 address begins that a socket of both versions shows (RFC 4291 2.5.5.2)."""


class IPVersion(StrEnum):
    """Which addresses of a host are used (``--ip-version``)."""

    ANY = "any"
    """All, in the order of the system's resolver (RFC 6724)."""
    V4 = "4"
    V6 = "6"

    @classmethod
    def parse(cls, text: str) -> Self:
        """
        Read one of the words.

        Raises:
            InputError: the text is none of them.
        """
        try:
            return cls(text)
        except ValueError:
            raise InputError(f"{text!r} is not one of {', '.join(cls)}") from None

    @property
    def families(self) -> tuple[int, ...]:
        """The socket families of its addresses."""
        return _FAMILIES[self]

    @property
    def loopback(self) -> str:
        """The loopback address for servers: ``::1`` where this, or the machine, has no IPv4."""
        if self is IPVersion.V6:
            return LOOPBACK_IPV6
        is_alone = self is IPVersion.ANY and not can_bind(LOOPBACK) and can_bind(LOOPBACK_IPV6)
        return LOOPBACK_IPV6 if is_alone else LOOPBACK


_FAMILIES: dict[IPVersion, tuple[int, ...]] = {
    IPVersion.ANY: (socket.AF_INET, socket.AF_INET6),
    IPVersion.V4: (socket.AF_INET,),
    IPVersion.V6: (socket.AF_INET6,),
}
VERSION_NAMES: dict[int, str] = {int(socket.AF_INET): "IPv4", int(socket.AF_INET6): "IPv6"}
"""The version that each socket family is of, for people."""


def bracketed(host: str) -> str:
    """A host as it stands in a URL and before a port: an IPv6 address in brackets."""
    return f"[{host}]" if ":" in host else host


def without_brackets(text: str) -> str:
    """A host as sockets take it, of one that may be in brackets."""
    return text[1:-1] if text[:1] == "[" and text[-1:] == "]" else text


def parsed_address(host: str) -> IPv4Address | IPv6Address | None:
    """The address that a text is, an IPv4 one where it is mapped to IPv6; None for a name."""
    try:
        found = ip_address(host)
    except ValueError:
        return None
    return getattr(found, "ipv4_mapped", None) or found


def same_host(host: str) -> str:
    """The one text of all spellings of a host; a name in lower case, without a dot at its end."""
    found = parsed_address(without_brackets(host))
    if found is not None:
        return str(found)
    name = host.lower().rstrip(".")
    # With the dot it is a name, which somebody else may have an address for.
    return name if parsed_address(without_brackets(name)) is None else host.lower()


def is_loopback(host: str) -> bool:
    """Whether a host is this machine to itself: an address of loopback, or ``localhost``."""
    found = parsed_address(host)
    return host == "localhost" if found is None else found.is_loopback


def peer_address(address: str) -> str:
    """The address of a peer; an IPv4 one where a socket of both versions shows it as IPv6."""
    return address[len(_MAPPED) :] if address.startswith(_MAPPED) and "." in address else address


_NONE_LEFT = (errno.EADDRINUSE, errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM)
"""What binding an address of this machine fails with when ports, descriptors or memory lack."""


def can_bind(host: str) -> bool:
    """Whether a literal address is one of this machine, which may have no port free just now."""
    return can_bind_address(family_of(host), (host, 0))


def can_bind_address(family: int, address: Any) -> bool:
    """As ``can_bind``, of a socket's family and address with port 0."""
    try:
        with socket.socket(family, socket.SOCK_STREAM) as probe:
            probe.bind(address)
    except OSError as error:
        return error.errno in _NONE_LEFT
    return True


def family_of(address: str) -> socket.AddressFamily:
    """The socket family of a literal address."""
    return socket.AF_INET6 if ":" in address else socket.AF_INET


def has_ipv6() -> bool:
    """Whether this machine has IPv6, and has not switched it off."""
    return can_bind(LOOPBACK_IPV6)


def usable(found: list[tuple[Any, Any]], version: IPVersion) -> list[tuple[Any, Any]]:
    """
    The addresses of a host that can be used here, in the same order.

    Args:
        found: socket families and addresses.
        version: the wanted one.

    Raises:
        ConnectError: there is none.
    """
    wanted = [pair for pair in found if pair[0] in version.families]
    if not wanted:
        raise no_address(version.families[0])
    if all(family == socket.AF_INET for family, _ in wanted) or has_ipv6():
        return wanted
    others = [pair for pair in wanted if pair[0] == socket.AF_INET]
    if not others:
        raise ConnectError(NO_IPV6)
    return others


def no_address(family: int) -> ConnectError:
    """The error of a host without an address of a socket family."""
    is_ipv6 = family == socket.AF_INET6
    return ConnectError("host has no IPv6 address" if is_ipv6 else "host has no IPv4 address")
