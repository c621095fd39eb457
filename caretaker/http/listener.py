"""The socket at which a server takes connections, and how many it can take."""

from __future__ import annotations

import errno
import resource
import socket
from _socket import socket as Socket  # noqa: N812  # the base class of socket's and gevent's
from typing import Any

from caretaker.errors import InputError
from caretaker.http.ip_addresses import NO_IPV6, bracketed, family_of, has_ipv6, parsed_address

_BACKLOG = 4096
_NO_PORT_LEFT = (
    "no port is free, as closed connections keep theirs for a minute; wait for that, "
    "or widen net.ipv4.ip_local_port_range"
)


class PortInUse(InputError):
    """Another server has the port that was asked for."""


def listen(host: str, port: int) -> Socket:
    """
    A listener at an address that does not block; port 0 is any free one.

    ``::`` is all addresses of both versions; of a name the first that can be bound is taken.

    Raises:
        InputError: the address can't be bound; ``PortInUse`` if another server has the port.
    """
    failure: Exception | None = None
    try:
        for family, address in _bindable(host, port):
            try:
                return _listen(family, address)
            except OSError as error:
                failure = error
    except (OSError, OverflowError, UnicodeError) as error:
        failure = error
    is_in_use = isinstance(failure, OSError) and failure.errno == errno.EADDRINUSE
    if is_in_use and port == 0:
        raise InputError(f"{bracketed(host)}:0: {_NO_PORT_LEFT}") from failure
    kind = PortInUse if is_in_use else InputError
    cure = "choose another address or port"
    raise kind(f"{bracketed(host)}:{port}: {_why_not_bound(failure, host)}; {cure}") from failure


def _bindable(host: str, port: int) -> list[tuple[int, Any]]:
    """The families and addresses of a host, which is a literal address nearly always."""
    if parsed_address(host) is not None and "%" not in host:
        return [(family_of(host), (host, port))]
    found = socket.getaddrinfo(host or None, port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE)
    return [(family, address) for family, *_, address in found]


def _listen(family: int, address: Any) -> Socket:
    listener = Socket(family, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by the connections: Nagle would hold the end of a long answer for 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        if family == socket.AF_INET6:  # whatever the system's default is
            listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, 0)
        listener.bind(address)
        listener.listen(_BACKLOG)
    except (OSError, OverflowError):
        listener.close()
        raise
    return listener


def raise_descriptors() -> None:
    """Raise the soft limit of file descriptors of this process to its hard limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):
            return  # macOS has a limit of its own below an unlimited hard one


def _why_not_bound(error: Exception | None, host: str) -> str:
    """Why an address can't be bound; OverflowError is of a port above 65535."""
    if isinstance(error, UnicodeError):
        return "no such host"
    if not isinstance(error, OSError):
        return "no such port"
    if error.errno != errno.EADDRINUSE and ":" in host and not has_ipv6():
        return NO_IPV6
    return "in use" if error.errno == errno.EADDRINUSE else (error.strerror or str(error))
