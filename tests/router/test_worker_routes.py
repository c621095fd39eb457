"""Which worker holds a CPE, and how the routes travel."""

from __future__ import annotations

import pytest

from caretaker.errors import DeviceNotFound, InputError
from caretaker.router.routes import Routes, RouteTable, WorkerRoute

ONE, TWO = "http://10.0.0.1:7548", "http://[fd00::2]:7549"
ROUTES = Routes("LAB", 60, (WorkerRoute(ONE, ((0, 10), (20, 30))), WorkerRoute(TWO, ((10, 20),))))


def test_they_read_what_they_have_written() -> None:
    assert Routes.from_json(ROUTES.to_json()) == ROUTES
    assert Routes.from_json(Routes().to_json()) == Routes()


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\xff",
        b"[]",
        b"{}",
        b"[" * 100_000,
        b'{"serial_prefix":"A","size":1}',
        b'{"serial_prefix":"A","size":1e999,"workers":[]}',
        b'{"serial_prefix":"A","size":"many","workers":[]}',
        b'{"serial_prefix":"A","size":1,"workers":[{"url":"nonsense","ranges":[]}]}',
        b'{"serial_prefix":"A","size":1,"workers":[{"url":"ftp://w/","ranges":[]}]}',
        b'{"serial_prefix":"A","size":1,"workers":[{"url":7,"ranges":[]}]}',
        b'{"serial_prefix":"A","size":1,"workers":[{"url":"http://w/","ranges":[[1,2,3]]}]}',
        b'{"serial_prefix":"A","size":1,"workers":[{"url":"http://w/","ranges":[1]}]}',
    ],
)
def test_anything_else_is_refused(data: bytes) -> None:
    with pytest.raises(InputError):
        Routes.from_json(data)


@pytest.mark.parametrize(
    ("serial_number", "worker"),
    [
        ("LAB-000001", ONE),
        ("LAB-000010", ONE),
        ("LAB-000011", TWO),
        ("LAB-000020", TWO),
        ("LAB-000021", ONE),
        ("LAB-000031", None),
        ("LAB-000060", None),
    ],
)
def test_a_cpe_of_the_fleet_has_a_worker_or_none_just_now(
    serial_number: str, worker: str | None
) -> None:
    assert RouteTable(ROUTES).worker_of(serial_number) == worker


@pytest.mark.parametrize("serial_number", ["LAB-000061", "LAB-1", "OTHER-000001", "", "LAB-000000"])
def test_other_serial_numbers_are_not_the_fleets(serial_number: str) -> None:
    with pytest.raises(DeviceNotFound):
        RouteTable(ROUTES).worker_of(serial_number)
