"""The points of a timeline: the same, packed or not."""

from __future__ import annotations

import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.stats.timeline_point import COUNTS, GAUGES, TIMES, Point
from caretaker.stats.timeline_points import MAX_OPEN, Points

CHANGES = st.tuples(
    st.integers(-1, 40),
    st.sampled_from((*COUNTS, *GAUGES, *TIMES)),
    st.lists(st.floats(0, 1e5), min_size=1, max_size=5)
    | st.integers(-1, 1 << 60).map(lambda n: [n]),
)


def change(point: Point, name: str, values: list[float]) -> None:
    if name in TIMES:
        getattr(point, name).extend([float(value) for value in values])
    else:
        setattr(point, name, getattr(point, name) + int(values[0]))


@given(st.lists(CHANGES, max_size=100), st.integers(1, MAX_OPEN))
def test_points_are_what_they_would_be_as_objects(
    changes: list[tuple[int, str, list[float]]], most_open: int
) -> None:
    points, plain = Points(most_open), dict[int, Point]()
    for number, name, values in changes:
        change(points.open(number), name, values)
        change(plain.setdefault(number, Point()), name, values)
    assert sorted(points) == sorted(plain)
    assert len(points) == len(plain)
    for number, point in plain.items():
        wire = point.to_wire()
        assert points.wire(number) == wire
        assert points[number].to_wire() == wire
        assert list(points[number].sessions.buckets) == list(point.sessions.buckets)
    assert {number: point.to_wire() for number, point in points.items()} == {
        number: point.to_wire() for number, point in plain.items()
    }


def test_the_points_that_were_opened_last_are_the_same_objects() -> None:
    points = Points()
    opened = [points.open(number) for number in range(100)]
    again = [points.open(number) for number in reversed(range(100 - MAX_OPEN, 100))]
    assert all(a is b for a, b in zip(again, reversed(opened[-MAX_OPEN:]), strict=True))


def test_a_point_that_is_put_replaces_an_open_one() -> None:
    points = Points()
    points.open(3).informs = 1
    points.put(3, Point(informs=2))
    assert (points[3].informs, len(points)) == (2, 1)
    points.open(3).informs += 1
    assert points[3].informs == 3


def test_there_may_be_none() -> None:
    points = Points()
    assert points.get(1) is None
    for look in (points.__getitem__, points.wire):
        with pytest.raises(KeyError):
            look(1)


def test_a_point_that_rests_takes_a_tenth() -> None:
    times = [1.03**exponent / 1e4 for exponent in range(150)]
    points = Points()
    for number in range(200):
        point = points.open(number)
        for name in TIMES:
            getattr(point, name).extend(times)
    size = sum(map(sys.getsizeof, points._packed.values())) / len(points._packed)
    as_object = sum(sys.getsizeof(getattr(points[0], name).buckets) for name in TIMES)
    assert size < as_object / 5
