"""Kinds of reachability, mixed by weight."""

from __future__ import annotations

from collections import Counter

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.device.identity import Identities
from caretaker.device.reachability import Reach, ReachMix
from caretaker.errors import InputError
from caretaker.profiles import ProfileMix, load_profile

MIX = ReachMix.parse("direct:40,stun:30,xmpp:20,dark:10")
IDENTITIES = Identities(seed=7)


@given(st.integers(0, 10**6))
def test_any_hundred_cpes_have_the_kinds_in_their_proportions(first: int) -> None:
    kinds = Counter(MIX.of(IDENTITIES, index) for index in range(first, first + 100))
    assert set(kinds) == {Reach.DIRECT, Reach.STUN, Reach.XMPP, Reach.DARK}
    for kind, weight in MIX.weights:
        assert abs(kinds[kind] - weight) <= 3


def test_the_kind_of_a_cpe_follows_from_seed_and_index() -> None:
    kinds = [MIX.of(IDENTITIES, index) for index in range(100)]
    assert kinds == [MIX.of(Identities(seed=7), index) for index in range(100)]
    assert kinds != [MIX.of(Identities(seed=8), index) for index in range(100)]


def test_each_kind_has_all_profiles() -> None:
    profiles = ProfileMix([(load_profile("tr181"), 1.0), (load_profile("tr098"), 1.0)])
    pairs = Counter((MIX.of(IDENTITIES, index), profiles[index].name) for index in range(1000))
    for kind, weight in MIX.weights:
        assert abs(pairs[kind, "tr181"] - weight * 5) <= 10


def test_the_text_of_a_mix_reads_back() -> None:
    assert ReachMix.parse(str(MIX)) == MIX
    assert ReachMix.parse("dark:0.5, lies:1").weights == ((Reach.DARK, 0.5), (Reach.LIES, 1.0))


def test_a_mix_of_one_kind_has_no_other() -> None:
    dark = ReachMix.parse("dark:1")
    assert {dark.of(IDENTITIES, index) for index in range(50)} == {Reach.DARK}
    assert Reach.DARK in dark
    assert Reach.DIRECT not in dark


@pytest.mark.parametrize(
    "text", ["", "direct", "direct:", "direct:0", "direct:-1", "nat:3", "direct:1,,", "dark:inf"]
)
def test_what_is_no_mix_is_refused_with_the_kinds(text: str) -> None:
    with pytest.raises(InputError, match="kinds are direct, stun, xmpp, dark, ipv6, lies"):
        ReachMix.parse(text)


def test_a_kind_that_is_there_twice_is_refused() -> None:
    with pytest.raises(InputError, match="dark is there twice"):
        ReachMix.parse("dark:1,direct:2,dark:3")


def test_the_cpes_of_each_kind_are_counted() -> None:
    mix = ReachMix.parse("direct:3,dark:1")
    assert mix.counts(Identities(7), range(100, 500)) == {"direct": 300, "dark": 100}
    assert mix.counts(Identities(7), ()) == {}
