"""
Diagnostics: what an ACS can have a CPE measure, simulated (TR-143, TR-181, TR-098).

The ACS sets the inputs of an object and its ``DiagnosticsState`` to ``Requested``. The run begins
when the session is over; when it is done, the object holds the results and ``Complete`` or an
``Error_...``, and the CPE comes with ``8 DIAGNOSTICS COMPLETE`` (TR-069 3.7.1.5). All that makes a
kind what it is, is in one table, ``DIAGNOSTICS``.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from functools import partial
from typing import NamedTuple

from caretaker.cwmp.faults import FaultCode
from caretaker.cwmp.messages import EventStruct
from caretaker.data_model.types import TYPES
from caretaker.device import events as ev
from caretaker.device.base import CPEBase, Job
from caretaker.device.measurements import (
    ANSWERS,
    HOPS,
    LONGEST,
    NETWORKS,
    Measurement,
    MeasurementRun,
    download,
    neighbors,
    ns_lookup,
    ping,
    trace_route,
    upload,
)

STATE = "DiagnosticsState"
NONE, REQUESTED, CANCELED = "None", "Requested", "Canceled"

_JOB = "diagnostic"


# -- what an ACS may set, and what follows --------------------------------------------------------


def refusal(path: str, value: str) -> FaultCode | None:
    """Why the ACS can't set this, or None: a state takes only ``Requested`` and ``Canceled``."""
    place, last = _split(path)
    if last != STATE or place not in DIAGNOSTICS or value in (REQUESTED, CANCELED):
        return None
    return FaultCode.INVALID_PARAMETER_VALUE


def after_set(cpe: CPEBase, paths: Collection[str], now: float) -> None:
    """
    End and begin runs of diagnostics whose parameters the ACS has set.

    A new value of any parameter of a diagnostic ends its run, removes its results and sets its
    state to ``None``; ``Requested`` begins a new run as soon as the session is over.
    """
    for path in dict.fromkeys(f"{_split(path)[0]}{STATE}" for path in paths):
        place, _ = _split(path)
        if place in DIAGNOSTICS and cpe.parameter(path) is not None:
            requested = path in paths and cpe.value(path, now) == REQUESTED
            _clear_object(cpe, place)
            if requested:
                cpe.ensure_overlay().values[path] = REQUESTED
                cpe.plan(Job(now, _JOB, place, partial(_start, place), survives_reboot=False))


def abort(cpe: CPEBase) -> None:
    """End all runs without a result: the ACS that asked for them is no longer the CPE's."""
    for job in cpe.jobs:
        if job.kind == _JOB:
            _clear_object(cpe, job.key)


def clear(cpe: CPEBase) -> None:
    """Remove all results and end all runs, as a reboot does; inputs stay."""
    values = cpe.overlay.values if cpe.overlay is not None else {}
    for place in [place for place in DIAGNOSTICS if f"{place}{STATE}" in values]:
        _clear_object(cpe, place)


def _split(path: str) -> tuple[str, str]:
    """The object of a parameter, and its last name."""
    dot = path.rfind(".") + 1
    return path[:dot], path[dot:]


def _clear_object(cpe: CPEBase, place: str) -> None:
    cpe.cancel(_JOB, place)
    values = cpe.ensure_overlay().values
    for path in [path for path in values if path.startswith(place)]:
        parameter = cpe.parameter(path)
        if parameter is not None and not parameter.writable:
            del values[path]
    _fill(cpe, place, 0)
    values[f"{place}{STATE}"] = NONE


def _fill(cpe: CPEBase, place: str, count: int) -> list[str]:
    """The new rows of the object's table; none where this kind or this device has no table."""
    kind = DIAGNOSTICS[place]
    columns = {f"{kind.prefix}{name}": type_ for name, type_ in kind.columns.items()}
    table = f"{place}{kind.table}"
    return cpe.model.fill_table(table, columns, count, cpe.ensure_overlay()) if kind.table else []


# -- a run ----------------------------------------------------------------------------------------


class Diagnostic(NamedTuple):
    """
    A kind of diagnostic.

    Args:
        measure: makes up the outcome of a run.
        table: of results, filled anew by each run; empty if it has none.
        columns: its parameters with their types.
        prefix: of its parameters on this root.
        complete: the word for a good end: the data models have two.
    """

    measure: Callable[[MeasurementRun], Measurement]
    table: str = ""
    columns: Mapping[str, str] = {}
    prefix: str = ""
    complete: str = "Complete"


def _start(place: str, cpe: CPEBase, now: float) -> None:
    rng = cpe.context.identities.random(cpe.index, f"{place} {now}")
    outcome = DIAGNOSTICS[place].measure(MeasurementRun(cpe, place, now, rng))
    end = now + min(outcome.seconds, LONGEST)
    cpe.plan(Job(end, _JOB, place, partial(_finish, place, outcome), survives_reboot=False))


def _finish(place: str, outcome: Measurement, cpe: CPEBase, now: float) -> None:
    kind = DIAGNOSTICS[place]
    results = {f"{place}{name}": value for name, value in outcome.values.items()}
    rows = _fill(cpe, place, len(outcome.rows))
    for row, columns in zip(rows, outcome.rows, strict=False):
        results |= {f"{row}{kind.prefix}{name}": value for name, value in columns.items()}
    results[f"{place}{STATE}"] = outcome.state or kind.complete
    for path, value in results.items():
        parameter = cpe.parameter(path)
        if parameter is not None and TYPES[parameter.type].fits(str(value)):
            cpe.change(path, str(value), now)
    cpe.raise_event(EventStruct(ev.DIAGNOSTICS_COMPLETE), now)


# -- the kinds ------------------------------------------------------------------------------------

_ROUTE = Diagnostic(trace_route, "RouteHops.", HOPS)
_LOOKUP = Diagnostic(ns_lookup, "Result.", ANSWERS)

DIAGNOSTICS: dict[str, Diagnostic] = {
    "Device.IP.Diagnostics.IPPing.": Diagnostic(ping),
    "Device.IP.Diagnostics.TraceRoute.": _ROUTE,
    "Device.IP.Diagnostics.DownloadDiagnostics.": Diagnostic(download, complete="Completed"),
    "Device.IP.Diagnostics.UploadDiagnostics.": Diagnostic(upload, complete="Completed"),
    "Device.DNS.Diagnostics.NSLookupDiagnostics.": _LOOKUP,
    "Device.WiFi.NeighboringWiFiDiagnostic.": Diagnostic(neighbors, "Result.", NETWORKS),
    "InternetGatewayDevice.IPPingDiagnostics.": Diagnostic(ping),
    "InternetGatewayDevice.TraceRouteDiagnostics.": _ROUTE._replace(prefix="Hop"),
    "InternetGatewayDevice.DownloadDiagnostics.": Diagnostic(download, complete="Completed"),
    "InternetGatewayDevice.UploadDiagnostics.": Diagnostic(upload, complete="Completed"),
    "InternetGatewayDevice.NSLookupDiagnostics.": _LOOKUP,
}
"""Every diagnostic by its object; ``UDPEchoConfig`` is none: it answers, it does not run."""

RESULT_TABLES = tuple([f"{place}{kind.table}" for place, kind in DIAGNOSTICS.items() if kind.table])
"""The tables whose rows are results of runs, which a reboot removes."""
