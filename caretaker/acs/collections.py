"""The collections of the north-bound API, and searches in them."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Any, NamedTuple

import gevent

from caretaker.acs.acs import ACS
from caretaker.acs.queries import (
    Document,
    field_at,
    matches,
    project,
    sort_key,
    value_at,
)

_DOCUMENTS_IN_A_TURN = 50
"""Documents that are looked at in one turn of the loop, in which sessions wait."""

Source = Callable[[], Document]
"""Makes a document, of which an ACS may have very many, when it is needed."""


class Search(NamedTuple):
    """
    What is wanted of a collection.

    Args:
        query: that documents have to fit.
        order: paths to sort by, and whether downwards.
        skip: how many of the found documents are left out at the beginning.
        limit: how many are wanted; 0 for all.
        paths: what is wanted of each; all if there are none.
    """

    query: dict[str, Any]
    order: Sequence[tuple[str, bool]] = ()
    skip: int = 0
    limit: int = 0
    paths: Sequence[str] = ()


class Collection(NamedTuple):
    """
    One row of ``COLLECTIONS``.

    Args:
        sources: the documents of an ACS, given the query, which may name the only one.
        at: what a document has at a path.
    """

    sources: Callable[[ACS, dict[str, Any]], Iterable[Source]]
    at: Callable[[Document, str], Any] = field_at

    def find(self, acs: ACS, search: Search) -> tuple[int, list[Document]]:
        """
        Search the collection.

        Returns:
            How many documents fit the query, and those that are wanted.

        Raises:
            InputError: the query is none.
        """
        found = self._matching(acs, search.query)
        for path, downwards in reversed(search.order):
            found.sort(key=lambda source: sort_key(self.at(source(), path)), reverse=downwards)
        end = search.skip + search.limit if search.limit else None
        wanted = found[search.skip : end]
        return len(found), [project(source(), search.paths) for source in _in_turns(wanted)]

    def _matching(self, acs: ACS, query: dict[str, Any]) -> list[Source]:
        sources = list(self.sources(acs, query))
        if not query:
            return sources
        return [source for source in _in_turns(sources) if matches(source(), query, self.at)]


def _in_turns(sources: list[Source]) -> Iterable[Source]:
    """The sources, with time for sessions in between."""
    for place, source in enumerate(sources, 1):
        yield source
        if place % _DOCUMENTS_IN_A_TURN == 0:
            gevent.sleep(0)


def _devices(acs: ACS, query: dict[str, Any]) -> Iterable[Source]:
    wanted = query.get("_id")
    if isinstance(wanted, str) and wanted in acs.devices:  # most queries are for one device
        return [acs.devices[wanted].document]
    return [device.document for device in acs.devices.values()]


def _tasks(acs: ACS, _: dict[str, Any]) -> Iterable[Source]:
    return [
        partial(task.document, device.device_id)
        for device in acs.devices.values()
        for task in device.tasks
    ]


def _provision(name: str, script: str) -> Document:
    return {"_id": name, "script": script}


COLLECTIONS: dict[str, Collection] = {
    "devices": Collection(_devices, value_at),
    "tasks": Collection(_tasks),
    "faults": Collection(lambda acs, _: [fault.document for fault in acs.faults.values()]),
    "files": Collection(lambda acs, _: [file.document for file in acs.files.values()]),
    "presets": Collection(lambda acs, _: [preset.document for preset in acs.presets.values()]),
    "provisions": Collection(
        lambda acs, _: [partial(_provision, *each) for each in acs.provisions.items()]
    ),
}
"""Every collection, by its name in the API."""
