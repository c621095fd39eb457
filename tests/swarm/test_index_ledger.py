"""The ledger: no index has two holders, whatever joins, leaves or dies."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from caretaker.index_set import IndexSet, ranges_of
from caretaker.swarm.index_ledger import QUARANTINE_SECONDS, IndexLedger

RANGES = st.lists(st.tuples(st.integers(0, 50), st.integers(0, 50)), max_size=10)


def as_set(ranges: list[tuple[int, int]]) -> set[int]:
    return {index for start, stop in ranges for index in range(start, stop)}


@given(RANGES, RANGES)
def test_an_index_set_is_a_set(add: list[tuple[int, int]], discard: list[tuple[int, int]]) -> None:
    indices, expected = IndexSet(add), as_set(add)
    other = IndexSet(discard)
    assert set(indices & other) == expected & as_set(discard)
    for start, stop in discard:
        indices.discard(start, stop)
    expected -= as_set(discard)
    assert list(indices) == sorted(expected)
    assert len(indices) == len(expected)
    assert [indices[rank] for rank in range(len(indices))] == sorted(expected)
    assert all((index in indices) == (index in expected) for index in range(60))
    assert all(a[1] < b[0] for a, b in zip(indices.ranges, indices.ranges[1:], strict=False))


@given(st.sets(st.integers(0, 60)))
def test_a_set_of_indices_as_ranges(indices: set[int]) -> None:
    assert ranges_of(indices) == IndexSet((index, index + 1) for index in indices).ranges


@given(RANGES, st.integers(0, 60))
def test_the_lowest_are_taken_first(ranges: list[tuple[int, int]], count: int) -> None:
    indices = IndexSet(ranges)
    expected = sorted(as_set(ranges))
    assert list(IndexSet(indices.take(count))) == expected[:count]
    assert list(indices) == expected[count:]


def test_a_fleet_of_n_has_the_first_n_indices() -> None:
    ledger = IndexLedger()
    for holder in ("a", "b") * 50:
        ledger.lease(holder, 10)
    assert (
        ledger.total,
        len(IndexSet(ledger.held("a"))),
        len(IndexSet(ledger.held("b"))),
    ) == (1000, 500, 500)
    assert (IndexSet(ledger.held("a") + ledger.held("b"))).ranges == [(0, 1000)]


def test_what_comes_back_goes_out_again() -> None:
    ledger = IndexLedger()
    ledger.lease("a", 10)
    ledger.release("a", [(2, 4), (7, 8)])
    assert ledger.lease("b", 4) == [(2, 4), (7, 8), (10, 11)]


def test_only_the_holder_can_give_back() -> None:
    ledger = IndexLedger()
    ledger.lease("a", 10)
    ledger.lease("b", 1)
    ledger.release("b", [(0, 10)])
    ledger.release("c", [(0, 10)])
    assert ledger.held("a") == [(0, 10)]


def test_a_worker_that_says_goodbye_frees_its_indices() -> None:
    ledger = IndexLedger()
    ledger.lease("a", 10)
    ledger.gone("a")
    ledger.gone("a")
    assert (ledger.total, ledger.holders, ledger.lease("b", 3)) == (0, [], [(0, 3)])


def test_a_silent_worker_keeps_them_until_it_must_have_ended() -> None:
    ledger = IndexLedger()
    ledger.lease("a", 10)
    ledger.lost("a", 100.0)
    ledger.lost("a", 150.0)
    ledger.reclaim(100.0 + QUARANTINE_SECONDS)
    assert ledger.lease("b", 1) == [(10, 11)]
    assert ledger.is_lost("a")
    ledger.reclaim(100.1 + QUARANTINE_SECONDS)
    assert ledger.lease("b", 1) == [(0, 1)]


def test_a_worker_that_is_found_again_still_has_them() -> None:
    ledger = IndexLedger()
    ledger.lease("a", 10)
    ledger.lost("a", 0.0)
    ledger.found("a")
    ledger.reclaim(1e6)
    assert ledger.held("a") == [(0, 10)]


def test_an_unknown_worker_is_not_lost() -> None:
    ledger = IndexLedger()
    ledger.lost("nobody", 0.0)
    assert not ledger.is_lost("nobody")


WORKERS = st.sampled_from("abcde")


class LedgerMachine(RuleBasedStateMachine):
    """Workers join, leave, die, fall silent and come back, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.ledger = IndexLedger()
        self.held: dict[str, set[int]] = {}
        self.silent: dict[str, float] = {}
        self.now = 0.0

    @rule(worker=WORKERS, count=st.integers(1, 20))
    def lease(self, worker: str, count: int) -> None:
        granted = as_set(self.ledger.lease(worker, count))
        assert len(granted) == count
        taken: set[int] = set().union(*self.held.values())
        assert not granted & taken
        self.held.setdefault(worker, set()).update(granted)

    @rule(worker=WORKERS, ranges=RANGES)
    def release(self, worker: str, ranges: list[tuple[int, int]]) -> None:
        self.ledger.release(worker, ranges)
        self.held[worker] = self.held.get(worker, set()) - as_set(ranges)
        self._tidy(worker)

    @rule(worker=WORKERS)
    def gone(self, worker: str) -> None:
        self.ledger.gone(worker)
        self.held.pop(worker, None)
        self.silent.pop(worker, None)

    @rule(worker=WORKERS)
    def lost(self, worker: str) -> None:
        self.ledger.lost(worker, self.now)
        if worker in self.held:
            self.silent.setdefault(worker, self.now)

    @rule(worker=WORKERS)
    def found(self, worker: str) -> None:
        self.ledger.found(worker)
        self.silent.pop(worker, None)

    @rule(seconds=st.integers(1, 60))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds
        self.ledger.reclaim(self.now)
        for worker, since in list(self.silent.items()):
            if self.now - since > QUARANTINE_SECONDS:
                self.gone(worker)

    def _tidy(self, worker: str) -> None:
        if not self.held[worker]:
            del self.held[worker]
            self.silent.pop(worker, None)

    @invariant()
    def no_index_has_two_holders(self) -> None:
        for worker in "abcde":
            assert as_set(self.ledger.held(worker)) == self.held.get(worker, set())
        assert self.ledger.total == sum(map(len, self.held.values()))


TestLedgerMachine = LedgerMachine.TestCase


@pytest.mark.parametrize("size", [1_000_000])
def test_a_million_take_one_range(size: int) -> None:
    ledger = IndexLedger()
    for _ in range(0, size, 10_000):
        ledger.lease("a", 10_000)
    assert ledger.held("a") == [(0, size)]


@given(st.sets(st.integers(0, 60)), st.integers(0, 60), st.integers(0, 60))
def test_the_indices_between_two(indices: set[int], start: int, stop: int) -> None:
    held = IndexSet(ranges_of(indices))
    assert list(held.between(start, stop)) == sorted(i for i in indices if start <= i < stop)
