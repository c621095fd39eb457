"""Sending a Connection Request by UDP, as GenieACS does: three equal datagrams, and no answer."""

from __future__ import annotations

import re
import secrets
import time
from collections.abc import Callable

import gevent.socket

from caretaker.errors import InputError
from caretaker.http.connect_errors import connect_error, name_error
from caretaker.http.credentials import Credentials
from caretaker.stun.message import SocketAddress
from caretaker.stun.udp_connection_request import UDPConnectionRequest

COPIES = 3
"""Datagrams get lost, and a CPE takes the same request only once."""
DEFAULT_PORT = 80
"""Of an address without one (data models)."""
_AUTHORITY = re.compile(r"(?:\[([0-9A-Fa-f:.]{2,45})\]|([^\s:/@\[\]]{1,255}))(?::([0-9]{1,5}))?")


def address_of(text: str) -> SocketAddress:
    """
    The host and port of a UDPConnectionRequestAddress.

    Raises:
        InputError: it is not ``host:port`` or ``host``.
    """
    match = _AUTHORITY.fullmatch(text)
    port = int(match[3] or DEFAULT_PORT) if match else 0
    if match is None or not 0 < port < 1 << 16:
        cure = "a device has host:port there, like 192.0.2.1:7547"
        raise InputError(f"UDPConnectionRequestAddress {text[:80]!r}: not an address; {cure}")
    return SocketAddress(match[1] or match[2], port)


def send_by_udp(
    address: str, credentials: Credentials, clock: Callable[[], float] = time.time
) -> None:
    """
    Send a Connection Request by UDP; whether it was taken, only the CPE's Inform tells.

    Args:
        address: the UDPConnectionRequestAddress of the CPE.
        credentials: its ConnectionRequestUsername and -Password.
        clock: seconds since 1970.

    Raises:
        InputError: the address is not one.
        TransportError: the datagrams can't be sent.
    """
    target = address_of(address)
    identifier, cnonce = str(secrets.randbits(31)), secrets.token_hex(8)
    request = UDPConnectionRequest(str(int(clock())), identifier, credentials.username, cnonce)
    datagram = request.signed(credentials.password).encode(target)
    try:
        family, _, _, _, peer = gevent.socket.getaddrinfo(*target, type=gevent.socket.SOCK_DGRAM)[0]
    except (OSError, UnicodeError) as error:
        raise name_error(error) from error
    try:
        with gevent.socket.socket(family, gevent.socket.SOCK_DGRAM) as sender:
            for _ in range(COPIES):
                sender.sendto(datagram, peer)
    except OSError as error:
        raise connect_error(error) from error
