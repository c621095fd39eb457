"""The I/O engine for tests, made of its source where no build has it."""

from __future__ import annotations

from types import ModuleType

import pytest

from fuzz.extensions import engine_module

NAME = "caretaker.http._engine"


def required() -> ModuleType:
    """The module; a test that needs it is skipped where there is none."""
    module = engine_module()
    if isinstance(module, str):
        pytest.skip(module)
    return module
