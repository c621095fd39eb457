"""What a harness is."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import dataclass
from types import ModuleType

MAX_BYTES = 4096
"""Of an input; what is special needs no more, and long ones are slow."""
LINE = 512
"""Bytes of an input that is a short text."""
CONTROLS = re.compile(r"[\x00-\x08\x0a-\x1f]")
"""What no header and no line may have."""


@dataclass(frozen=True)
class Harness:
    """
    One harness.

    It returns the outcome, of which the compiled twin must have the same. An error that is no bug
    is part of the outcome; any other is a finding.

    Args:
        check: reads the bytes, asserts what must be true, and returns what was read.
        modules: the parser's, whose edges guide the fuzzing, and whose coverage is told.
        errors: what the parser may raise.
        max_bytes: of an input.
    """

    check: Callable[[bytes], object]
    modules: tuple[ModuleType, ...]
    errors: tuple[type[Exception], ...] = ()
    max_bytes: int = MAX_BYTES

    def run(self, data: bytes) -> str:
        """The outcome for these bytes; raises whatever is a bug."""
        try:
            return repr(self.check(data))
        except self.errors as error:
            return f"{type(error).__name__}: {error}"
