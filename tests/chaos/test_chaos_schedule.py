"""The schedule of disruptions: drawn from the seed alone, and never without a worker."""

from __future__ import annotations

from itertools import pairwise

import pytest

from chaos.schedule import ACS, OF_WORKERS, RULES, WORKERS, Kind, rebalancing, schedule

HOUR = 3600.0


def test_the_same_seed_gives_the_same_schedule() -> None:
    assert schedule(7, HOUR) == schedule(7, HOUR)
    assert schedule(7, HOUR) != schedule(8, HOUR)
    assert [rebalancing(7)] * 9 == [rebalancing(7) for _ in range(9)]


def test_runs_with_and_without_rebalancing_both_come() -> None:
    assert {rebalancing(seed) for seed in range(20)} == {True, False}


def test_each_kind_has_a_rule_and_comes_in_an_hour() -> None:
    assert set(RULES) == set(Kind)
    disruptions = schedule(1, HOUR)
    assert {each.kind for each in disruptions} == set(Kind)
    assert {each.target for each in disruptions} == {ACS, *range(WORKERS)}


@pytest.mark.parametrize("seconds", [60.0, 120.0, HOUR])
@pytest.mark.parametrize("seed", range(5))
def test_all_begins_and_ends_within_the_time(seed: int, seconds: float) -> None:
    disruptions = schedule(seed, seconds)
    assert disruptions == sorted(disruptions, key=lambda each: each.at)
    assert all(0 < each.at < each.until <= seconds for each in disruptions)


def test_one_worker_at_a_time_is_disrupted() -> None:
    of_workers = [each for each in schedule(3, HOUR) if each.target != ACS]
    assert all(first.until < second.at for first, second in pairwise(of_workers))
    assert {each.kind for each in of_workers} == set(OF_WORKERS)


def test_it_is_printed_with_its_times() -> None:
    first = schedule(1, 120.0)[0]
    assert str(first) == f"{first.at:7.1f} s  {first.what}"
    assert first.kind.value in first.what
