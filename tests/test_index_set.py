"""A set of indices as ranges: it is a set, and hands out its lowest indices first."""

from __future__ import annotations

from helpers.strategies import INDEX_RANGES, indices_of
from hypothesis import given
from hypothesis import strategies as st

from caretaker.index_set import IndexSet, ranges_of


@given(INDEX_RANGES, INDEX_RANGES)
def test_an_index_set_is_a_set(add: list[tuple[int, int]], discard: list[tuple[int, int]]) -> None:
    indices, expected = IndexSet(add), indices_of(add)
    other = IndexSet(discard)
    assert set(indices & other) == expected & indices_of(discard)
    for start, stop in discard:
        indices.discard(start, stop)
    expected -= indices_of(discard)
    assert list(indices) == sorted(expected)
    assert len(indices) == len(expected)
    assert [indices[rank] for rank in range(len(indices))] == sorted(expected)
    assert all((index in indices) == (index in expected) for index in range(60))
    assert all(a[1] < b[0] for a, b in zip(indices.ranges, indices.ranges[1:], strict=False))


@given(st.sets(st.integers(0, 60)))
def test_a_set_of_indices_as_ranges(indices: set[int]) -> None:
    assert ranges_of(indices) == IndexSet((index, index + 1) for index in indices).ranges


@given(INDEX_RANGES, st.integers(0, 60))
def test_the_lowest_are_taken_first(ranges: list[tuple[int, int]], count: int) -> None:
    indices = IndexSet(ranges)
    expected = sorted(indices_of(ranges))
    assert list(IndexSet(indices.take(count))) == expected[:count]
    assert list(indices) == expected[count:]


@given(st.sets(st.integers(0, 60)), st.integers(0, 60), st.integers(0, 60))
def test_the_indices_between_two(indices: set[int], start: int, stop: int) -> None:
    held = IndexSet(ranges_of(indices))
    assert list(held.between(start, stop)) == sorted(i for i in indices if start <= i < stop)
