"""Markdown for comments on pull requests; no text that a run has brought is markup in it."""

from __future__ import annotations

import html
import re
from collections.abc import Iterable, Sequence

from caretaker.reporting.terminal import one_line

_MARKUP = re.compile(r"([\\`*_{}\[\]|~#!@])")


def escaped(text: str) -> str:
    """A text for a line of Markdown, in which no character of it is markup."""
    return _MARKUP.sub(r"\\\1", html.escape(one_line(text), quote=False))


def code(text: str) -> str:
    """A text as code in Markdown; a backtick in it ends nothing, as it does in Markdown's own."""
    return f"<code>{escaped(text)}</code>"


def table(heads: Sequence[str], rows: Iterable[Sequence[str]]) -> list[str]:
    """The lines of a table in Markdown, of cells that are escaped; numbers are on the right."""
    marks = [" --- ", *[" ---: "] * (len(heads) - 1)]
    return [f"|{'|'.join(marks if row is None else [f' {cell} ' for cell in row])}|"
            for row in (heads, None, *rows)]  # fmt: skip


def folded(title: str, lines: Iterable[str]) -> list[str]:
    """Lines of Markdown behind a title that opens them."""
    return [f"<details><summary>{escaped(title)}</summary>", "", *lines, "", "</details>"]
