"""The counting in C for tests, made of its source where no build has it."""

from __future__ import annotations

from functools import cache
from pathlib import Path

import pytest

from caretaker.stats import counting
from caretaker.stats.counting import Counting, counting_module, counting_of
from fuzz.extensions import built

NAME = "caretaker.stats._counting"
SOURCE = Path(counting.__file__).with_name("_counting.c")


@cache
def in_c() -> Counting:
    """The functions in C; a test that needs them is skipped where they can't be made."""
    module = counting_module() or built(NAME, SOURCE, "-lm", headers="Python.h")
    if isinstance(module, str):
        pytest.skip(module)
    return counting_of(module)
