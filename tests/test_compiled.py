"""The compiled twin (``./scripts/compile --check``) is what the tests beside it run against."""

from __future__ import annotations

import importlib
import re
from pathlib import Path

import pytest

import caretaker


def test_every_module_that_is_to_be_compiled_is(root: Path) -> None:
    if Path(caretaker.__file__).parents[1] == root:
        pytest.skip("these are the sources; ./scripts/compile --check tests what was made of them")
    named = re.search(r"hot=\((.*?)\)", (root / "scripts" / "compile").read_text(), re.DOTALL)
    assert named is not None
    modules = [f"caretaker.{name.replace('/', '.')}" for name in named[1].split()]
    files = {name: str(importlib.import_module(name).__file__) for name in modules}
    assert len(files) > 10
    assert [name for name, file in files.items() if file.endswith(".py")] == []
