"""States that CPEs have in common are numbered, counted and forgotten."""

from __future__ import annotations

from collections import Counter

import pytest
from helpers.cpes import cpe, profile
from hypothesis import given
from hypothesis import strategies as st

from caretaker.device.resting_state import CommonState, common_state
from caretaker.engine import shared_states
from caretaker.engine.shared_states import SharedStates


def state(failures: int = 0) -> CommonState:
    """A state that differs by one number."""
    found = common_state(cpe())
    assert found is not None
    return found._replace(failures=failures)


def test_equal_states_have_one_number() -> None:
    states = SharedStates()
    first = states.take(profile(), state())
    assert states.take(profile(), state(), 5) == first
    assert states.take(profile(), state(1)) != first
    assert states.take(profile("tr098"), state()) != first
    assert states.state(first) == (profile(), state())
    assert len(states) == 3
    assert sorted(count for count, _ in states) == [1, 1, 6]


def test_a_state_that_no_cpe_has_is_forgotten_and_its_number_used_again() -> None:
    states = SharedStates()
    first = states.take(profile(), state(1), 2)
    states.drop(first)
    assert len(states) == 1
    states.drop(first)
    assert len(states) == 0
    assert states.take(profile(), state(2)) == first
    assert states.state(first) == (profile(), state(2))


def test_there_are_no_more_states_than_numbers(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(shared_states, "MOST", 2)
    states = SharedStates()
    assert [states.take(profile(), state(number)) for number in range(3)] == [1, 2, 0]
    states.drop(1)
    assert states.take(profile(), state(3)) == 1


@given(st.lists(st.integers(0, 5) | st.none(), max_size=50))
def test_counts_are_those_of_the_cpes(steps: list[int | None]) -> None:
    states, taken = SharedStates(), []
    base = state()
    for step in steps:
        if step is not None:
            taken.append(states.take(profile(), base._replace(failures=step)))
        elif taken:
            states.drop(taken.pop(0))
    counts = Counter(states.state(number)[1] for number in taken)
    assert {each: count for count, each in states} == counts
