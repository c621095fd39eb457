"""The states of CPEs, as a view of the collections that hold them."""

from __future__ import annotations

import pytest

from caretaker.engine.cpe_states import STATES, CPEStates
from caretaker.engine.outages import PowerCuts


@pytest.fixture
def states() -> CPEStates:
    """Ten CPEs: 1 and 2 in a session, 3 and 4 waiting, 4 and 5 retrying, 6 without power."""
    cuts = PowerCuts()
    cuts.add(6, 50.0)
    return CPEStates(
        range(10), in_session={1, 2}, waiting={3: 1.0, 4: 2.0}, retrying={4, 5}, no_power=cuts
    )


def test_each_cpe_is_in_one_state(states: CPEStates) -> None:
    assert [states.state_of(index) for index in range(8)] == [
        "idle", "in_session", "in_session", "waiting", "waiting", "retrying", "no_power", "idle",
    ]  # fmt: skip


def test_a_cpe_that_waits_for_the_place_of_its_retry_counts_once(states: CPEStates) -> None:
    counts = states.counts(0.0)
    assert counts == {"idle": 4, "in_session": 2, "waiting": 2, "retrying": 1, "no_power": 1}
    assert list(counts) == list(STATES)


def test_a_cpe_is_no_longer_dark_when_its_power_is_back(states: CPEStates) -> None:
    assert states.counts(50.0)["no_power"] == 0
    assert states.state_of(6) == "idle"


def test_the_members_of_a_state_may_be_few_and_those_of_idle_are_all(states: CPEStates) -> None:
    assert set(states.members("retrying")) == {4, 5}
    assert set(states.members("no_power")) == {6}
    assert set(states.members("idle")) == set(range(10))
