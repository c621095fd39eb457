"""
What a worker answers about its CPEs: a page of their list, and all of one.

A list never walks the whole fleet: it goes by ranges of indices, or by the CPEs in a state when
they are few, and looks at no more than ``MOST_LOOKED_AT`` for one page.
"""

from __future__ import annotations

import time
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import inf
from typing import Any, NamedTuple, TypedDict

from caretaker.device.cpe import CPE
from caretaker.engine.shard import Shard
from caretaker.errors import DeviceNotFound
from caretaker.index_set import IndexSet
from caretaker.masking import MASK, is_secret, masked
from caretaker.swarm.web.exchange_log import Exchange, ExchangeLogs
from caretaker.swarm.web.queries import DeviceListQuery, DeviceQuery

MOST_LOOKED_AT = 10_000
MOST_ROWS = 200
MOST_PARAMETERS = 300


class WorkerView(NamedTuple):
    """
    What queries of the Fleet page can see of a worker.

    Args:
        shard: the CPEs.
        held: the indices that are leased for them.
        logs: the last exchanges of CPEs that someone looks at.
        clock: the shard's.
    """

    shard: Shard
    held: IndexSet
    logs: ExchangeLogs
    clock: Callable[[], float] = time.monotonic


class DeviceRow(TypedDict):
    """A CPE in the list."""

    index: int
    serial: str
    profile: str
    state: str
    failures: int
    """How often the present session was tried in vain."""
    events: list[str]
    """The event codes that it has still to deliver."""
    due_in: float | None
    """Seconds until its next session; None if none is planned."""


class DevicePage(TypedDict):
    """A page of the list."""

    rows: list[DeviceRow]
    next: int | None
    """The index to go on from; None at the end."""


class DeviceDetails(DeviceRow):
    """All of one CPE."""

    about: dict[str, str]
    pending: list[list[str]]
    """EventCode and CommandKey of its events."""
    jobs: list[list[Any]]
    """Kind, key and seconds until the time of each job."""
    requests: list[str]
    transfers: list[str]
    exchanges: list[Exchange]


class DeviceParameters(DeviceDetails):
    """All of one CPE, with its parameters."""

    parameters: list[list[Any]]
    """Path, value and whether an ACS can write it."""
    found: int
    """How many parameters fit; ``parameters`` has the first of them."""


# -- a list ---------------------------------------------------------------------------------------


def list_devices(view: WorkerView, query: DeviceListQuery) -> DevicePage:
    """A page of the list of CPEs."""
    limit = max(1, min(query.limit, MOST_ROWS))
    rows: list[DeviceRow] = []
    for looked, index in enumerate(_candidates(view, query)):
        if len(rows) == limit or looked == MOST_LOOKED_AT:
            return {"rows": rows, "next": index}
        cpe = view.shard.cpes.get(index)
        if cpe is not None and _fits(view, cpe, query):
            rows.append(_row(view, cpe))
    return {"rows": rows, "next": None}


def _fits(view: WorkerView, cpe: CPE, query: DeviceListQuery) -> bool:
    if view.shard.context.devices is not None and not cpe.serial_number.startswith(query.serial):
        return False
    return query.state in ("", view.shard.state_of(cpe.index))


def _candidates(view: WorkerView, query: DeviceListQuery) -> Iterator[int]:
    """The indices that may be list_cpes, lowest first."""
    matching = view.shard.context.starting_with(query.serial)
    ranges = [(max(query.start, low), high) for low, high in matching if query.start < high]
    members = view.shard.in_state(query.state)
    if len(members) <= MOST_LOOKED_AT:
        lows = [low for low, _ in ranges]
        places = ((i, bisect_right(lows, i) - 1) for i in sorted(members))
        return (i for i, place in places if place >= 0 and i < ranges[place][1])
    return (i for low, high in ranges for i in view.held.between(low, high))


def _row(view: WorkerView, cpe: CPE) -> DeviceRow:
    return {
        "index": cpe.index,
        "serial": cpe.serial_number,
        "profile": cpe.profile.name,
        "state": view.shard.state_of(cpe.index),
        "failures": cpe.failures,
        "events": [event.event_code for event in (*cpe.session_events, *cpe.events)],
        "due_in": _in(cpe.due, view.clock()),
    }


def _in(at: float, now: float) -> float | None:
    """Seconds from now; None for never."""
    return None if at == inf else round(at - now, 1)


# -- one ------------------------------------------------------------------------------------------


def show_device(view: WorkerView, query: DeviceQuery) -> DeviceDetails | None:
    """All of one CPE; None if this worker does not have it. Its exchanges are kept from now on."""
    try:
        cpe = view.shard.cpe(query.serial)
    except DeviceNotFound:
        return None
    now = view.clock()
    details: DeviceDetails = {
        **_row(view, cpe),
        "about": _about(cpe, now),
        "pending": [[*event] for event in (*cpe.session_events, *cpe.events)],
        "jobs": [[job.kind, job.key, _in(job.at, now)] for job in cpe.jobs],
        "requests": [type(request).__name__ for request in (*cpe.session_requests, *cpe.requests)],
        "transfers": [t.state.name.replace("_", " ").lower() for t in cpe.transfers],
        "exchanges": list(view.logs.watch(cpe.index)),
    }
    if not query.parameters:
        return details
    find = query.find.lower()
    paths = [path for path in _paths(cpe) if find in path.lower()]
    parameters = [_parameter(cpe, path, now) for path in paths[:MOST_PARAMETERS]]
    with_parameters: DeviceParameters = {
        **details, "parameters": parameters, "found": len(paths)
    }  # fmt: skip
    return with_parameters


def _about(cpe: CPE, now: float) -> dict[str, str]:
    who = cpe.device_id_struct
    return {
        "Manufacturer": who.manufacturer,
        "OUI": who.oui,
        "ProductClass": who.product_class,
        "SerialNumber": who.serial_number,
        "Profile": cpe.profile.name,
        "SoftwareVersion": cpe.value(f"{cpe.profile.device_info}SoftwareVersion", now),
        "ACS": masked(cpe.acs_url(now)),
        "ConnectionRequestURL": masked(cpe.management_value("ConnectionRequestURL", now)),
        "PeriodicInformInterval": cpe.management_value("PeriodicInformInterval", now),
        "Up for": f"{max(0.0, now - cpe.booted_at):.0f} s" if cpe.powered else "",
    }


def _paths(cpe: CPE) -> Iterable[str]:
    return (path for path in cpe.model.walk("", cpe.overlay) if not path.endswith("."))


def _parameter(cpe: CPE, path: str, now: float) -> list[Any]:
    """Path, value, whether an ACS can write it; secrets are masked."""
    parameter = cpe.parameter(path)
    assert parameter is not None
    value = cpe.value(path, now)
    secret = value and (parameter.hidden or is_secret(path))
    return [path, MASK if secret else masked(value), parameter.writable]


QUERIES: dict[str, Callable[[WorkerView, Mapping[str, Any]], DevicePage | DeviceDetails | None]] = {
    DeviceListQuery.WHAT: lambda view, wire: list_devices(view, DeviceListQuery(**wire)),
    DeviceQuery.WHAT: lambda view, wire: show_device(view, DeviceQuery(**wire)),
}
"""The answers to queries, by ``WorkerQuery.what``."""
