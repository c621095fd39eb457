"""The systemd units and the firewall table of docs/hosts.md name options that exist."""

from __future__ import annotations

import argparse
import re
from pathlib import Path

from helpers.options import parser

from caretaker.router.command import add_arguments


def test_each_option_that_is_named_exists(root: Path) -> None:
    router = argparse.ArgumentParser()
    add_arguments(router)
    actions = (*parser()._actions, *router._actions)
    known = {flag for action in actions for flag in action.option_strings}
    named = set(re.findall(r"(?<![\w-])--[a-z][a-z-]+", (root / "docs" / "hosts.md").read_text()))
    assert len(named) > 20
    assert named <= known
