"""The command line that repeats a run."""

from __future__ import annotations

import shlex
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from caretaker.reporting.number_text import exact
from caretaker.reporting.run_flags import NOT_REPEATED
from caretaker.swarm.locustfile import PATH
from caretaker.swarm.options import OPTIONS

ALWAYS_SHOWN = ("--seed", "--cr-rate")
"""Flags shown even at their default: ``swarm.main`` has another, or a reader looks for them."""

_DEFAULTS: dict[str, Any] = {
    "--exit-code-on-error": 1,  # Locust's
    **{option.flag: option.public(option.default) for option in OPTIONS.values()},
}


def command(locustfile: str, settings: Mapping[str, Any]) -> str:
    """
    The command line of a run.

    Args:
        locustfile: of the run; the one of ``caretaker run`` is left out.
        settings: the options of the run by flag. Options at their default are left out, except
            those of ``ALWAYS_SHOWN``.
    """
    arguments = (word for flag, value in settings.items() for word in _arguments(flag, value))
    return shlex.join(["caretaker", "run", *named(locustfile), *arguments])


def named(locustfile: str) -> list[str]:
    """The arguments that name a locustfile; none for the one of ``caretaker run``."""
    return [] if Path(locustfile).resolve() == Path(PATH).resolve() else ["-f", locustfile]


def _arguments(flag: str, value: Any) -> Iterator[str]:
    is_absent = value is None or value is False or value == ""
    is_default = flag not in ALWAYS_SHOWN and value == _DEFAULTS.get(flag)
    if is_absent or is_default or flag in NOT_REPEATED:
        return
    for one in value if isinstance(value, list | tuple) else (value,):
        yield flag
        if one is not True:
            yield exact(one) if isinstance(one, float) else str(one)
