"""Sections of the summary that are counters under the names of their keys."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, TypeVar, cast, get_type_hints

from caretaker.stats.results import Results
from caretaker.stats.worker_snapshot import WorkerSnapshot

Section = TypeVar("Section")


def counted(section: type[Section], path: str, results: Results) -> Section:
    """
    A section of the summary.

    Args:
        section: its type: whole numbers are counters, mappings are families of counters.
        path: of the section, which the names of its counters begin with.
        results: have the counters.
    """
    return cast(Section, _counted(section, path, results))


def counted_and_standing(
    section: type[Section],
    path: str,
    results: Results,
    snapshots: Sequence[WorkerSnapshot],
    *standing: str,
) -> Section:
    """
    A section in which some figures say what stands at the end.

    Lost workers do not count for these: others have their CPEs. While a run goes on, its end is
    the newest report of each worker.

    Args:
        section: its type, as for ``counted``.
        path: of the section.
        results: have the counters of the whole run.
        snapshots: of the workers.
        standing: the keys of those figures.
    """
    there = [snapshot for snapshot in snapshots if snapshot.final] or snapshots
    last = Results()
    for snapshot in there:
        for name, number in snapshot.results.with_prefix(path).items():
            last.count(f"{path}.{name}", number)
    ends = _counted(section, path, last)
    return cast(Section, _counted(section, path, results) | {name: ends[name] for name in standing})


def _counted(section: Any, path: str, results: Results) -> dict[str, Any]:
    return {
        name: results.counters[f"{path}.{name}"]
        if kind is int
        else results.with_prefix(f"{path}.{name}")
        for name, kind in _kinds(section).items()
    }


@cache
def _kinds(section: Any) -> Mapping[str, Any]:
    return get_type_hints(section)
