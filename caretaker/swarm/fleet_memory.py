"""Whether a fleet fits the memory of this machine; one that does not is refused at the start."""

from __future__ import annotations

from typing import Any

import psutil
from locust.runners import LocalRunner

from caretaker.errors import InputError
from caretaker.swarm.parsed_options import LocustOptions

BYTES_PER_CPE = 1_024
"""Of a CPE after its first contact: the budget of docs/performance.md."""
BYTES_PER_USER = 16 * 1_024
"""Of a Locust user: its greenlet, its lease, and its place in the master's books."""


def bytes_of(users: int, cpes_per_user: int) -> int:
    """What a fleet of these users needs."""
    return users * (BYTES_PER_USER + cpes_per_user * BYTES_PER_CPE)


def check_memory(users: int, cpes_per_user: int, available: int) -> None:
    """
    Check that more users fit this machine.

    Args:
        users: that are to start.
        cpes_per_user: CPEs that each holds.
        available: bytes.

    Raises:
        InputError: they do not fit; the text has the number that does.
    """
    wanted = bytes_of(users, cpes_per_user)
    if wanted <= available:
        return
    fit = available // bytes_of(1, cpes_per_user)
    needed, free = _gigabytes(wanted), _gigabytes(available)
    raise InputError(
        f"--users {users}: with --cpes-per-user {cpes_per_user} they need {needed} of memory, and "
        f"{free} are free here: {fit} users fit, "
        f"{fit * cpes_per_user} CPEs; use more machines for more"
    )


def check_fleet(runner: Any, options: LocustOptions, cpes_per_user: int) -> None:
    """
    Check that the users of a run fit, beside those that it has, if all its workers are here.

    Args:
        runner: Locust's.
        options: of Locust, for the run.
        cpes_per_user: CPEs that each user holds.

    Raises:
        InputError: they do not fit.
    """
    if isinstance(runner, LocalRunner) or options.processes:
        more = max(0, (options.num_users or 0) - runner.user_count)
        check_memory(more, cpes_per_user, psutil.virtual_memory().available)


def _gigabytes(number: int) -> str:
    return f"{number / 1e9:.1f} GB"
