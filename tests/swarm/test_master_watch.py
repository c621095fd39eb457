"""A worker tells a master that has ended from one that is silent."""

from __future__ import annotations

from collections.abc import Iterator

import gevent
import pytest
from gevent import socket
from gevent.event import AsyncResult

from caretaker.swarm import master_watch
from caretaker.swarm.master_watch import MasterWatch

pytestmark = pytest.mark.sockets
WAIT = 120.0
"""Ends only a test that hangs."""


@pytest.fixture(autouse=True)
def fast(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(master_watch, "LOOK_SECONDS", 0.001)
    monkeypatch.setattr(master_watch, "SILENCE_SECONDS", 0.005)


@pytest.fixture
def port() -> Iterator[socket.socket]:
    """Of a frozen master: its system accepts connections, and nothing comes."""
    with socket.socket() as server:
        server.bind(("127.0.0.1", 0))
        server.listen()
        yield server


def watch(port: socket.socket) -> tuple[MasterWatch, AsyncResult[str]]:
    gone: AsyncResult[str] = AsyncResult()
    return MasterWatch("127.0.0.1", port.getsockname()[1], gone.set), gone


def test_a_master_that_has_ended_is_gone(port: socket.socket) -> None:
    _, gone = watch(port)
    port.close()
    assert "the master has ended (127.0.0.1:" in str(gone.get(timeout=WAIT))


def test_a_frozen_master_is_not_gone_until_it_is_killed(port: socket.socket) -> None:
    _, gone = watch(port)
    with gevent.Timeout(WAIT):
        connection, _ = port.accept()
    gevent.sleep(0.05)
    assert not gone.ready()
    port.close()
    connection.close()
    assert "the master has ended" in str(gone.get(timeout=WAIT))


def test_patience_with_a_silent_master_ends(
    port: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(master_watch, "PATIENCE_SECONDS", 0.05)
    assert watch(port)[1].get(timeout=WAIT) == "no word of the master for 0 s"


def test_a_master_that_is_heard_of_is_not_asked(
    port: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(master_watch, "SILENCE_SECONDS", 0.0015)
    looking, gone = watch(port)
    port.close()
    for _ in range(50):
        looking.heard()
        gevent.sleep(0)
    assert not gone.ready()
    looking.stop()
    gevent.sleep(0)
