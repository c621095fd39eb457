"""A line of CPEs is like an ordered dict of them, and takes no long step however many wait."""

from __future__ import annotations

from collections import OrderedDict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.engine.waiting_line import WaitingLine

INDICES = st.integers(0, 4) | st.integers(1022, 1026) | st.just(4_999_999)


@given(st.lists(st.tuples(st.sampled_from(("add", "discard", "pop", "many")), INDICES)))
def test_it_is_like_an_ordered_dict(steps: list[tuple[str, int]]) -> None:
    line, model = WaitingLine(), OrderedDict[int, tuple[float, float]]()
    for number, (what, index) in enumerate(steps):
        if what == "pop" and model:
            first, (planned, since) = model.popitem(last=False)
            assert line.pop() == (first, planned, since)
        elif what == "discard":
            line.discard(index)
            model.pop(index, None)
        else:
            for each in range(index, index + (1500 if what == "many" else 1)):
                line.add(each, float(number), number + 0.5)
                model.setdefault(each, (float(number), number + 0.5))
        assert (len(line), index in line) == (len(model), index in model)
    lots = [pair for lot in line.lots() for pair in zip(*lot, strict=True)]
    assert lots == [(index, planned) for index, (planned, _) in model.items()]
    assert list(line) == list(model)


def test_nobody_comes_out_of_an_empty_line() -> None:
    line = WaitingLine()
    line.add(7, 1.0, 2.0)
    line.discard(7)
    with pytest.raises(IndexError):
        line.pop()
    assert "7" not in line


def test_who_has_left_takes_no_memory() -> None:
    line = WaitingLine()
    for index in range(5000):
        line.add(index, 0.0, 0.0)
        if index > 100:
            line.pop()
    assert len(line) == 101
    assert len(line._lots) <= 2
    line.clear()
    assert (len(line), len(line._lots), len(line._places)) == (0, 0, 0)
