"""The command line that makes a run again."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from caretaker.swarm.arguments import OPTIONS, dest
from caretaker.swarm.loadtest import DEFAULTS

_LOCUSTS_DEFAULTS = {"--exit-code-on-error": 1}
_WRITTEN = ("--summary-json", "--junit", "--report")
"""Files that a run leaves behind: they do not make it what it is."""


def command(locustfile: str, settings: Mapping[str, Any]) -> str:
    """
    The command line of a run.

    Args:
        locustfile: the one it was started with; ``scripts/loadtest`` stands for the project's own.
        settings: what it was started with, by flag. What is left to its default is left out, but
            for what ``scripts/loadtest`` has other defaults of, and the seed.
    """
    own = Path(locustfile).name == "locustfile.py"
    start = ["./scripts/loadtest"] if own else ["locust", "-f", locustfile, "--headless"]
    told = (part for flag, value in settings.items() for part in _told(flag, value))
    return shlex.join([*start, *told])


def _told(flag: str, value: Any) -> Iterator[str]:
    nothing = value is None or value is False or value == ""
    if nothing or flag in _WRITTEN or value == _default(flag):
        return
    for each in value if isinstance(value, list | tuple) else (value,):
        yield flag
        if each is not True:
            yield f"{each:g}" if isinstance(each, float) and abs(each) < 1e6 else str(each)


def _default(flag: str) -> Any:
    """What need not be said; None for what always is."""
    option = next((each for each in OPTIONS if each.flag == flag), None)
    if option is None:
        return _LOCUSTS_DEFAULTS.get(flag)
    always = flag == "--seed" or dest(option) in DEFAULTS
    return None if always else option.default
