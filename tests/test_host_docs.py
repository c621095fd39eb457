"""What docs/hosts.md says of options: each exists, and those of files are on the right machine."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from helpers.options import parser

from caretaker.router.command import add_arguments
from caretaker.run_token import FLAG
from caretaker.swarm.options import OPTIONS


def test_each_option_that_is_named_exists(root: Path) -> None:
    router = argparse.ArgumentParser()
    add_arguments(router)
    actions = (*parser()._actions, *router._actions)
    known = {flag for action in actions for flag in action.option_strings}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", (root / "docs" / "hosts.md").read_text()))
    assert len(named) > 20
    assert named <= known


def test_each_option_of_a_file_says_on_which_machine_it_is(root: Path) -> None:
    text = (root / "docs" / "hosts.md").read_text()
    rows = text.partition("## Files")[2].partition("\n## ")[0].splitlines()
    of_files = [
        option
        for option in OPTIONS.values()
        if re.search("file|folder", option.unit, re.IGNORECASE)
    ]
    assert len(of_files) > 8
    for option in of_files:
        (row,) = [row for row in rows if row.startswith("|") and f"`{option.flag}`" in row]
        is_of_master = option.of_master and option.flag != FLAG  # each reads its own
        assert ("master's machine only" in row) == is_of_master
