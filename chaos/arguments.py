"""The command line of ``./scripts/chaos``: bad input is refused in one line."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from typing import NoReturn

BAD_INPUT = 2
"""The exit code."""


class Parser(argparse.ArgumentParser):
    """Refuses bad input in one line."""

    def error(self, message: str) -> NoReturn:
        """Say what is wrong, without the usage, which ``--help`` shows."""
        self.exit(BAD_INPUT, f"chaos: {message.removeprefix('argument ')}\n")


def whole(least: int) -> Callable[[str], int]:
    """Reads a whole number, not below the least."""

    def read(text: str) -> int:
        if text.isascii() and text.isdigit() and len(text) < 19 and int(text) >= least:
            return int(text)
        raise argparse.ArgumentTypeError(f"{text!r}: not a whole number from {least} on")

    return read
