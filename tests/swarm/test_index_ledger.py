"""The ledger: no index has two holders, whatever joins, leaves, dies or falls silent."""

from __future__ import annotations

import pytest
from helpers.leases import renewal
from helpers.strategies import INDEX_RANGES, indices_of
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule

from caretaker.index_set import IndexSet, Ranges
from caretaker.swarm.index_ledger import MARGIN_SECONDS, IndexLedger

SECONDS = 5.0
MANY = 10_000_000


class Holders:
    """A ledger, and holders that renew their leases as workers do."""

    def __init__(self) -> None:
        self.ledger = IndexLedger(SECONDS)
        self._said: dict[str, tuple[int, int]] = {}

    def renew(
        self,
        holder: str,
        want: int = 0,
        returned: Ranges | None = None,
        *,
        now: float = 0.0,
        limit: int = MANY,
    ) -> Ranges:
        """The grant; a holder whose indices are lost begins anew."""
        lease, number = self._said.get(holder, (0, 0))
        term = renewal(number=number + 1, lease=lease, want=want, returned=returned or [])
        answer = self.ledger.renew(holder, term, now, limit)
        assert answer is not None
        self._said[holder] = (answer.lease, number + 1)
        return answer.granted


@pytest.fixture
def holders() -> Holders:
    return Holders()


def test_a_fleet_of_n_has_the_first_n_indices(holders: Holders) -> None:
    for holder in ("a", "b") * 50:
        holders.renew(holder, 10)
    ledger = holders.ledger
    assert (ledger.total, ledger.counts()) == (1000, {"a": 500, "b": 500})
    assert (IndexSet(ledger.held("a") + ledger.held("b"))).ranges == [(0, 1000)]


def test_what_comes_back_goes_out_again(holders: Holders) -> None:
    holders.renew("a", 10)
    holders.renew("a", returned=[(2, 4), (7, 8)])
    assert holders.renew("b", 4) == [(2, 4), (7, 8), (10, 11)]


def test_only_the_holder_can_give_back(holders: Holders) -> None:
    holders.renew("a", 10)
    holders.renew("b", 1)
    holders.renew("b", returned=[(0, 10)])
    assert holders.ledger.held("a") == [(0, 10)]


def test_a_worker_that_says_goodbye_frees_its_indices(holders: Holders) -> None:
    holders.renew("a", 10)
    holders.ledger.gone("a")
    holders.ledger.gone("a")
    assert (holders.ledger.total, holders.ledger.holders) == (0, [])
    assert holders.renew("b", 3) == [(0, 3)]


def test_indices_that_were_never_leased_go_out_up_to_the_size_of_the_fleet(
    holders: Holders,
) -> None:
    assert holders.renew("a", 8, limit=10) == [(0, 8)]
    assert holders.renew("b", 4, limit=10) == [(8, 10)]
    assert holders.renew("b", 2, limit=10) == []
    holders.renew("a", returned=[(0, 1)])
    assert holders.renew("b", 2, limit=10) == [(0, 1)]


def test_a_silent_holder_keeps_them_until_it_must_have_stopped(holders: Holders) -> None:
    holders.renew("a", 10, now=100.0)
    over = 100.0 + SECONDS + MARGIN_SECONDS
    assert holders.ledger.expire(over) == []
    assert holders.renew("b", 1, limit=10, now=over) == []
    assert holders.ledger.expire(over + 0.1) == [("a", [(0, 10)], 100.0)]
    assert holders.renew("b", 1, limit=10, now=over) == [(0, 1)]


def test_a_holder_that_is_heard_of_keeps_them(holders: Holders) -> None:
    holders.renew("a", 10)
    for now in range(100):
        holders.renew("a", now=now)
        assert holders.ledger.expire(now) == []
    assert holders.ledger.held("a") == [(0, 10)]


def test_the_ledgers_own_stall_is_no_silence_of_its_holders(holders: Holders) -> None:
    holders.renew("a", 10, now=0.0)
    holders.ledger.stalled(20.0, 20.0)
    assert holders.ledger.expire(25.0) == []
    holders.ledger.stalled(1000.0, 25.0)  # no holder was heard of in times to come
    assert holders.ledger.expire(31.5) == [("a", [(0, 10)], 25.0)]


def test_a_holder_whose_lease_was_freed_is_told(holders: Holders) -> None:
    ledger = holders.ledger
    first = ledger.renew("a", renewal(want=3), 0.0, MANY)
    assert first is not None
    ledger.expire(1e6)
    late = ledger.renew("a", renewal(lease=first.lease, number=2), 1e6, MANY)
    assert late is not None
    assert (late.still_yours, ledger.holders) == (False, [])
    anew = ledger.renew("a", renewal(term=2, want=3), 1e6, MANY)
    assert anew is not None
    assert (anew.still_yours, anew.granted) == (True, [(0, 3)])


def test_a_renewal_that_comes_again_is_acted_upon_once(holders: Holders) -> None:
    ledger = holders.ledger
    opening = renewal(want=3)
    answers = [ledger.renew("a", opening, 0.0, MANY) for _ in range(2)]
    assert answers[0] == answers[1]
    assert ledger.held("a") == [(0, 3)]


def test_a_renewal_of_a_term_that_is_over_says_nothing(holders: Holders) -> None:
    ledger = holders.ledger
    ledger.renew("a", renewal(term=2, want=3), 0.0, MANY)
    assert ledger.renew("a", renewal(term=1, want=3), 0.0, MANY) is None
    assert ledger.held("a") == [(0, 3)]


def test_an_opening_that_was_under_way_for_long_opens_no_lease_for_a_later_renewal(
    holders: Holders,
) -> None:
    """It comes when the ledger has freed what it had granted to the same renewal before."""
    ledger = holders.ledger
    first = ledger.renew("a", renewal(want=3), 0.0, MANY)
    assert first is not None
    ledger.expire(100.0)
    ledger.renew("b", renewal(want=3), 100.0, MANY)
    ledger.renew("a", renewal(want=3), 100.0, MANY)
    late = ledger.renew("a", renewal(lease=first.lease, number=2), 100.0, MANY)
    assert late is not None
    assert (late.still_yours, ledger.counts()) == (False, {"b": 3})


NAMES = st.sampled_from("abcde")


class LedgerMachine(RuleBasedStateMachine):
    """Holders want, give back, leave and fall silent, in any order."""

    def __init__(self) -> None:
        super().__init__()
        self.holders = Holders()
        self.held: dict[str, set[int]] = {}
        self.heard: dict[str, float] = {}
        self.now = 0.0

    @rule(holder=NAMES, count=st.integers(0, 20), returned=INDEX_RANGES)
    def renew(self, holder: str, count: int, returned: list[tuple[int, int]]) -> None:
        if holder not in self.held:
            self.holders._said.pop(holder, None)
        granted = indices_of(self.holders.renew(holder, count, returned, now=self.now))
        self.held[holder] = self.held.get(holder, set()) - indices_of(returned)
        assert len(granted) == count
        assert not granted & set().union(*self.held.values())
        self.held[holder] |= granted
        self.heard[holder] = self.now

    @rule(holder=NAMES)
    def gone(self, holder: str) -> None:
        self.holders.ledger.gone(holder)
        self.held.pop(holder, None)

    @rule(seconds=st.integers(1, 4))
    def time_passes(self, seconds: int) -> None:
        self.now += seconds
        for holder, _, _ in self.holders.ledger.expire(self.now):
            assert self.now - self.heard[holder] > SECONDS + MARGIN_SECONDS
            del self.held[holder]

    @invariant()
    def no_index_has_two_holders(self) -> None:
        ledger = self.holders.ledger
        for holder in "abcde":
            assert indices_of(ledger.held(holder)) == self.held.get(holder, set())
        assert ledger.total == sum(map(len, self.held.values()))


TestLedgerMachine = LedgerMachine.TestCase


@pytest.mark.parametrize("size", [1_000_000])
def test_a_million_take_one_range(holders: Holders, size: int) -> None:
    for _ in range(0, size, 10_000):
        holders.renew("a", 10_000)
    assert holders.ledger.held("a") == [(0, size)]
