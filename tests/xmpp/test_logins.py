"""How many logins may begin: a rate, one at first, none after refused passwords."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.xmpp.logins import MAX_REFUSED, Logins
from caretaker.xmpp.wanted import Backoff


def succeeded(rate: float) -> Logins:
    logins = Logins(rate, 0.0)
    logins.begin()
    logins.succeeded()
    return logins


def test_the_first_login_is_alone() -> None:
    logins = Logins(100.0, 0.0)
    assert logins.allowed(1.0) == 1
    logins.begin()
    assert logins.allowed(2.0) == 0
    logins.succeeded()
    assert logins.allowed(3.0) == 100


def test_no_more_begin_than_the_rate_allows() -> None:
    logins = succeeded(10.0)
    assert [logins.allowed(0.5), logins.allowed(100.0)] == [5, 10]


def test_no_more_are_under_way_than_a_second_brings() -> None:
    logins = succeeded(2.0)
    for _ in range(2):
        logins.begin()
    assert logins.allowed(10.0) == 0


def test_after_a_refused_password_they_are_one_by_one_and_then_none() -> None:
    logins = succeeded(50.0)
    for _ in range(MAX_REFUSED):
        assert not logins.is_stopped
        logins.begin()
        logins.failed(is_refused=True)
        assert logins.allowed(99.0) == (not logins.is_stopped)
    assert logins.is_stopped


def test_a_failure_of_another_kind_stops_nothing() -> None:
    logins = succeeded(50.0)
    for _ in range(99):
        logins.begin()
        logins.failed(is_refused=False)
    assert not logins.is_stopped


@pytest.mark.rule("9.4-5")
@given(st.integers(1, 10_000), st.floats(0, 1))
def test_waits_grow_to_the_longest_and_are_spread(failures: int, fraction: float) -> None:
    backoff = Backoff(60.0, 2.0, 600.0)
    drawn = fraction * 60.0 * 2.0 ** min(failures - 1, 64)
    assert backoff.seconds(failures, fraction) == min(600.0, drawn)
