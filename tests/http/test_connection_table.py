"""Who makes room in a full server."""

from __future__ import annotations

import resource
from math import inf

import pytest

from caretaker.http.connection_table import (
    IDLE_SECONDS,
    SPARED_SECONDS,
    ConnectionTable,
    OpenConnection,
    peer_of,
)

NOW = 1000.0


class Occupant:
    """A connection that was used some seconds ago; None if it is in use."""

    def __init__(self, table: ConnectionTable, peer: str, used: float | None = 10.0) -> None:
        self.deadline = inf if used is None else NOW - used + IDLE_SECONDS
        self.held = 0
        self.is_open = True
        self._table = table
        table.add(self, peer)

    def close(self) -> None:
        self.is_open = False
        self._table.discard(self)


def table(most: int = 5, most_held: int = 100) -> ConnectionTable:
    return ConnectionTable(most, most_held)


def test_nobody_has_to_go_while_there_is_room() -> None:
    it = table(most=3)
    crowd = [Occupant(it, "1.1.1.1") for _ in range(2)]
    assert it.make_room(NOW)
    assert all(each.is_open for each in crowd)


def test_in_a_full_server_the_oldest_idle_one_of_the_peer_with_most_goes() -> None:
    it = table()
    honest = [Occupant(it, "1.1.1.1"), Occupant(it, "1.1.1.1")]
    crowd = [Occupant(it, "2.2.2.2", used) for used in (0.0, 10.0, 10.0)]
    assert it.make_room(NOW)
    assert [each.is_open for each in (*honest, *crowd)] == [True, True, True, False, True]
    assert len(it) == 4


def test_where_that_peer_uses_all_of_its_own_another_one_goes() -> None:
    it = table()
    busy = [Occupant(it, "2.2.2.2", used) for used in (None, None, SPARED_SECONDS / 2)]
    idle = [Occupant(it, "1.1.1.1"), Occupant(it, "3.3.3.3")]
    assert it.make_room(NOW)
    assert [each.is_open for each in (*busy, *idle)] == [True, True, True, False, True]


def test_where_all_are_in_use_nobody_goes() -> None:
    it = table(most=2)
    assert all(Occupant(it, "1.1.1.1", used).is_open for used in (None, 0.1))
    assert not it.make_room(NOW)
    assert not table(most=0).make_room(NOW)


@pytest.mark.parametrize(
    ("one", "other", "same"),
    [
        ("10.0.0.1", "10.0.0.2", False),
        ("2001:db8::1", "2001:db8::2:0:0:3", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("::ffff:10.0.0.1", "::ffff:10.0.0.2", False),
        ("fe80::1%eth0", "fe80::2%eth0", True),
    ],
)
def test_who_is_one_peer(one: str, other: str, same: bool) -> None:
    assert (peer_of(one) == peer_of(other)) is same


def test_beyond_its_bytes_the_idle_one_that_holds_most_goes() -> None:
    it = table(most_held=100)
    light, heavy, busy = (Occupant(it, "1.1.1.1", used) for used in (10.0, 10.0, None))
    held: list[tuple[OpenConnection, int]] = [(light, 20), (heavy, 30), (busy, 50)]
    for connection, number in held:
        it.hold(connection, number)
    assert it.has_bytes(NOW)
    it.hold(busy, 65)
    assert it.has_bytes(NOW)
    assert (light.is_open, heavy.is_open, it.held) == (True, False, 85)
    it.hold(busy, 200)
    assert not it.has_bytes(NOW)
    assert (light.is_open, busy.is_open) == (False, True)
    it.hold(busy, 0)
    assert it.held == 0


def test_a_server_takes_half_of_the_files_of_its_process(monkeypatch: pytest.MonkeyPatch) -> None:
    for files, most in ((1024, 512), (100_000, 5_000), (resource.RLIM_INFINITY, 5_000)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, files=files: (files, files))
        assert table(most=5_000).most == most


def test_those_go_whose_time_is_over() -> None:
    it = table()
    over, in_time = Occupant(it, "1.1.1.1", IDLE_SECONDS + 1), Occupant(it, "1.1.1.1")
    it.sweep(NOW)
    assert (over.is_open, in_time.is_open, len(it)) == (False, True, 1)
    over.close()  # once more does no harm
