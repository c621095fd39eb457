"""Summaries that ``--summary-json`` has written, read and checked against ``Summary``."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from functools import cache
from itertools import chain
from types import UnionType
from typing import (
    Any,
    NamedTuple,
    NotRequired,
    cast,
    get_args,
    get_origin,
    get_type_hints,
    is_typeddict,
)

from caretaker import __version__
from caretaker.errors import InputError
from caretaker.input_file import read_input
from caretaker.reporting.comparability import minor_version
from caretaker.reporting.metrics import numbers
from caretaker.reporting.summary import summarize
from caretaker.reporting.summary_types import Summary
from caretaker.stats.timeline import Timeline

_CURE = "give a file that --summary-json has written"
_SECTIONS = ("fleet", "sessions", "connection_requests", "generator")
"""What tells the summary of a run from other JSON, of whatever version it is."""


class Misfit(NamedTuple):
    """A place in a file, by its dotted path, that is not as ``Summary`` says."""

    place: str
    is_missing: bool
    """Or of another type."""


def read_summary(path: str) -> Summary:
    """
    The summary in a file.

    Raises:
        InputError: it can't be read, or is none of this version.
    """
    return _checked(path, _content(path))


def read_known(path: str) -> Summary:
    """
    The summary in a file, as far as it goes.

    An older build of this minor version may not have written all that a summary has by now. What
    the file lacks is named in ``not_known``.

    Raises:
        InputError: it can't be read, or is none of this minor version.
    """
    content = _content(path)
    if minor_version(str(content.get("version"))) == minor_version(__version__):
        empty = json.loads(json.dumps(summarize([], 1.0)))
        not_known = [*_left_out(content), *_filled(content, empty, "")]
        content |= {"not_known": not_known} if not_known else {}
    return _checked(path, content)


def _content(path: str) -> dict[str, Any]:
    try:
        content = json.loads(read_input(path).decode(), parse_int=_whole)
    except (ValueError, RecursionError):
        raise InputError(f"{path}: not JSON; {_CURE}") from None
    if not isinstance(content, dict) or not all(
        isinstance(content.get(section), dict) for section in _SECTIONS
    ):
        raise InputError(f"{path}: not the summary of a run; {_CURE}")
    return content


def _checked(path: str, content: dict[str, Any]) -> Summary:
    misfits = (misfit.place for misfit in _misfits(content, Summary, ""))
    wrong = next(chain(misfits, _missing_figures(content)), None)
    if wrong is not None:
        cure = "give a file that --summary-json of this version has written"
        raise InputError(f"{path}: lacks what a summary has ({wrong!r}); {cure}")
    return cast(Summary, content)


def _left_out(content: dict[str, Any]) -> Iterator[str]:
    """Take out the sections that a summary need not have, and that lack something here."""
    if isinstance(content.get("timeline"), dict):
        there = content["timeline"]
        missing = {name: own for name, own in Timeline().summary().items() if name not in there}
        there.update(missing)
        yield from (f"timeline.{name}" for name in missing)
    for name, wanted in _keys(Summary).items():
        if name in content and get_origin(wanted) is NotRequired:
            misfits = list(_misfits(content[name], get_args(wanted)[0], name))
            if misfits and all(misfit.is_missing for misfit in misfits):
                del content[name]
                yield name


def _filled(there: dict[str, Any], empty: Mapping[str, Any], path: str) -> Iterator[str]:
    """Put what is missing, as it is in an empty summary; yields the dotted paths of it."""
    for name, value in empty.items():
        place = f"{path}.{name}" if path else name
        if name not in there:
            there[name] = value
            yield place
        elif isinstance(value, dict) and isinstance(there[name], dict):
            yield from _filled(there[name], value, place)


def _whole(digits: str) -> int | float:
    """A whole number of JSON; what no counter can be is no int, and not what a summary has."""
    return int(digits) if len(digits) < 19 else float(digits)


def _missing_figures(content: Any) -> Iterator[str]:
    """The metrics that every summary has and this one has not; it is a ``Summary`` otherwise."""
    there = numbers(content)
    return (metric for metric in _every_figure() if metric not in there)


@cache
def _every_figure() -> tuple[str, ...]:
    return tuple(numbers(summarize([], 1.0)))


def _misfits(value: Any, wanted: Any, path: str) -> Iterator[Misfit]:
    """Where a value of JSON is not what a type of ``Summary`` says."""
    origin, inner = get_origin(wanted), get_args(wanted)
    if is_typeddict(wanted):
        yield from _misfits_of_section(value, wanted, path)
    elif origin is UnionType:
        if all(next(_misfits(value, one, path), None) is not None for one in inner):
            yield Misfit(path, is_missing=False)
    elif origin is not None and isinstance(value, dict if issubclass(origin, Mapping) else list):
        members = value if isinstance(value, dict) else dict(enumerate(value))
        for name, own in members.items():
            yield from _misfits(own, inner[-1], f"{path}.{name}")
    elif origin is not None or not isinstance(value, (int, float) if wanted is float else wanted):
        yield Misfit(path, is_missing=False)


@cache
def _keys(section: Any) -> Mapping[str, Any]:
    """The type of each key; ``__required_keys__`` can't see NotRequired in annotations as texts."""
    return get_type_hints(section, include_extras=True)


def _misfits_of_section(value: Any, section: Any, path: str) -> Iterator[Misfit]:
    if not isinstance(value, dict):
        yield Misfit(path, is_missing=False)
        return
    for name, wanted in _keys(section).items():
        place = f"{path}.{name}" if path else name
        is_optional = get_origin(wanted) is NotRequired
        if name in value:
            yield from _misfits(value[name], get_args(wanted)[0] if is_optional else wanted, place)
        elif not is_optional:
            yield Misfit(place, is_missing=True)
