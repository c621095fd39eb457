"""The command line that makes a run again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from caretaker.reporting.metrics import written
from caretaker.swarm.options import OPTIONS

_LOCUSTS_DEFAULTS = {"--exit-code-on-error": 1}
ALWAYS_TOLD = ("--seed", "--cr-rate")
"""What is told even at its default: ``scripts/loadtest`` has another, or a reader looks for it."""
WRITTEN = ("--summary-json", "--junit", "--report")
"""Files that a run leaves behind: they do not make it what it is."""


def command(locustfile: str, settings: Mapping[str, Any]) -> str:
    """
    The command line of a run.

    Args:
        locustfile: the one it was started with; ``scripts/loadtest`` stands for the project's own.
        settings: what it was started with, by flag. What is left to its default is left out, but
            for ``ALWAYS_TOLD``.
    """
    own = Path(locustfile).name == "locustfile.py"
    start = ["./scripts/loadtest"] if own else ["locust", "-f", locustfile, "--headless"]
    told = (part for flag, value in settings.items() for part in _told(flag, value))
    return shlex.join([*start, *told])


def _told(flag: str, value: Any) -> Iterator[str]:
    nothing = value is None or value is False or value == ""
    if nothing or flag in WRITTEN or value == _default(flag):
        return
    for each in value if isinstance(value, list | tuple) else (value,):
        yield flag
        if each is not True:
            yield written(each) if isinstance(each, float) else str(each)


def _default(flag: str) -> Any:
    """What need not be said; None for what always is."""
    ours = {option.flag: option.default for option in OPTIONS if option.flag not in ALWAYS_TOLD}
    return {**_LOCUSTS_DEFAULTS, **ours}.get(flag)
