"""Lines for a terminal."""

from __future__ import annotations

from collections.abc import Collection, Sequence


def one_line(text: str) -> str:
    """A text for one line of a terminal: what is no printable character becomes a space."""
    return "".join(char if char.isprintable() else " " for char in text)


def aligned(rows: Sequence[Sequence[str]], numbers: Collection[int] = ()) -> list[str]:
    """
    The rows of a table as lines whose columns stand below each other.

    Args:
        rows: their cells; the first row may be the heads of the columns.
        numbers: the places of columns that stand to the right.
    """
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(
            cell.rjust(width) if at in numbers else cell.ljust(width)
            for at, (cell, width) in enumerate(zip(row, widths, strict=True))
        ).rstrip()
        for row in rows
    ]
