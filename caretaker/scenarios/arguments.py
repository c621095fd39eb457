"""Arguments of actions and scenarios: what their values may be."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from math import inf
from typing import Any, NamedTuple

from caretaker.errors import InputError
from caretaker.plain_numbers import decimal_number, in_range


class Argument(NamedTuple):
    """
    An argument of an action or a scenario.

    Args:
        default: the value if none is given.
        check: makes a value of a text or number; InputError if it can't be used.
        help: its meaning, for the documents and the page.
        label: of its field on the Fleet page, with the unit.
        choices: where only some words are values.
    """

    default: Any
    check: Callable[[Any], Any]
    help: str
    label: str = ""
    choices: tuple[str, ...] = ()


def number(least: float = 0.0, most: float = 1e9) -> Callable[[Any], float]:
    """A check for a number in a range."""
    return lambda given: in_range(_number(given), given, least, most)


def _number(given: Any) -> float | None:
    """The number that a text or a number of JSON is; None if it is none."""
    if isinstance(given, str):
        return decimal_number(given)
    if not isinstance(given, int | float) or isinstance(given, bool):
        return None
    try:
        return float(given)
    except OverflowError:  # of a whole number
        return inf


def one_of(*choices: str) -> Callable[[Any], str]:
    """A check for one of some words."""

    def check(given: Any) -> str:
        if given not in choices:
            raise InputError(f"{given!r} is not one of {', '.join(choices)}")
        return str(given)

    return check


def checked(
    owner: str, arguments: Mapping[str, Argument], given: Mapping[str, Any]
) -> dict[str, Any]:  # fmt: skip
    """
    The value of every argument.

    Raises:
        InputError: one can't be used, or is unknown.
    """
    unknown = sorted(set(given) - set(arguments))
    if unknown:
        known = ", ".join(arguments) or "none"
        raise InputError(f"{owner}: no argument {unknown[0]!r}; there are {known}")
    values = {}
    for name, argument in arguments.items():
        try:
            values[name] = argument.check(given.get(name, argument.default))
        except InputError as error:
            raise InputError(f"{owner}: {name}: {error}") from error
    return values


SHARE = Argument(
    1.0, number(0, 1), "which part of the fleet, from 0 to 1", "share of the fleet (0 to 1)"
)
