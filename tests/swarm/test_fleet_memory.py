"""A fleet that does not fit the machine is refused with the number that does."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from caretaker.device.reachability import Reach, ReachMix
from caretaker.errors import InputError
from caretaker.swarm.fleet_memory import (
    BYTES_PER_CPE,
    BYTES_PER_DEVICE,
    BYTES_PER_USER,
    MORE_BYTES,
    bytes_of,
    check_fleet,
    check_memory,
)
from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import LocustOptions

GB = 10**9


@pytest.mark.parametrize(("users", "per_user"), [(1000, 1), (10_000, 100), (0, 100_000)])
def test_a_fleet_that_fits_is_taken(users: int, per_user: int) -> None:
    check_memory(users, per_user, 2 * GB)


def test_one_that_does_not_is_told_what_does() -> None:
    with pytest.raises(InputError) as refused:
        check_memory(1_000_000_000, 100, 2 * GB)
    fit = 2 * GB // (BYTES_PER_USER + 100 * BYTES_PER_CPE)
    assert str(refused.value) == (
        "--users 1000000000: with --cpes-per-user 100 they need 46384.0 GB of memory, and 2.0 GB "
        f"are free here: {fit} users fit, {100 * fit} CPEs; use more machines for more"
    )
    check_memory(fit, 100, 2 * GB)
    with pytest.raises(InputError):
        check_memory(fit + 1, 100, 2 * GB)


@pytest.mark.parametrize(
    ("text", "each"),
    [
        ("direct:1,dark:1", BYTES_PER_CPE),
        ("stun:5", BYTES_PER_CPE + MORE_BYTES[Reach.STUN]),
        ("direct:30,xmpp:10", BYTES_PER_CPE + MORE_BYTES[Reach.XMPP] // 4),
    ],
)
def test_a_cpe_takes_more_that_keeps_a_binding_or_a_connection(text: str, each: int) -> None:
    assert bytes_of(10, 100, ReachMix.parse(text)) == 10 * (BYTES_PER_USER + 100 * each)


def test_the_embedded_acs_has_each_cpe_as_a_device() -> None:
    fit = 2 * GB // (BYTES_PER_USER + 100 * (BYTES_PER_CPE + BYTES_PER_DEVICE))
    check_memory(fit, 100, 2 * GB, has_acs=True)
    with pytest.raises(InputError, match=f"100 and the embedded ACS they need .*: {fit} users fit"):
        check_memory(fit + 1, 100, 2 * GB, has_acs=True)


@pytest.mark.parametrize(
    ("there", "processes", "is_refused"), [(0, 2, True), (10**9, 2, False), (0, None, False)]
)
def test_only_what_is_to_come_to_this_machine_counts(
    *, there: int, processes: int | None, is_refused: bool
) -> None:
    options = LocustOptions(num_users=10**9, processes=processes, master=True)
    runner, settings = SimpleNamespace(user_count=there), Settings(cpes_per_user=100)
    if not is_refused:
        return check_fleet(runner, options, settings, has_acs=True)
    with pytest.raises(InputError, match="users fit"):
        check_fleet(runner, options, settings, has_acs=True)
    return None
