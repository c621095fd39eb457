"""The compiled twin (``./scripts/compile --check``) is what the tests beside it run against."""

from __future__ import annotations

import importlib
import tomllib
from pathlib import Path

import pytest

import caretaker


def _named(root: Path) -> list[str]:
    """The modules that are compiled, as paths without their ending."""
    folders = tomllib.loads((root / "pyproject.toml").read_text())["tool"]["caretaker"]["compiled"]
    return [f"{folder}/{name}" for folder in folders for name in folders[folder]]


def test_no_module_that_is_compiled_relies_on_a_cached_property(root: Path) -> None:
    # mypyc makes a plain property of it: right, and computed anew each time.
    texts = {name: (root / f"{name}.py").read_text() for name in _named(root)}
    assert [name for name, text in texts.items() if "cached_property" in text] == []


def test_every_module_that_is_to_be_compiled_is(root: Path) -> None:
    if Path(caretaker.__file__).parents[1] == root:
        pytest.skip("these are the sources; ./scripts/compile --check tests what was made of them")
    modules = [name.replace("/", ".") for name in _named(root)]
    files = {name: str(importlib.import_module(name).__file__) for name in modules}
    assert len(files) > 10
    assert [name for name, file in files.items() if file.endswith(".py")] == []
