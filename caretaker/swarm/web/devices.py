"""
What a worker tells of its CPEs: a page of a list of them, and all of one.

A list never walks the whole fleet: it goes by ranges of indices, or by the CPEs in a state when
they are few, and looks at no more than ``MOST_LOOKED_AT`` for one page.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from math import inf
from typing import Any, NamedTuple

from caretaker.device.cpe import CPE
from caretaker.engine.shard import Shard
from caretaker.errors import DeviceNotFound
from caretaker.index_set import IndexSet
from caretaker.masking import MASK, is_secret, masked
from caretaker.swarm.web.exchange_log import ExchangeLogs

MOST_LOOKED_AT = 10_000
MOST_ROWS = 200
MOST_PARAMETERS = 300


class WorkerView(NamedTuple):
    """
    What a worker has to look at.

    Args:
        shard: the CPEs.
        held: the indices that are leased for them.
        watches: keeps the last exchanges of those that someone looks at.
        clock: the shard's.
    """

    shard: Shard
    held: IndexSet
    watches: ExchangeLogs
    clock: Callable[[], float] = time.monotonic


# -- a list ---------------------------------------------------------------------------------------


def listed(view: WorkerView, query: Mapping[str, Any]) -> dict[str, Any]:
    """
    A page of the CPEs: ``{"rows": [...], "next": the index to go on from, None at the end}``.

    Args:
        view: the CPEs.
        query: ``serial``, what serial numbers begin with; ``state``, one of ``cpe_states.STATES``;
            ``start``, the lowest index; ``limit``, how many rows.
    """
    limit = max(1, min(int(query["limit"]), MOST_ROWS))
    rows: list[dict[str, Any]] = []
    for looked, index in enumerate(_candidates(view, query)):
        if len(rows) == limit or looked == MOST_LOOKED_AT:
            return {"rows": rows, "next": index}
        cpe = view.shard.cpes.get(index)
        if cpe is not None and query["state"] in ("", view.shard.state_of(index)):
            rows.append(_row(view, cpe))
    return {"rows": rows, "next": None}


def _candidates(view: WorkerView, query: Mapping[str, Any]) -> Iterator[int]:
    """The indices that may be listed, lowest first."""
    start = int(query["start"])
    found = view.shard.context.identities.starting_with(query["serial"])
    ranges = [(max(start, low), high) for low, high in found]
    members = view.shard.in_state(query["state"])
    if len(members) <= MOST_LOOKED_AT:
        order = sorted(members)
        return (i for low, high in ranges for i in order if low <= i < high)
    return (i for low, high in ranges for i in view.held.between(low, high))


def _row(view: WorkerView, cpe: CPE) -> dict[str, Any]:
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


def shown(view: WorkerView, query: Mapping[str, Any]) -> dict[str, Any] | None:
    """
    All of one CPE; None if it is not view. From now on its exchanges are kept.

    Args:
        view: the CPEs.
        query: ``serial``; ``parameters``, whether to tell them; ``find``, what is in their paths.
    """
    try:
        cpe = view.shard.cpe(query["serial"])
    except DeviceNotFound:
        return None
    now = view.clock()
    told = {
        **_row(view, cpe),
        "about": _about(cpe, now),
        "pending": [list(event) for event in (*cpe.session_events, *cpe.events)],
        "jobs": [[job.kind, job.key, _in(job.at, now)] for job in cpe.jobs],
        "requests": [type(request).__name__ for request in (*cpe.session_requests, *cpe.requests)],
        "transfers": [each.state.name.replace("_", " ").lower() for each in cpe.transfers],
        "exchanges": list(view.watches.watch(cpe.index)),
    }
    return {**told, **_parameters(cpe, query["find"], now)} if query["parameters"] else told


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


def _parameters(cpe: CPE, find: str, now: float) -> dict[str, Any]:
    wanted = find.lower()
    paths = [path for path in _paths(cpe) if wanted in path.lower()]
    rows = [_parameter(cpe, path, now) for path in paths[:MOST_PARAMETERS]]
    return {"parameters": rows, "found": len(paths)}


def _paths(cpe: CPE) -> Iterable[str]:
    return (path for path in cpe.model.walk("", cpe.overlay) if not path.endswith("."))


def _parameter(cpe: CPE, path: str, now: float) -> list[Any]:
    """Path, value, whether an ACS can write it; secrets are masked."""
    parameter = cpe.parameter(path)
    assert parameter is not None
    value = cpe.value(path, now)
    secret = value and (parameter.hidden or is_secret(path))
    return [path, MASK if secret else masked(value), parameter.writable]


QUERIES: dict[str, Callable[[WorkerView, Mapping[str, Any]], Any]] = {
    "list": listed,
    "device": shown,
}
"""What can be asked, by the query's ``what``."""
