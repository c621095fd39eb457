from __future__ import annotations

import socket
from collections.abc import Callable, Iterator

import pytest

from caretaker.engine.nat_settings import NATSettings
from caretaker.engine.nat_sockets import SHARED_SOCKETS, NATSockets

Make = Callable[[bool], NATSockets]


@pytest.fixture
def make() -> Iterator[Make]:
    made: list[NATSockets] = []

    def sockets(own_sockets: bool) -> NATSockets:
        settings = NATSettings(own_sockets=own_sockets, source=lambda _: "127.0.0.1")
        made.append(NATSockets(settings, lambda _, __: None))
        return made[-1]

    yield sockets
    for each in made:
        each.close()


def test_cpes_share_sockets_and_none_is_closed_while_others_use_it(make: Make) -> None:
    sockets = make(False)
    first = sockets.open(0, socket.AF_INET)
    assert sockets.open(1, socket.AF_INET) is first
    assert sockets.owner(first) is None
    sockets.release(first)
    assert sockets.open(2, socket.AF_INET) is first


def test_bindings_go_round_so_many_shared_sockets(make: Make) -> None:
    sockets = make(False)
    opened = [sockets.open(0, socket.AF_INET)]
    while len(opened) <= SHARED_SOCKETS:
        opened.append(sockets.another(0, opened[-1]))
    assert len(set(opened)) == SHARED_SOCKETS
    assert opened[-1] is opened[0]


def test_a_socket_of_a_cpes_own_is_closed_with_its_binding(make: Make) -> None:
    sockets = make(True)
    first, second = sockets.open(0, socket.AF_INET), sockets.open(1, socket.AF_INET)
    assert (sockets.owner(first), sockets.owner(second)) == (0, 1)
    for _ in range(2):
        sockets.release(first)
    assert sockets.owner(first) is None
    assert sockets.owner(second) == 1


def test_all_can_be_closed_twice(make: Make) -> None:
    sockets = make(True)
    sockets.open(0, socket.AF_INET)
    for _ in range(2):
        sockets.close()
