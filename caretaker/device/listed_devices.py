"""
The devices of a list: what each of them has of its own, compactly (decision 0033).

A million devices are one block of bytes, and a few numbers for each. A text of a device is made
when it is read.
"""

from __future__ import annotations

from array import array
from bisect import bisect_left
from collections.abc import Iterable, Sequence
from itertools import pairwise

from caretaker.index_set import Ranges, ranges_of

SERIAL = "serial"
MAC = "mac"
MANUFACTURER, OUI, PRODUCT_CLASS = "manufacturer", "oui", "product_class"
ACS_CREDENTIALS = ("acs_username", "acs_password")
PATHS = {
    MANUFACTURER: "DeviceInfo.Manufacturer",
    OUI: "DeviceInfo.ManufacturerOUI",
    PRODUCT_CLASS: "DeviceInfo.ProductClass",
    "acs_username": "ManagementServer.Username",
    "acs_password": "ManagementServer.Password",
    "cr_username": "ManagementServer.ConnectionRequestUsername",
    "cr_password": "ManagementServer.ConnectionRequestPassword",
}
"""The parameters of columns, below the root. That of the serial number is the CPE's own."""
_STEERING = ("ManagementServer.", "XMPP.")
"""Objects below the root: periodic Informs, heartbeats, and connections to servers."""
MANY = 10_000
"""Serial numbers that are too many to look for each where it is in the list."""
_BETWEEN = "\x1f"
"""Between the texts of a device, none of which has control characters."""
_AFTER_ALL = "\U0010ffff"
"""Sorts behind every character of a serial number."""


def steers(column: str) -> bool:
    """Whether a column is of a parameter that says what a device does by itself, and when."""
    return column.partition(".")[2].startswith(_STEERING)


class ListedDevices:
    """
    A list of devices; the first one is the CPE with the index 0.

    Args:
        columns: what a device has, each once: ``serial`` first, then ``mac``, names of ``PATHS``,
            and complete paths of parameters.
        devices: for each the number of its profile, and its texts in the order of the columns;
            empty where the profile has the value.
        profiles: names of profiles, which are numbered from 1; 0 stands for none of them. They
            are read after the devices.
    """

    def __init__(
        self,
        columns: Sequence[str],
        devices: Iterable[tuple[int, Sequence[str]]],
        profiles: Sequence[str] = (),
    ) -> None:
        self.columns = tuple(columns)
        self._places = {column: place for place, column in enumerate(self.columns)}
        self._block = bytearray()
        self._starts = array("I", [0])
        self._numbers = array("B")
        for number, texts in devices:
            self._block += _BETWEEN.join(texts).encode()
            self._starts.append(len(self._block))
            self._numbers.append(number)
        self.profiles = tuple(profiles)
        self._by_serial = array("I", sorted(range(len(self)), key=self.serial_number))

    def __len__(self) -> int:
        """How many devices there are."""
        return len(self._numbers)

    def __repr__(self) -> str:
        return f"<{len(self)} devices>"  # their passwords are nobody's business

    @property
    def bytes(self) -> int:
        """That the devices take."""
        tables = (self._starts, self._numbers, self._by_serial)
        return len(self._block) + sum(len(table) * table.itemsize for table in tables)

    def text_at(self, index: int, place: int) -> str:
        """What a device has in the column at that place."""
        block = self._block[self._starts[index] : self._starts[index + 1]]
        return block.decode().split(_BETWEEN)[place]

    def text(self, index: int, column: str) -> str:
        """What a device has in a column; empty if it has nothing, or the list no such column."""
        place = self._places.get(column)
        return "" if place is None else self.text_at(index, place)

    def serial_number(self, index: int) -> str:
        """The serial number of a device."""
        return self.text_at(index, 0)

    def profile_number(self, index: int) -> int:
        """Which of ``profiles`` a device has, from 1; 0 if it is not said."""
        return self._numbers[index]

    def profile_numbers(self, indices: range) -> Sequence[int]:
        """``profile_number`` for neighbouring devices."""
        return self._numbers[indices.start : indices.stop]

    def index_of(self, serial_number: str) -> int | None:
        """The index of a serial number, None if no device has it."""
        place = self._place_of(serial_number)
        if place == len(self) or self.serial_number(self._by_serial[place]) != serial_number:
            return None
        return self._by_serial[place]

    def starting_with(self, text: str) -> Ranges:
        """
        Where the serial numbers are that begin so, as half-open ranges of indices, lowest first.

        Where they are many, all indices.
        """
        first, end = self._place_of(text), self._place_of(text + _AFTER_ALL)
        if end - first > MANY:
            return [(0, len(self))]
        return ranges_of(set(self._by_serial[first:end]))

    def duplicate(self) -> tuple[int, int] | None:
        """The indices of two devices with the same serial number; None if there are none."""
        for one, other in pairwise(self._by_serial):
            if self.serial_number(one) == self.serial_number(other):
                return one, other
        return None

    def _place_of(self, serial_number: str) -> int:
        return bisect_left(self._by_serial, serial_number, key=self.serial_number)
