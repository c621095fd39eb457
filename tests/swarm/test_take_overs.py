"""What becomes of CPEs whose worker was dead or silent."""

from __future__ import annotations

import pytest

from caretaker.swarm.index_ledger import LostLease
from caretaker.swarm.take_overs import TakeOvers


@pytest.fixture
def take_overs() -> TakeOvers:
    """After the loss of a worker that was last heard at 100 s."""
    made = TakeOvers()
    made.lose(LostLease("w", [(0, 10), (20, 25)], 100.0))
    return made


def test_those_that_others_get_are_counted_with_their_times(take_overs: TakeOvers) -> None:
    take_overs.grant([(8, 22)], 106.2)
    take_overs.grant([(0, 4)], 108.0)
    found = take_overs.of("w")
    assert (found.taken_over, found.first, found.last) == (8, 6.2, 8.0)
    assert found.missing.ranges == [(4, 8), (22, 25)]


def test_an_answer_that_is_repeated_and_new_cpes_change_nothing(take_overs: TakeOvers) -> None:
    take_overs.grant([(0, 4)], 106.0)
    take_overs.grant([(0, 4), (30, 40)], 107.0)
    assert (take_overs.total, take_overs.of("w").last) == (4, 6.0)


def test_of_a_worker_that_lost_nothing_nothing_is_known(take_overs: TakeOvers) -> None:
    found = take_overs.of("other")
    assert (found.taken_over, found.first, found.last) == (0, None, None)


def test_all_that_were_taken_over_count(take_overs: TakeOvers) -> None:
    take_overs.grant([(0, 10)], 106.0)
    take_overs.lose(LostLease("x", [(0, 10)], 120.0))
    take_overs.grant([(0, 5)], 127.5)
    assert take_overs.total == 15
    assert (take_overs.of("w").last, take_overs.of("x").first) == (6.0, 7.5)
