"""The ledger: no index has two holders, whatever joins, leaves or dies."""

from __future__ import annotations

import pytest
from helpers.strategies import INDEX_RANGES, indices_of
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from caretaker.index_set import IndexSet
from caretaker.swarm.index_ledger import QUARANTINE_SECONDS, IndexLedger


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
    ledger.heard_again("a")
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
        granted = indices_of(self.ledger.lease(worker, count))
        assert len(granted) == count
        taken: set[int] = set().union(*self.held.values())
        assert not granted & taken
        self.held.setdefault(worker, set()).update(granted)

    @rule(worker=WORKERS, ranges=INDEX_RANGES)
    def release(self, worker: str, ranges: list[tuple[int, int]]) -> None:
        self.ledger.release(worker, ranges)
        self.held[worker] = self.held.get(worker, set()) - indices_of(ranges)
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
    def heard_again(self, worker: str) -> None:
        self.ledger.heard_again(worker)
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
            assert indices_of(self.ledger.held(worker)) == self.held.get(worker, set())
        assert self.ledger.total == sum(map(len, self.held.values()))


TestLedgerMachine = LedgerMachine.TestCase


@pytest.mark.parametrize("size", [1_000_000])
def test_a_million_take_one_range(size: int) -> None:
    ledger = IndexLedger()
    for _ in range(0, size, 10_000):
        ledger.lease("a", 10_000)
    assert ledger.held("a") == [(0, size)]
