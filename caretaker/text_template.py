"""Texts at known places between parts that are always the same."""

from __future__ import annotations

from collections.abc import Sequence


class TextTemplate:
    """
    A form of which only the texts at some places differ.

    Args:
        parts: what stands before, between and after the texts. A text ends where the first
            character of the part behind it comes, so no text has this character.
    """

    __slots__ = ("_first", "_rest", "_start")

    def __init__(self, parts: Sequence[str]) -> None:
        self._first = parts[0]
        self._start = len(parts[0])
        self._rest = tuple([(part[0], part, len(part)) for part in parts[1:]])

    def read(self, text: str) -> tuple[list[str], int] | None:
        """The texts, and where the last part ends; None for a text of another form."""
        if not text.startswith(self._first):
            return None
        at = self._start
        texts: list[str] = []
        for stop, part, length in self._rest:
            end = text.find(stop, at)
            if end < 0 or not text.startswith(part, end):
                return None
            texts.append(text[at:end])
            at = end + length
        return texts, at
