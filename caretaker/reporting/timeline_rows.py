"""The timeline of a run as rows, for ``--export`` (docs/export.md)."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from caretaker.stats.timeline import Timeline, TimelineColumns

_FLOATS = ("at", "_p50", "_p95", "_p99", "_max")


def _flat(columns: Mapping[str, Any], prefix: str = "") -> Iterator[tuple[str, list[Any]]]:
    for name, column in columns.items():
        if isinstance(column, Mapping):
            yield from _flat(column, f"{prefix}{name}_")
        elif isinstance(column, list) and name != "marks":
            yield f"{prefix}{name}", column


TIMELINE_COLUMNS: Mapping[str, type] = {
    **{name: float if name.endswith(_FLOATS) else int for name, _ in _flat(Timeline().summary())},
    "marks": str,
}
"""The columns of a step: those of the summary's timeline, joined by ``_``."""


def timeline_rows(timeline: TimelineColumns) -> list[tuple[Any, ...]]:
    """A row for each step, with the texts of its marks at the end."""
    columns = dict(_flat(timeline))
    marks = [
        "; ".join(
            mark["text"] for mark in timeline["marks"] if at <= mark["at"] < at + timeline["step"]
        )
        for at in timeline["at"]
    ]
    return list(zip(*(columns[name] for name in TIMELINE_COLUMNS if name != "marks"), marks,
                    strict=True))  # fmt: skip
