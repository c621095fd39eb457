"""What a command line says of parts in C that are built and can't be used."""

from __future__ import annotations

import argparse
import sys

from caretaker.build import damaged
from caretaker.c_parts import COUNTING, ENGINE


def say_damaged(options: argparse.Namespace) -> None:
    """
    Say which of the parts that each run uses are damaged, where the CPEs are of this machine.

    Args:
        options: of the command line.
    """
    if not options.master:
        for line in damaged(ENGINE, COUNTING):
            print(f"caretaker: {line}", file=sys.stderr, flush=True)
