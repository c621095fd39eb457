"""
Limits of the values of a parameter beyond its type (TR-106: range, enumeration, size).

A profile with limits has one ``Limits`` for a parameter, shared by all its CPEs and by all rows of
a table.
"""

from __future__ import annotations

from typing import NamedTuple


class Limits(NamedTuple):
    """
    The limits of a parameter.

    Args:
        least, most: of a number, both included.
        enumeration: the texts that can be set; of a list each item must be one. Empty: any.
        shortest, longest: characters of a string.
        is_list: whether the value is a comma-separated list.
        default: in new rows of a table; None where the type's own will do.
        deny_active: whether the CPE refuses active notification (fault 9009, TR-069 A.3.2.4).
    """

    least: int | None = None
    most: int | None = None
    enumeration: tuple[str, ...] = ()
    shortest: int | None = None
    longest: int | None = None
    is_list: bool = False
    default: str | None = None
    deny_active: bool = False

    def take(self, value: str) -> bool:
        """Whether a value, which is of the parameter's type already, can be set."""
        return self._in_range(value) and self._in_size(value) and self._in_enumeration(value)

    def _in_range(self, value: str) -> bool:
        if self.least is None and self.most is None:
            return True
        try:
            number = int(value)
        except ValueError:
            return False
        return (self.least is None or number >= self.least) and (
            self.most is None or number <= self.most
        )

    def _in_size(self, value: str) -> bool:
        return (self.shortest or 0) <= len(value) and (
            self.longest is None or len(value) <= self.longest
        )

    def _in_enumeration(self, value: str) -> bool:
        if not self.enumeration:
            return True
        if not self.is_list:
            return value in self.enumeration
        items = [item.strip() for item in value.split(",")] if value.strip() else []
        return set(items) <= set(self.enumeration)

    def default_of(self, usual: str) -> str:
        """The value in a new row, where ``usual`` is that of the type."""
        if self.default is not None:
            return self.default
        if self.take(usual):
            return usual
        first = self.enumeration[0] if self.enumeration else usual
        return first if self.least is None else str(self.least)
