"""Whether a fleet fits the memory of this machine; one that does not is refused at the start."""

from __future__ import annotations

from typing import Any

import psutil
from locust.runners import LocalRunner

from caretaker.device.reachability import Reach, ReachMix
from caretaker.errors import InputError
from caretaker.swarm.options import Settings
from caretaker.swarm.parsed_options import LocustOptions

BYTES_PER_CPE = 300
"""
Of a CPE after its first contact, as a row: the goal of docs/performance.md, twice what it takes
with credentials of its own, so that an ACS can set a few more values.
"""
MORE_BYTES = {Reach.STUN: 400, Reach.XMPP: 23 * 1_024}
"""Of a CPE with a NAT binding, or a connection to an XMPP server over TLS."""
BYTES_PER_DEVICE = 2_000
"""Of a device in the embedded ACS: the goal of docs/performance.md."""
BYTES_PER_USER = 16 * 1_024
"""Of a Locust user: its greenlet, its lease, and its place in the master's books."""


def bytes_of(
    users: int, cpes_per_user: int, reach: ReachMix | None = None, *, has_acs: bool = False
) -> int:
    """
    What a fleet needs.

    Args:
        users: of the fleet.
        cpes_per_user: CPEs that each holds.
        reach: how the CPEs can be reached; directly if None.
        has_acs: whether the embedded ACS has them as its devices.
    """
    each = _bytes_of_cpe(reach) + BYTES_PER_DEVICE * has_acs
    return users * (BYTES_PER_USER + round(cpes_per_user * each))


def _bytes_of_cpe(reach: ReachMix | None) -> float:
    """Of each CPE, by the mean of its kinds."""
    weights = () if reach is None else reach.weights
    more = sum(weight * MORE_BYTES.get(kind, 0) for kind, weight in weights)
    return BYTES_PER_CPE + more / (sum(weight for _, weight in weights) or 1.0)


def check_memory(
    users: int,
    cpes_per_user: int,
    available: int,
    reach: ReachMix | None = None,
    *,
    has_acs: bool = False,
) -> None:
    """
    Check that more users fit this machine.

    Args:
        users: that are to start.
        cpes_per_user: as for ``bytes_of``.
        available: bytes.
        reach: as for ``bytes_of``.
        has_acs: as for ``bytes_of``.

    Raises:
        InputError: they do not fit; the text has the number that does.
    """
    wanted = bytes_of(users, cpes_per_user, reach, has_acs=has_acs)
    if wanted <= available:
        return
    fit = available // bytes_of(1, cpes_per_user, reach, has_acs=has_acs)
    needed, free = _gigabytes(wanted), _gigabytes(available)
    also = " and the embedded ACS" if has_acs else ""
    raise InputError(
        f"--users {users}: with --cpes-per-user {cpes_per_user}{also} they need {needed} of "
        f"memory, and {free} are free here: {fit} users fit, "
        f"{fit * cpes_per_user} CPEs; use more machines for more"
    )


def check_fleet(runner: Any, options: LocustOptions, settings: Settings, *, has_acs: bool) -> None:
    """
    Check that the users of a run fit, beside those that it has, if all its workers are here.

    Args:
        runner: Locust's.
        options: of Locust, for the run.
        settings: of the run.
        has_acs: whether their ACS is the embedded one.

    Raises:
        InputError: they do not fit.
    """
    if isinstance(runner, LocalRunner) or options.processes:
        more = max(0, (options.num_users or 0) - runner.user_count)
        available = psutil.virtual_memory().available
        check_memory(more, settings.cpes_per_user, available, settings.reach, has_acs=has_acs)


def _gigabytes(number: int) -> str:
    return f"{number / 1e9:.1f} GB"
