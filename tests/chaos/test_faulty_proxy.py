"""The proxy on real sockets: what each fault does to a connection."""

from __future__ import annotations

import socket
import threading
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from functools import partial

import pytest
from helpers.waiting import wait_until

from chaos import proxy as proxy_module
from chaos.connection_faults import TREATMENTS, ConnectionFault
from chaos.proxy import FaultyProxy
from chaos.session_watch import SessionWatch, WatchedConnection

pytestmark = [pytest.mark.sockets]
INFORM = b"<SerialNumber>S1</SerialNumber>"
ENDED = b"HTTP/1.1 204 No Content\r\n\r\n"
LOOPBACK = ("127.0.0.1", 0)
Strike = Callable[..., None]


class OtherSide:
    """A server that keeps what it has received, and answers each piece."""

    def __init__(self) -> None:
        self.received = b""
        self.lost = 0
        self._listening = socket.create_server(LOOPBACK)
        self.address: tuple[str, int] = self._listening.getsockname()
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self) -> None:
        while True:
            try:
                sock, _ = self._listening.accept()
            except OSError:
                return
            with sock:
                self._answer(sock)

    def _answer(self, sock: socket.socket) -> None:
        try:
            while piece := sock.recv(65536):
                self.received += piece
                sock.sendall(ENDED)
        except OSError:
            self.lost += 1

    def close(self) -> None:
        self._listening.shutdown(socket.SHUT_RDWR)  # its thread waits in it
        self._listening.close()


class Lane:
    """A client, the proxy, and the other side."""

    def __init__(self) -> None:
        self.watch = SessionWatch()
        self.proxy = FaultyProxy(1, self.watch)
        self.other = OtherSide()
        self.port = self.proxy.listen(LOOPBACK, self.other.address)

    def connect(self) -> socket.socket:
        client = socket.create_connection(("127.0.0.1", self.port))
        client.settimeout(120)
        return client

    def has_seen(self, sessions: int) -> bool:
        return self.watch.sessions == sessions

    def close(self) -> None:
        with suppress(OSError):
            self.other.close()
        self.proxy.stop()


@pytest.fixture
def lane() -> Iterator[Lane]:
    with closing(Lane()) as made:
        yield made


@pytest.fixture
def strike(lane: Lane, monkeypatch: pytest.MonkeyPatch) -> Strike:
    """Give every connection this fault, in the first piece of a direction."""

    def strike(kind: str, *, to_server: bool) -> None:
        fault = ConnectionFault(kind, to_server, 0, 0.01)
        monkeypatch.setattr(proxy_module, "fault_of", lambda *_: fault)
        lane.proxy.is_faulty = True

    return strike


def received(client: socket.socket, number: int = 65536) -> bytes:
    """All that comes until the connection ends, or so many bytes have."""
    data = b""
    while len(data) < number:
        piece = client.recv(number - len(data))
        if not piece:
            return data
        data += piece
    return data


def test_without_faults_all_passes_and_the_session_is_good(lane: Lane) -> None:
    with lane.connect() as client:
        client.sendall(INFORM)
        assert received(client, len(ENDED)) == ENDED
    assert lane.other.received == INFORM
    wait_until(lambda: set(lane.watch.good) == {"S1"})
    assert not lane.proxy.faults


OUTCOMES = {
    "cut": (b"", b""),
    "truncate": (INFORM[: round(len(INFORM) / 2)], ENDED[: round(len(ENDED) / 2)]),
}
"""What the other side gets of a request, and the client of an answer, before the end."""


@pytest.mark.parametrize("kind", OUTCOMES)
def test_the_connection_ends_after_as_much(lane: Lane, strike: Strike, kind: str) -> None:
    strike(kind, to_server=True)
    with lane.connect() as client:
        client.sendall(INFORM)
        received(client)
    wait_until(lambda: lane.proxy.faults[kind] == 1)
    wait_until(lambda: lane.other.received == OUTCOMES[kind][0])
    lane.watch.good.clear()  # the other side may have answered the part that it got
    strike(kind, to_server=False)
    with lane.connect() as client:
        client.sendall(INFORM)
        assert received(client) == OUTCOMES[kind][1]
    assert not lane.watch.good


@pytest.mark.parametrize("to_server", [True, False])
def test_a_reset_is_seen_as_one(lane: Lane, strike: Strike, to_server: bool) -> None:
    strike("reset", to_server=to_server)
    with lane.connect() as client:
        client.sendall(INFORM)
        with pytest.raises(ConnectionResetError):
            client.recv(1)
    assert lane.proxy.faults == {"reset": 1}


def test_a_drop_leaves_the_connection_open_and_silent(lane: Lane, strike: Strike) -> None:
    strike("drop", to_server=True)
    with lane.connect() as client:
        client.sendall(INFORM)
        wait_until(lambda: lane.proxy.faults["drop"] == 1)
        client.settimeout(0.05)
        with pytest.raises(TimeoutError):
            client.recv(1)
    assert lane.other.received == b""


def test_a_delay_passes_all_on(lane: Lane, strike: Strike) -> None:
    strike("delay", to_server=True)
    with lane.connect() as client:
        client.sendall(INFORM)
        assert received(client, len(ENDED)) == ENDED
    assert lane.proxy.faults == {"delay": 1}


@pytest.mark.parametrize("to_server", [True, False])
def test_a_duplicate_comes_twice(lane: Lane, strike: Strike, to_server: bool) -> None:
    strike("duplicate", to_server=to_server)
    with lane.connect() as client:
        client.sendall(INFORM)
        if to_server:
            wait_until(lambda: lane.other.received == INFORM * 2)
        else:
            assert received(client, 2 * len(ENDED)) == ENDED * 2


def test_every_kind_is_tested_here() -> None:
    assert set(TREATMENTS) == {*OUTCOMES, "reset", "drop", "delay", "duplicate"}


def test_where_nobody_listens_the_client_is_reset(lane: Lane) -> None:
    lane.other.close()
    with lane.connect() as client:
        wait_until(lambda: lane.proxy.connections == 1)
        with pytest.raises(ConnectionResetError):
            client.recv(1)


def test_a_cpe_with_two_sessions_at_once_is_seen(lane: Lane) -> None:
    with lane.connect() as one, lane.connect() as two:
        one.sendall(INFORM)
        wait_until(lambda: lane.watch.sessions == 1)
        two.sendall(INFORM)
        wait_until(lambda: lane.watch.sessions == 2)
    assert lane.watch.overlaps == ["S1 from 127.0.0.1 and 127.0.0.1"]


def test_a_session_that_a_frozen_worker_has_left_open_counts_once_it_goes_on() -> None:
    watch, (one, two) = SessionWatch(), socket.socketpair()
    left = WatchedConnection(one, "127.1.0.1")
    watch.sent(left, INFORM)
    watch.sent(WatchedConnection(two, "127.1.0.2"), INFORM)
    assert not watch.overlaps
    watch.sent(left, b"POST")
    watch.sent(left, b"POST")
    assert watch.overlaps == ["S1 from 127.1.0.1 and 127.1.0.2"]
    one.close()
    two.close()


def test_a_session_after_one_that_a_fault_has_closed_is_no_overlap() -> None:
    watch, (one, two) = SessionWatch(), socket.socketpair()
    watch.sent(WatchedConnection(one, "127.1.0.1"), INFORM)
    one.close()
    watch.sent(WatchedConnection(two, "127.1.0.2"), INFORM)
    two.close()
    assert watch.sessions == 2
    assert not watch.overlaps


def test_one_session_after_the_other_is_no_overlap(lane: Lane) -> None:
    for number in range(1, 20):
        with lane.connect() as client:
            client.sendall(INFORM)
            wait_until(partial(lane.has_seen, number))
    assert not lane.watch.overlaps
