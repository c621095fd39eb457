"""Summaries that ``--summary-json`` has written, read and checked against ``Summary``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from itertools import chain
from types import UnionType
from typing import Any, NotRequired, cast, get_args, get_origin, get_type_hints, is_typeddict

from caretaker.errors import InputError
from caretaker.input_file import read_input
from caretaker.reporting.metrics import numbers
from caretaker.reporting.summary import summarize
from caretaker.reporting.summary_types import Summary

_CURE = "give a file that --summary-json has written"
_SECTIONS = ("fleet", "sessions", "connection_requests", "generator")
"""What tells the summary of a run from other JSON, of whatever version it is."""


def read_summary(path: str) -> Summary:
    """
    The summary in a file.

    Raises:
        InputError: it can't be read, or is none of this version.
    """
    try:
        content = json.loads(read_input(path).decode(), parse_int=_whole)
    except (ValueError, RecursionError):
        raise InputError(f"{path}: not JSON; {_CURE}") from None
    if not isinstance(content, dict) or not all(
        isinstance(content.get(section), dict) for section in _SECTIONS
    ):
        raise InputError(f"{path}: not the summary of a run; {_CURE}")
    wrong = next(chain(_misfits(content, Summary, ""), _missing_figures(content)), None)
    if wrong is not None:
        cure = "give a file that --summary-json of this version has written"
        raise InputError(f"{path}: lacks what a summary has ({wrong!r}); {cure}")
    return cast(Summary, content)


def _whole(digits: str) -> int | float:
    """A whole number of JSON; what no counter can be is no int, and not what a summary has."""
    return int(digits) if len(digits) < 19 else float(digits)


def _missing_figures(content: Any) -> Iterator[str]:
    """The metrics that every summary has and this one has not; it is a ``Summary`` otherwise."""
    there = numbers(content)
    return (metric for metric in numbers(summarize([], 1.0)) if metric not in there)


def _misfits(value: Any, wanted: Any, path: str) -> Iterator[str]:
    """The dotted paths at which a value of JSON is not what a type of ``Summary`` says."""
    origin, inner = get_origin(wanted), get_args(wanted)
    if is_typeddict(wanted):
        yield from _misfits_of_section(value, wanted, path)
    elif origin is UnionType:
        if all(next(_misfits(value, one, path), None) is not None for one in inner):
            yield path
    elif origin is not None and isinstance(value, dict if issubclass(origin, Mapping) else list):
        members = value if isinstance(value, dict) else dict(enumerate(value))
        for name, own in members.items():
            yield from _misfits(own, inner[-1], f"{path}.{name}")
    elif origin is not None or not isinstance(value, (int, float) if wanted is float else wanted):
        yield path


def _misfits_of_section(value: Any, section: Any, path: str) -> Iterator[str]:
    if not isinstance(value, dict):
        yield path
        return
    # Not __required_keys__: it can't see NotRequired in annotations that are strings.
    for name, wanted in get_type_hints(section, include_extras=True).items():
        place = f"{path}.{name}" if path else name
        is_optional = get_origin(wanted) is NotRequired
        if name in value:
            yield from _misfits(value[name], get_args(wanted)[0] if is_optional else wanted, place)
        elif not is_optional:
            yield place
