"""The names that someone may have meant who wrote a wrong one."""

from __future__ import annotations

from collections.abc import Iterable
from difflib import get_close_matches

MAX_NAME = 100
"""Characters of a name that others are proposed for; to compare takes as long as both are."""


def nearest_names(name: str, names: Iterable[str], most: int, likeness: float) -> list[str]:
    """
    The names nearest to one that is none, best first; none for one that is too long to be meant.

    Args:
        name: what was written.
        names: those that there are.
        most: how many to propose.
        likeness: from 0 to 1, which they must have at least.
    """
    if len(name) > MAX_NAME:
        return []
    return get_close_matches(
        name, [each for each in names if len(each) <= MAX_NAME], most, likeness
    )
