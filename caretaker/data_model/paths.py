"""Paths in which ``*`` stands for any instance number (profile files, InformParameter)."""

from __future__ import annotations

import re

_INSTANCE = re.compile(r"(?<=\.)[0-9]+(?=\.|$)")


def shape(path: str) -> str:
    """A path with ``*`` for each instance number; it can only match paths of the same shape."""
    return _INSTANCE.sub("*", path)


def pattern(path: str) -> re.Pattern[str]:
    """The regular expression of a path with ``*`` for instance numbers."""
    return re.compile(re.escape(path).replace(r"\*", "[0-9]+"))
