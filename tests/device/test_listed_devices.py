"""A list of devices is compact, found by serial number, and says nothing of its secrets."""

from __future__ import annotations

from collections.abc import Iterator

from caretaker.device import listed_devices
from caretaker.device.listed_devices import ListedDevices

COLUMNS = ("serial", "mac", "acs_password")


def of(*serials: str) -> ListedDevices:
    return ListedDevices(COLUMNS, ((0, (serial, "", f"p-{serial}")) for serial in serials))


def test_the_index_of_a_device_is_its_place() -> None:
    three = of("C3", "A1", "B2")
    assert [three.index_of(three.serial_number(index)) for index in range(3)] == [0, 1, 2]
    assert [three.index_of(other) for other in ("", "A", "A11", "Z")] == [None] * 4


def test_an_absent_column_is_empty() -> None:
    assert of("A1").text(0, "oui") == ""


def test_serial_numbers_are_found_by_their_beginning() -> None:
    four = of("C3", "A1", "A2", "A")
    assert four.starting_with("A") == [(1, 4)]
    assert four.starting_with("A2") == [(2, 3)]
    assert four.starting_with("B") == []


def test_where_many_serial_numbers_begin_so_all_are_looked_at() -> None:
    many = of(*(f"A{number}" for number in range(listed_devices.MANY + 1)), "B")
    assert many.starting_with("A") == [(0, len(many))]


def test_duplicates_are_found() -> None:
    assert of("A1", "B", "C", "B").duplicate() == (1, 3)
    assert of("A1", "B").duplicate() is None


def test_its_text_has_no_password() -> None:
    assert repr(of("A1")) == str(of("A1")) == "<1 devices>"


def test_a_device_takes_its_text_and_a_few_bytes() -> None:
    def made() -> Iterator[tuple[int, tuple[str, ...]]]:
        for number in range(1_000):
            yield 0, (f"A{number:011}", "001122AABBCC", "0123456789ab")

    assert ListedDevices(COLUMNS, made()).bytes <= 1_000 * (3 * 12 + 2 + 9) + 8
