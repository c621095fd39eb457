"""
Limits of the values of a parameter beyond its type: the facets of TR-106 (A.2.3.3).

A profile with limits has one ``Limits`` for a parameter, shared by all its CPEs and by all rows of
a table.
"""

from __future__ import annotations

import re
from decimal import Decimal
from fractions import Fraction
from functools import lru_cache
from typing import NamedTuple
from urllib.parse import unquote

from caretaker.data_model.types import TYPES, length_of, zero_octets

Number = int | Decimal


class Range(NamedTuple):
    """The numbers from ``least`` to ``most``, both included, in steps; None where it is open."""

    least: Number | None = None
    most: Number | None = None
    step: Number = 1

    def holds(self, number: Number) -> bool:
        """Whether a number is one of these."""
        if self.least is not None and number < self.least:
            return False
        if self.most is not None and number > self.most:
            return False
        steps = (Fraction(number) - Fraction(self.least or 0)) / Fraction(self.step)
        return self.step == 1 or steps.denominator == 1


class Size(NamedTuple):
    """So many characters, or octets of a binary value; no bound where ``longest`` is None."""

    shortest: int = 0
    longest: int | None = None

    def holds(self, length: int) -> bool:
        """Whether a length is one of these."""
        return self.shortest <= length and (self.longest is None or length <= self.longest)


class ListLimits(NamedTuple):
    """
    The limits of a comma-separated list (TR-106 3.2.3, ``list`` of the schema).

    Args:
        item: of each item; of a list of lists these are limits of a list.
        fewest, most: items; no bound where ``most`` is None.
        brackets: whether items that are lists must be in square brackets.
    """

    item: Limits
    fewest: int = 0
    most: int | None = None
    brackets: bool = False

    def take(self, value: str) -> bool:
        """Whether a list can be set."""
        items = list_items(value)
        if not Size(self.fewest, self.most).holds(len(items)):
            return False
        return all(map(self._takes_item, items))

    def _takes_item(self, text: str) -> bool:
        bare = text[1:-1] if text.startswith("[") and text.endswith("]") else text
        if self.brackets and self.item.listed is not None and bare == text:
            return False
        item = unquote(bare)
        return bool(TYPES[self.item.type].fits(item)) and self.item.take(item)


class Limits(NamedTuple):
    """
    The limits of a parameter.

    Args:
        ranges: of a number; it must be in one of them. Empty: any number.
        sizes: of a string or binary value, in characters or octets; one must hold. Empty: any.
        enumeration: the texts that can be set. Empty: any.
        patterns: regular expressions of XML Schema; one must match. Empty: any.
        listed: the limits of a list's items; None of a value that is no list.
        type: of the value; ``xsd:string`` of a list.
        default: in new rows of a table; None where the type's own will do.
        deny_active: whether the CPE refuses active notification (fault 9009, TR-069 A.3.2.4).
        write_once: whether a value that was set can't be changed (``writeOnceReadOnly``).
    """

    ranges: tuple[Range, ...] = ()
    sizes: tuple[Size, ...] = ()
    enumeration: tuple[str, ...] = ()
    patterns: tuple[str, ...] = ()
    listed: ListLimits | None = None
    type: str = "xsd:string"
    default: str | None = None
    deny_active: bool = False
    write_once: bool = False

    def take(self, value: str) -> bool:
        """Whether a value, which is of the parameter's type already, can be set."""
        return (
            self._in_ranges(value)
            and self._in_sizes(value)
            and self._in_texts(value)
            and (self.listed is None or self.listed.take(value))
        )

    def _in_ranges(self, value: str) -> bool:
        if not self.ranges:
            return True
        try:
            number = number_of(value)
        except ValueError:
            return False
        return any(allowed.holds(number) for allowed in self.ranges)

    def _in_sizes(self, value: str) -> bool:
        if not self.sizes:
            return True
        length = length_of(value, self.type)
        return any(size.holds(length) for size in self.sizes)

    def _in_texts(self, value: str) -> bool:
        if not self.enumeration and not self.patterns:
            return True
        return value in self.enumeration or any(
            compiled_pattern(text).fullmatch(value) for text in self.patterns
        )

    def default_of(self, usual: str) -> str:
        """The value in a new row, where ``usual`` is that of the type."""
        if self.default is not None:
            return self.default
        if self.take(usual):
            return usual
        return next((value for value in self._examples(usual) if self.take(value)), usual)

    def _examples(self, usual: str) -> list[str]:
        """Values of which one may be within the limits."""
        bounds = [bound for allowed in self.ranges for bound in allowed[:2] if bound is not None]
        zeros = [zero_octets(size.shortest, self.type) for size in self.sizes]
        items: list[str] = []
        if self.listed is not None:
            item = self.listed.item.default_of(TYPES[self.listed.item.type].default)
            items = [",".join([item] * self.listed.fewest)]
        return [*self.enumeration[:1], *map(str, bounds), *zeros, *items, usual]


def number_of(text: str) -> Number:
    """
    The number that a text is, exactly.

    Raises:
        ValueError: it is none.
    """
    if _NUMBER.fullmatch(text) is None:  # int() and Decimal() read "1_0" and other scripts, too
        raise ValueError(f"{text[:80]!r} is no number")
    return Decimal(text) if "." in text else int(text)


_NUMBER = re.compile(r"\s*[+-]?([0-9]{1,40}(\.[0-9]{0,40})?|\.[0-9]{1,40})\s*", re.ASCII)
_BRACKETS = re.compile(r"[\[\],]")


def list_items(value: str) -> list[str]:
    """
    The items of a list, without white space around them (TR-106 3.2.3).

    A comma in square brackets separates no items. A list without text has no items.
    """
    items, depth, start = [], 0, 0
    for found in _BRACKETS.finditer(value):
        if found[0] == "," and depth <= 0:
            items.append(value[start : found.start()].strip())
            start = found.end()
        elif found[0] != ",":
            depth += 1 if found[0] == "[" else -1
    last = value[start:].strip()
    return [*items, last] if items or last else []


_ANCHOR = re.compile(r"\\.|\[(?:\\.|[^\]\\])*\]|[$^]", re.DOTALL)


@lru_cache(1024)
def compiled_pattern(text: str) -> re.Pattern[str]:
    """
    The regular expression of a pattern, in which ``^`` and ``$`` are text (XML Schema part 2, F).

    Raises:
        ValueError: it is none, or has what Python's regular expressions lack.
    """
    if any("-[" in found[0] for found in _ANCHOR.finditer(text)):
        raise ValueError(f"{text!r}: a class without another, which can't be read")
    try:
        return re.compile(
            _ANCHOR.sub(lambda found: f"\\{found[0]}" if found[0] in "^$" else found[0], text)
        )
    except (re.error, RecursionError, OverflowError) as error:
        raise ValueError(f"{text!r}: no regular expression ({error})") from error
