"""
Queries for documents, in the form of GenieACS's north-bound API.

That is MongoDB's form with additions of GenieACS's: the path of a parameter means its value, a
number or a time may be given as text, and a text with ``*`` or between slashes is a pattern.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Sequence
from datetime import UTC, datetime
from fnmatch import fnmatchcase
from functools import lru_cache, partial
from typing import Any

from caretaker.errors import InputError

Document = dict[str, Any]
"""A JSON object, as the north-bound API shows one."""

MAX_PATTERN = 200
"""Characters of a pattern in a query."""
_REPETITION = re.compile(r"[*+?{(]")
"""Repetitions and groups, with which a regular expression can take exponential time."""
_NUMBER = re.compile(r"[+-]?[0-9]{1,15}(\.[0-9]{1,15})?")
_TIME = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9:.]+Z")
"""A time as documents have it."""
_SLASHES = re.compile(r"/(.*)/(i?)")
_FIRST_YEAR = 1984
"""GenieACS reads a text as a time from this year on."""


def timestamp(seconds: float) -> str:
    """A time of documents: in UTC, with milliseconds."""
    return time_text(datetime.fromtimestamp(seconds, UTC))


def time_text(moment: datetime) -> str:
    """A time of documents; one without a zone is in UTC."""
    utc = moment.astimezone(UTC) if moment.tzinfo else moment
    milliseconds = utc.microsecond // 1000
    return f"{utc.year:04}-{utc:%m-%dT%H:%M:%S}.{milliseconds:03d}Z"


def value_at(document: Document, path: str) -> Any:
    """
    What a query compares: the value of a parameter, or a field whose name begins with ``_``.

    None if there is none; an object of the data model has no value.
    """
    parts = path.split(".")
    node: Any = document
    for part in parts if parts[-1].startswith("_") else (*parts, "_value"):
        if not isinstance(node, dict) or part not in node:
            return None
        node = node[part]
    return node


def field_at(document: Document, path: str) -> Any:
    """The same in a document that is no device: a field is just a field."""
    node: Any = document
    for part in path.split("."):
        if not isinstance(node, dict) or part not in node:
            return None
        node = node[part]
    return node


# -- comparisons ----------------------------------------------------------------------------------


def _equal(actual: Any, operand: Any) -> bool:
    """Whether two JSON values are equal; true is not 1, and an array equals what it contains."""
    if isinstance(actual, list) and not isinstance(operand, list):
        return any(_equal(item, operand) for item in actual)
    return bool(actual == operand) and isinstance(actual, bool) == isinstance(operand, bool)


def _ordered(compare: Callable[[Any, Any], bool]) -> Callable[[Any, Any], bool]:
    """A comparison that is false for what can't be compared, as MongoDB's are."""

    def safely(actual: Any, operand: Any) -> bool:
        try:
            return actual is not None and compare(actual, operand)
        except TypeError:
            return False

    return safely


def _is_one_of(actual: Any, operands: Any) -> bool:
    return any(_equal(actual, each) for operand in list(operands) for each in _readings(operand))


@lru_cache(16)
def _pattern(operand: str, options: str = "") -> re.Pattern[str]:
    """
    The compiled regular expression of a query.

    Raises:
        InputError: it has repetitions or groups, or is too long, or has other options than ``i``.
    """
    if len(operand) > MAX_PATTERN or _REPETITION.search(operand):
        raise InputError(
            f"query $regex {operand[:MAX_PATTERN]!r}: has more than {MAX_PATTERN} characters, or "
            "repetitions or groups (* + ? { (), which may take for ever"
        )
    if options not in ("", "i"):
        raise InputError(f"query $options {options!r}: only 'i' is known")
    return re.compile(operand, re.IGNORECASE if options else 0)


_COMPARISONS: dict[str, Callable[[Any, Any], bool]] = {
    "$eq": _equal,
    "$gt": _ordered(lambda actual, operand: actual > operand),
    "$gte": _ordered(lambda actual, operand: actual >= operand),
    "$lt": _ordered(lambda actual, operand: actual < operand),
    "$lte": _ordered(lambda actual, operand: actual <= operand),
}
"""Operators that hold if they hold for one reading of their operand."""


def _any_reading(compare: Callable[[Any, Any], bool], actual: Any, operand: Any) -> bool:
    return any(compare(actual, reading) for reading in _readings(operand, actual))


_OPERATORS: dict[str, Callable[[Any, Any], bool]] = {
    **{name: partial(_any_reading, compare) for name, compare in _COMPARISONS.items()},
    "$ne": lambda actual, operand: not _any_reading(_equal, actual, operand),
    "$in": _is_one_of,
    "$nin": lambda actual, operands: not _is_one_of(actual, operands),
    "$exists": lambda actual, operand: (actual is not None) == bool(operand),
}
"""Operators of one operand; ``$regex`` has ``$options`` beside it, and ``$not`` a condition."""
OPERATORS = (*_OPERATORS, "$regex", "$options", "$not")
"""All operators of a condition."""
_COMBINATIONS: dict[str, Callable[[Iterable[bool]], bool]] = {
    "$and": all,
    "$or": any,
    "$nor": lambda verdicts: not any(verdicts),
}
"""What combines queries."""


def _readings(operand: Any, actual: Any = None) -> tuple[Any, ...]:
    """The values that an operand may mean: a text may be a number, or the time of a document."""
    if not isinstance(operand, str):
        return (operand,)
    readings: list[Any] = [operand]
    if _NUMBER.fullmatch(operand):
        readings.append(float(operand))
    if isinstance(actual, str) and _TIME.fullmatch(actual):
        readings += _times(operand)
    return tuple(readings)


def _times(text: str) -> list[str]:
    try:
        moment = datetime.fromisoformat(text)
    except ValueError:
        return []
    return [time_text(moment)] if moment.year >= _FIRST_YEAR else []


def _fits_pattern(actual: Any, operand: str) -> bool:
    """Whether a text fits ``Hello*`` or ``/^hello/i``; nothing fits a text that is no pattern."""
    if isinstance(actual, list):
        return any(_fits_pattern(item, operand) for item in actual)
    if not isinstance(actual, str):
        return False
    slashes = _SLASHES.fullmatch(operand)
    if slashes is not None:
        return _pattern(*slashes.groups()).search(actual) is not None
    if "*" not in operand or len(operand) > MAX_PATTERN:
        return False
    return fnmatchcase(actual, operand.replace("[", "[[]").replace("?", "[?]"))


# -- queries --------------------------------------------------------------------------------------


def matches(
    document: Document,
    query: Document,
    at: Callable[[Document, str], Any] = value_at,
) -> bool:
    """
    Whether a document fits a query.

    Args:
        document: of the north-bound API.
        query: as posted.
        at: what the document has at a path: ``value_at`` of a device, ``field_at`` of others.

    Raises:
        InputError: an operator that is not in ``OPERATORS``, or a bad operand.
    """
    return all(
        _combined(document, key, wanted, at)
        if key in _COMBINATIONS
        else _condition(at(document, key), wanted)
        for key, wanted in query.items()
    )


def _combined(
    document: Document, key: str, wanted: Any, at: Callable[[Document, str], Any]
) -> bool:
    if not isinstance(wanted, list) or not all(isinstance(part, dict) for part in wanted):
        raise InputError(f"query {key}: must be a list of objects")
    return _COMBINATIONS[key](matches(document, part, at) for part in wanted)


def _condition(actual: Any, wanted: Any) -> bool:
    if not isinstance(wanted, dict):
        fits = isinstance(wanted, str) and _fits_pattern(actual, wanted)
        return fits or _OPERATORS["$eq"](actual, wanted)
    return all(
        _holds(actual, operator, operand, str(wanted.get("$options", "")))
        for operator, operand in wanted.items()
    )


def _holds(actual: Any, operator: str, operand: Any, options: str) -> bool:
    if operator not in OPERATORS:
        raise InputError(f"query operator {operator!r}: not one of {', '.join(OPERATORS)}")
    try:
        if operator == "$not":
            return not _condition(actual, operand)
        if operator == "$regex":
            return isinstance(actual, str) and bool(_pattern(operand, options).search(actual))
        return operator == "$options" or _OPERATORS[operator](actual, operand)
    except (re.error, TypeError) as error:
        raise InputError(f"query {operator} {operand!r}: {error}") from error


# -- sort and projection --------------------------------------------------------------------------

_RANKS: tuple[tuple[type | tuple[type, ...], int], ...] = (
    (bool, 4),
    ((int, float), 1),
    (str, 2),
)
"""The order of types in MongoDB; what is missing comes first, and anything else last."""


def sort_key(value: Any) -> tuple[int, Any]:
    """The place of a value in MongoDB's order."""
    if value is None:
        return 0, 0
    rank = next((rank for kind, rank in _RANKS if isinstance(value, kind)), None)
    return (5, 0) if rank is None else (rank, value)


def order_of(posted: Any) -> list[tuple[str, bool]]:
    """
    The paths to sort by, and whether downwards, of a posted ``sort``.

    Raises:
        InputError: it is no object of 1 and -1.
    """
    if not isinstance(posted, dict) or not all(value in (1, -1) for value in posted.values()):
        raise InputError('sort: write an object of 1 and -1, as {"_lastInform": -1}')
    return [(path, value == -1) for path, value in posted.items()]


def project(document: Document, paths: Sequence[str]) -> Document:
    """The document with only its id and these paths; the whole document if there are none."""
    paths = [path.strip().rstrip(".") for path in paths if path.strip()]
    if not paths:
        return document
    result: Document = {"_id": document["_id"]}
    for path in paths:
        _copy(document, result, path.split("."))
    return result


def _copy(source: Any, target: Document, parts: list[str]) -> None:
    for depth, part in enumerate(parts):
        if not isinstance(source, dict) or part not in source:
            return
        source = source[part]
        if depth == len(parts) - 1:
            target[part] = source
        else:
            target = target.setdefault(part, {})
