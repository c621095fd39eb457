"""The socket at which a server takes connections, and how many it can take."""

from __future__ import annotations

import errno
import resource
import socket
from _socket import socket as Socket  # noqa: N812  # the base class of socket's and gevent's

from caretaker.errors import InputError

_BACKLOG = 4096


class PortInUse(InputError):
    """Another server has the port."""


def listen(host: str, port: int) -> Socket:
    """
    A listener at an address that does not block; port 0 is any free one.

    Raises:
        InputError: the address can't be bound; ``PortInUse`` if another server has it.
    """
    listener = Socket(socket.AF_INET6 if ":" in host else socket.AF_INET, socket.SOCK_STREAM)
    try:
        listener.setblocking(False)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        # Inherited by the connections: Nagle would hold the end of a long answer for 40 ms.
        listener.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, OverflowError) as error:
        listener.close()
        is_in_use = isinstance(error, OSError) and error.errno == errno.EADDRINUSE
        kind = PortInUse if is_in_use else InputError
        cure = "choose another address or port"
        raise kind(f"{host}:{port}: {_why_not_bound(error)}; {cure}") from error
    return listener


def raise_descriptors() -> None:
    """Raise the soft limit of file descriptors of this process to its hard limit."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft != hard:
        try:
            resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        except (OSError, ValueError):
            return  # macOS has a limit of its own below an unlimited hard one


def _why_not_bound(error: Exception) -> str:
    """Why an address can't be bound; OverflowError is of a port above 65535."""
    if isinstance(error, OSError):
        return "in use" if error.errno == errno.EADDRINUSE else (error.strerror or str(error))
    return "no such port"
