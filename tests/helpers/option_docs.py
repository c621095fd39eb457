"""Writes docs/options.md from the options; with ``--check`` it tells whether that is up to date."""

from __future__ import annotations

import sys
from pathlib import Path

from caretaker.swarm.main import defaults
from caretaker.swarm.option_help import lines, markdown
from caretaker.swarm.run_parser import run_parser

PATH = Path(__file__).parents[2] / "docs" / "options.md"


def document() -> str:
    """What the file should be."""
    return markdown(lines(run_parser(defaults([], 0))))


if __name__ == "__main__":
    if "--check" not in sys.argv:
        PATH.write_text(document())
    elif PATH.read_text() != document():
        sys.exit("docs/options.md is not what ./scripts/options makes of the options; run it")
