"""Harnesses of the datagrams that reach CPEs: STUN messages and Connection Requests by UDP."""

from __future__ import annotations

from caretaker.connection_request import udp_client
from caretaker.device import nat_traversal
from caretaker.errors import DatagramError, InputError
from caretaker.stun import message, udp_connection_request
from fuzz.harness import LINE, Harness


def _stun_message(data: bytes) -> object:
    """A message that is read is the same when it is written and read again."""
    read = message.StunMessage.decode(data)
    assert message.StunMessage.decode(read.encode()) == read
    assert len(read.encode()) == len(data)
    found: list[object] = []
    for look in (read.mapped_address, read.error_code):
        try:
            found.append(look())
        except DatagramError as error:
            found.append(str(error))
    return read, found, read.has_integrity(b"key")


_ADDRESS = message.SocketAddress("192.0.2.1", 7547)


def _udp_connection_request(data: bytes) -> object:
    """A request that is read is the same when it is written and read again."""
    read = udp_connection_request.UDPConnectionRequest.decode(data)
    again = udp_connection_request.UDPConnectionRequest.decode(read.encode(_ADDRESS))
    assert again == read
    return read, read.is_signed_with("password"), read.may_follow((1, 1))


def _udp_address(data: bytes) -> object:
    """What a device reports as its address is one, and reads the same again, or is refused."""
    address = udp_client.address_of(data.decode("utf-8", "replace"))
    assert udp_client.address_of(address.authority) == address
    return address


def _stun_settings(data: bytes) -> object:
    """Whatever an ACS writes, the period and the port are usable."""
    values = (*data.decode("utf-8", "replace").split("\n", 4), "", "", "", "", "")
    settings = nat_traversal._settings_of(values[:5])
    assert 0 < settings.port < 1 << 16
    assert settings.keep_alive(30.0) > 0
    return settings


STUN: dict[str, Harness] = {
    "stun_message": Harness(_stun_message, (message,), (DatagramError,), max_bytes=LINE),
    "udp_connection_request": Harness(
        _udp_connection_request, (udp_connection_request,), (DatagramError,), max_bytes=LINE
    ),
    "udp_address": Harness(_udp_address, (udp_client,), (InputError,), max_bytes=LINE),
    "stun_settings": Harness(_stun_settings, (nat_traversal,), max_bytes=LINE),
}
"""The harnesses by their names."""
