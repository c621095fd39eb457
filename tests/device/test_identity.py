"""Who a CPE is."""

from __future__ import annotations

from ipaddress import ip_address, ip_network

import pytest
from hypothesis import given
from hypothesis import strategies as st

from caretaker.device.identity import Identities


@given(st.integers(0, 2_000_000), st.text("ABC-._09", min_size=1, max_size=8))
def test_a_serial_number_leads_back_to_its_index(index: int, prefix: str) -> None:
    who = Identities(0, prefix)
    assert index == who.index_of(who.serial_number(index))


def test_serial_numbers_look_like_the_first() -> None:
    who = Identities()
    assert (who.serial_number(0), who.serial_number(1_234_567)) == ("FLEET-000001", "FLEET-1234568")


@given(st.text(max_size=20))
def test_any_text_is_a_serial_number_or_not(text: str) -> None:
    who = Identities()
    index = who.index_of(text)
    assert index is None or who.serial_number(index) == text


def test_others_are_not_ours() -> None:
    who = Identities()
    for other in ("FLEET-000000", "FLEET-1", "FLEET-0000001", "XLEET-000001", "FLEET-00000\u0661"):
        assert who.index_of(other) is None


def test_macs_are_unique_up_to_a_million() -> None:
    who = Identities()
    indices = [0, 1, 2, 65_535, 65_536, 1_048_575]
    tails = {who.mac_tail(index, number) for index in indices for number in range(16)}
    assert len(tails) == len(indices) * 16
    assert all(len(tail) == 6 for tail in tails)
    assert len(who.mac_tail(5, 99)) == 6


def test_wan_addresses_are_in_the_shared_space() -> None:
    who = Identities()
    pool = ip_network("100.64.0.0/10")
    for index in (0, 255, 4_194_301, 4_194_302):
        address = ip_address(who.wan_ip(index))
        assert address in pool
        assert address not in (pool.network_address, pool.broadcast_address)
    assert who.wan_ip(0) != who.wan_ip(1)


def test_secrets_depend_on_seed_index_and_purpose() -> None:
    secrets = {
        Identities(seed).secret(index, purpose)
        for seed in (0, 1)
        for index in (0, 1)
        for purpose in ("a", "b")
    }
    assert len(secrets) == 8
    assert Identities(7).secret(3, "a") == Identities(7).secret(3, "a")
    assert Identities(7).random(3, "x").random() == Identities(7).random(3, "x").random()


@given(st.integers(0, 10**7), st.integers(1, 12))
def test_the_beginning_of_a_serial_number_leads_to_it(index: int, size: int) -> None:
    identities = Identities()
    serial = identities.serial_number(index)
    ranges = identities.starting_with(serial[: len("FLEET-") + size])
    assert sum(low <= index < high for low, high in ranges) == 1
    assert ranges == sorted(ranges)


@pytest.mark.parametrize(
    ("text", "ranges"),
    [
        ("17", [(16, 17)]),
        ("0", []),
        ("FLEET-000017", [(16, 17)]),
        ("FLEET-00000", [(0, 9)]),
        ("FLEET-0000000", []),
        ("fleet", []),
        ("FLEET-x", []),
    ],
)
def test_what_stands_for_which_serial_numbers(text: str, ranges: list[tuple[int, int]]) -> None:
    assert Identities().starting_with(text) == ranges


@pytest.mark.parametrize("text", ["", "FL", "FLEET-"])
def test_the_prefix_stands_for_all(text: str) -> None:
    ((low, high),) = Identities().starting_with(text)
    assert low == 0
    assert high > 10**9
