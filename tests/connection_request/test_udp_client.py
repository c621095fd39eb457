from __future__ import annotations

import gevent.socket
import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.connection_request.udp_client import COPIES, address_of, send_by_udp
from caretaker.errors import ConnectError, InputError
from caretaker.http.credentials import Credentials
from caretaker.stun.message import SocketAddress
from caretaker.stun.udp_connection_request import UDPConnectionRequest

WHO = Credentials("user", "password")


@pytest.mark.rule("9.3-1")
@pytest.mark.parametrize("host", ["127.0.0.1", "::1"])
def test_a_request_is_sent_as_three_equal_datagrams(host: str) -> None:
    family = gevent.socket.AF_INET6 if ":" in host else gevent.socket.AF_INET
    with gevent.socket.socket(family, gevent.socket.SOCK_DGRAM) as device:
        device.bind((host, 0))
        device.settimeout(30)
        address = SocketAddress(host, device.getsockname()[1])
        send_by_udp(address.authority, WHO, lambda: 1_700_000_000.9)
        datagrams = {device.recv(2000) for _ in range(COPIES)}
    assert len(datagrams) == 1
    request = UDPConnectionRequest.decode(datagrams.pop())
    assert request.is_signed_with("password")
    assert (request.timestamp, request.username) == ("1700000000", "user")


def test_two_requests_differ_in_their_ids() -> None:
    with gevent.socket.socket(gevent.socket.AF_INET, gevent.socket.SOCK_DGRAM) as device:
        device.bind(("127.0.0.1", 0))
        device.settimeout(30)
        for _ in range(2):
            send_by_udp(f"127.0.0.1:{device.getsockname()[1]}", WHO)
        requests = {UDPConnectionRequest.decode(device.recv(2000)) for _ in range(2 * COPIES)}
    assert len(requests) == 2


def test_an_address_without_a_port_is_of_port_80() -> None:
    assert address_of("cpe.example") == SocketAddress("cpe.example", 80)


@given(st.builds(SocketAddress, st.ip_addresses().map(str), st.integers(1, 65535)))
def test_an_address_is_read_as_a_device_writes_it(address: SocketAddress) -> None:
    assert address_of(address.authority) == address


@pytest.mark.parametrize("text", ["", ":80", "host:0", "host:65536", "::1:80", "a/b", "http://a/"])
def test_what_is_no_address_is_told_with_the_cure(text: str) -> None:
    with pytest.raises(InputError, match="host:port there"):
        send_by_udp(text, WHO)


def test_a_name_that_is_unknown_can_not_be_sent_to() -> None:
    with pytest.raises(ConnectError):
        send_by_udp("no-such-host.invalid:7547", WHO)
