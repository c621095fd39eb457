from __future__ import annotations

import socket
import sys
from collections.abc import Iterator

import gevent
import pytest

from caretaker.stun.message import MAX_BYTES
from caretaker.stun.udp_socket import BATCH, UDPSocket, local_host

LOOPBACK = "127.0.0.1"


class Taken(list[bytes]):
    """Takes datagrams, and notes how many came in each turn of the loop."""

    def __call__(self, _: UDPSocket, datagram: bytes) -> None:
        self.append(datagram)


@pytest.fixture
def taken() -> Taken:
    return Taken()


@pytest.fixture
def opened(taken: Taken) -> Iterator[UDPSocket]:
    opened = UDPSocket(socket.AF_INET, LOOPBACK, taken)
    yield opened
    opened.close()


def send(target: UDPSocket, *datagrams: bytes) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for datagram in datagrams:
            sender.sendto(datagram, (LOOPBACK, target.port))


def test_what_arrives_is_taken_in_its_order(opened: UDPSocket, taken: Taken) -> None:
    send(opened, b"1", b"2", b"")
    with gevent.Timeout(30):
        while len(taken) < 3:
            gevent.sleep(0.001)
    assert taken == [b"1", b"2", b""]


def test_a_flood_leaves_turns_to_others(opened: UDPSocket, taken: Taken) -> None:
    opened.make_room()
    send(opened, *[b"x"] * (BATCH + 5))
    opened._receive()
    assert len(taken) == BATCH
    assert not opened.is_read()
    opened._receive()
    assert len(taken) == BATCH + 5


def test_a_long_datagram_is_cut_one_byte_too_long(opened: UDPSocket, taken: Taken) -> None:
    send(opened, bytes(9000))
    opened._receive()
    assert [len(datagram) for datagram in taken] == [MAX_BYTES + 1]


def test_a_datagram_is_sent_from_the_port_that_takes_them(opened: UDPSocket, taken: Taken) -> None:
    opened.send(b"to itself", (LOOPBACK, opened.port))
    opened._receive()
    assert taken == [b"to itself"]


def test_a_large_buffer_is_asked_for_and_may_be_refused(opened: UDPSocket) -> None:
    opened.make_room()
    opened.make_room()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems do not tell")
def test_what_the_system_had_no_room_for_is_known_for_a_while(opened: UDPSocket) -> None:
    assert not opened.has_lost(0.0, 5.0)
    send(opened, *[bytes(1000)] * 5000)
    assert opened.has_lost(10.0, 5.0)
    assert opened.has_lost(14.9, 5.0)
    assert not opened.has_lost(15.0, 5.0)


def test_an_address_of_another_machine_can_not_be_bound(taken: Taken) -> None:
    with pytest.raises(OSError, match="assign"):
        UDPSocket(socket.AF_INET, "192.0.2.1", taken)


@pytest.mark.parametrize(
    ("target", "source", "host"),
    [
        ((LOOPBACK, 9), "", LOOPBACK),
        ((LOOPBACK, 9), "127.0.0.7", "127.0.0.7"),
        ((LOOPBACK, 9), "192.0.2.1", ""),
    ],
)
def test_the_own_address_is_that_on_the_way_to_the_server(
    target: tuple[str, int], source: str, host: str
) -> None:
    assert local_host(socket.AF_INET, target, source) == host
