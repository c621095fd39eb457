"""What docs/reliability.md promises has a test, or a command that is there."""

from __future__ import annotations

import re
from pathlib import Path

from helpers.named_tests import is_there


def test_each_test_that_is_named_is_there(root: Path) -> None:
    text = (root / "docs" / "reliability.md").read_text()
    named = re.findall(r"`(tests/\S+::\S+)`", text)
    assert len(named) > 25
    assert [test for test in named if not is_there(root, test)] == []


def test_each_command_that_is_named_is_there(root: Path) -> None:
    text = (root / "docs" / "reliability.md").read_text()
    commands = set(re.findall(r"`\./(scripts/\w+)", text))
    assert {"scripts/chaos", "scripts/fuzz", "scripts/bench"} <= commands
    assert [command for command in commands if not (root / command).exists()] == []
