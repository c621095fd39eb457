"""The I/O engine for tests, made of its source where no build has it."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from types import ModuleType

import pytest

from caretaker.http import io_engine
from helpers.extensions import built

NAME = "caretaker.http._engine"
SOURCE = Path(io_engine.__file__).with_name("_engine.c")


@cache
def engine_module() -> ModuleType | str:
    """The module, or why there is none."""
    return io_engine.engine_module() or built(NAME, SOURCE, headers="Python.h")


def required() -> ModuleType:
    """The module; a test that needs it is skipped where there is none."""
    module = engine_module()
    if isinstance(module, str):
        pytest.skip(module)
    return module
