"""Nothing of a run outlives the process that it depends on, whenever that is killed."""

from __future__ import annotations

import sys
from pathlib import Path
from random import Random, randrange

import pytest

from chaos.kills import TARGETS, ShortRun, kill

LONGEST = 12.0
"""Seconds: about what a run takes, from its first process to the end of its last one."""
pytestmark = [
    pytest.mark.processes,
    pytest.mark.skipif(sys.platform != "linux", reason="processes are found in /proc"),
]


@pytest.mark.parametrize("target", TARGETS)
def test_nothing_lives_on(target: str, tmp_path: Path) -> None:
    seed = randrange(1000)
    at = Random(seed).uniform(0.0, LONGEST)
    print(f"seed {seed}: killed after {at:.2f} s")
    killed = kill(ShortRun(tmp_path), target, at)
    assert killed.left == [], (tmp_path / "output.log").read_text()
