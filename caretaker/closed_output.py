"""Standard output that nobody reads any more: a pipe to ``head``, a terminal that was closed."""

from __future__ import annotations

import os
import sys


def say(text: str) -> None:
    """Print a text now; where nobody reads, what the process does besides goes on."""
    try:
        print(text, flush=True)  # noqa: T201
    except OSError:
        discard_output()


def discard_output() -> None:
    """Drop what is printed from now on, and what waits to be written, without an error."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)
