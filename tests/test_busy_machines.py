"""What tests of real runs forgive where the generator was the limit, and nowhere else."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.processes import (
    INTERRUPTED,
    ROUTER_WAITED,
    ended_well,
    tasks_went_well,
    was_interrupted,
)

LIMITED = "the generator was not the limit"
TEXTS = {
    LIMITED: "the generator was the limit, and",
    "find-capacity": "The generator was the limit at",
}


def summary(*grounds: str, failed: int = 0, offline: int = 0, refused: int = 0) -> dict[str, Any]:
    return {
        "verdict": {"grounds": [{"name": name, "text": TEXTS.get(name, "")} for name in grounds]},
        "tasks": {"failed": failed, "offline": offline, "reasons": {ROUTER_WAITED: refused}},
    }


UNFINISHED, TASKS, OFFLINE, OURS = (
    "all sessions ended",
    "no task failed",
    "no device was offline by the generator",
    "no session failed by our fault",
)
BUSY = summary(LIMITED, UNFINISHED, OFFLINE, failed=2, offline=2)


def test_a_run_that_held_has_ended_well() -> None:
    assert ended_well(0, summary())
    assert not ended_well(3, summary())


@pytest.mark.parametrize("code", [3, 4])
def test_a_busy_machine_is_forgiven(code: int) -> None:
    assert ended_well(code, summary(LIMITED))
    assert ended_well(code, summary("find-capacity"))
    assert ended_well(code, BUSY)
    assert tasks_went_well(BUSY)
    assert ended_well(code, summary(LIMITED, TASKS, failed=3, offline=2, refused=1))
    assert tasks_went_well(summary(LIMITED, failed=3, offline=2, refused=1))


@pytest.mark.parametrize(
    "bad",
    [
        summary(TASKS, failed=2, offline=2),
        summary(UNFINISHED),
        summary(LIMITED, TASKS, failed=2, offline=1),
        summary(LIMITED, OURS),
    ],
)
def test_what_no_busy_machine_brings_is_not(bad: dict[str, Any]) -> None:
    assert not ended_well(3, bad)


def test_an_interruption_is_told_and_all_else_is_well() -> None:
    assert was_interrupted(4, summary(INTERRUPTED))
    assert was_interrupted(3, summary(INTERRUPTED, LIMITED, UNFINISHED))
    assert was_interrupted(4, summary(INTERRUPTED, "other"), "other")
    assert not was_interrupted(4, summary(LIMITED))
    assert not was_interrupted(3, summary(INTERRUPTED, UNFINISHED))
    assert not was_interrupted(3, summary(INTERRUPTED))
