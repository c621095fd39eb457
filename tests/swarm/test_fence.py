"""The fence: what comes first after a freeze."""

from __future__ import annotations

import socket

import gevent

from caretaker.swarm.fence import Fence


def test_it_acts_before_what_waits_in_sockets_and_timers() -> None:
    happened: list[str] = []
    is_over = False

    def act() -> None:
        nonlocal is_over
        is_over = False
        happened.append("fence")

    fence = Fence(lambda: is_over, act)
    loop = gevent.get_hub().loop
    one, other = socket.socketpair()
    readable, due = loop.io(one.fileno(), 1), loop.timer(0.0)
    try:
        readable.start(lambda: happened.append("socket"))
        due.start(lambda: happened.append("timer"))
        other.send(b"x")
        is_over = True
        while "socket" not in happened or "timer" not in happened:
            gevent.sleep(0)
    finally:
        for watcher in (readable, due):
            watcher.stop()
            watcher.close()
        fence.stop()
        one.close()
        other.close()
    assert happened[0] == "fence"


def test_it_does_nothing_while_nothing_is_over() -> None:
    happened: list[str] = []
    fence = Fence(lambda: False, lambda: happened.append("fence"))
    for _ in range(3):
        gevent.sleep(0)
    fence.stop()
    assert happened == []
