"""
The points of a timeline by the number of their step, small.

Of all points of a run only the newest few change. The others are packed: three histograms in dicts
take some 6 KB, and the same as bytes a tenth of that.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import msgpack

from caretaker.stats.timeline_point import Point

MAX_OPEN = 16
"""Points that are not packed: sessions end in the last few seconds, and are planned in some."""


class Points:
    """
    Points by number. One that is read is for reading only; ``open`` has one that can change.

    The number of points is for others to bound.

    Args:
        most_open: how many are not packed.
    """

    def __init__(self, most_open: int = MAX_OPEN) -> None:
        self._most_open = most_open
        self._open: dict[int, Point] = {}
        """Points that may change; the one that was opened last is at the end."""
        self._packed: dict[int, bytes] = {}

    def open(self, number: int) -> Point:
        """A point to be changed, a new one if there is none, until many others were opened."""
        point = self._open.pop(number, None)
        if point is None:
            packed = self._packed.pop(number, None)
            point = Point() if packed is None else _unpacked(packed)
            if len(self._open) >= self._most_open:
                oldest = next(iter(self._open))
                self.put(oldest, self._open[oldest])
        self._open[number] = point
        return point

    def put(self, number: int, point: Point) -> None:
        """Have a point that will hardly change, in place of one with its number."""
        self._open.pop(number, None)
        self._packed[number] = msgpack.packb(point.to_wire())

    def wire(self, number: int) -> list[Any]:
        """``Point.to_wire`` of a point; raises KeyError if there is none."""
        packed = self._packed.get(number)
        return self._open[number].to_wire() if packed is None else _wire(packed)

    def get(self, number: int) -> Point | None:
        """A point to be read; None if there is none."""
        point = self._open.get(number)
        if point is not None:
            return point
        packed = self._packed.get(number)
        return None if packed is None else _unpacked(packed)

    def __getitem__(self, number: int) -> Point:
        """As ``get``; raises KeyError if there is none."""
        point = self.get(number)
        if point is None:
            raise KeyError(number)
        return point

    def __len__(self) -> int:
        """How many points there are."""
        return len(self._packed) + len(self._open)

    def __iter__(self) -> Iterator[int]:
        """Their numbers, in no order."""
        yield from (*self._packed, *self._open)

    def items(self) -> Iterator[tuple[int, Point]]:
        """Numbers and points, to be read, in no order; unpacked one by one."""
        return ((number, self[number]) for number in self)

    def values(self) -> Iterator[Point]:
        """The points of ``items``."""
        return (self[number] for number in self)


def _unpacked(packed: bytes) -> Point:
    return Point.from_wire(_wire(packed))


def _wire(packed: bytes) -> list[Any]:
    wire: list[Any] = msgpack.unpackb(packed)
    return wire
