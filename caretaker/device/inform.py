"""
The Inform of a session: its parameters, header and namespace (TR-069 A.3.3.1).

An Inform has the forced parameters of its device model, the parameters whose change it reports,
and those that the table ``ManagementServer.InformParameter.`` adds (data models).
"""

from __future__ import annotations

import re
from typing import Any

from caretaker.cwmp import messages as m
from caretaker.cwmp.codec import encode
from caretaker.cwmp.envelope import CWMP_1_0, CWMP_1_2, Envelope
from caretaker.cwmp.messages import ParameterValueStruct
from caretaker.data_model.paths import pattern
from caretaker.device import events as ev
from caretaker.device.base import CPEBase

_SESSION_TIMEOUT = {"session_timeout": 60}
HEADERS: dict[str, dict[str, Any]] = {
    "1.3": _SESSION_TIMEOUT,
    "1.4": {**_SESSION_TIMEOUT, "supported_cwmp_versions": ("1.0", "1.1", "1.2", "1.3", "1.4")},
}
"""Header elements of the Inform's envelope, by the CWMP version of the device (TR-069 3.5)."""


def namespace(cpe: CPEBase) -> str:
    """The profile's namespace; cwmp-1-2 if cwmp-1-0 has no place for one of the events."""
    usual = cpe.profile.namespace
    if usual == CWMP_1_0 and any(ev.is_later(event.event_code) for event in cpe.session_events):
        return CWMP_1_2
    return usual


def envelope(cpe: CPEBase, message: m.Inform) -> bytes:
    """The bytes of an Inform as the first message of its session."""
    header = HEADERS.get(cpe.profile.cwmp_version, {})
    return encode(Envelope(message, "1", namespace(cpe), **header))


def inform_message(cpe: CPEBase, now: float) -> m.Inform:
    """The Inform of the session that begins."""
    return m.Inform(
        cpe.device_id_struct,
        cpe.session_events,
        1,
        cpe.context.date(now + cpe.profile.clock_offset),
        cpe.failures,
        tuple(_parameter_list(cpe, now)),
    )


def _parameter_list(cpe: CPEBase, now: float) -> list[ParameterValueStruct]:
    """The forced parameters, then the others; what this device lacks is left out."""
    overlay = cpe.overlay
    constants = cpe.profile.inform_constants
    if overlay is not None and (
        overlay.rows or not overlay.values.keys().isdisjoint(constants)
    ):  # fmt: skip
        constants = dict.fromkeys(constants)
    structs = [constant or cpe.find(path, now) for path, constant in constants.items()]
    added = _added_by_table(cpe, now)
    if cpe.reported_changes or added:
        more = dict.fromkeys((*cpe.reported_changes, *added))
        structs += [cpe.find(path, now) for path in more if path not in constants]
    return [struct for struct in structs if struct is not None]


# -- the table InformParameter --------------------------------------------------------------------


def table_rows(cpe: CPEBase) -> tuple[str, ...]:
    """What is below the table InformParameter of the CPE; empty if it has no rows, or no table."""
    table = cpe.profile.management_paths["InformParameter."]
    return cpe.profile.model.children_of(table, cpe.overlay) or ()


def _added_by_table(cpe: CPEBase, now: float) -> list[str]:
    """
    The paths that the InformParameter table adds to an Inform with the events of the session.

    A row's ``ParameterName`` may be a partial path and have ``*`` for instance numbers; its
    ``EventList`` names the numbers of events, empty for all.
    """
    rows = table_rows(cpe)
    if not rows:
        return []
    numbers = {event.event_code.partition(" ")[0] for event in cpe.session_events}
    return [
        path
        for row in rows
        if row.endswith(".") and _is_on(cpe, row, numbers, now)
        for path in _matching(cpe, cpe.value(f"{row}ParameterName", now))
    ]


def _is_on(cpe: CPEBase, row: str, numbers: set[str], now: float) -> bool:
    events = cpe.value(f"{row}EventList", now)
    wanted = {part.strip().partition(" ")[0] for part in events.split(",") if part.strip()}
    enabled = cpe.value(f"{row}Enable", now) in ("1", "true")
    return enabled and (not wanted or bool(wanted & numbers))


def _matching(cpe: CPEBase, name: str) -> list[str]:
    """The parameters that a ParameterName with wildcards names."""
    if not name.endswith(".") and "*" not in name:
        return [name] if cpe.parameter(name) is not None else []
    matches = pattern(name).match if name.endswith(".") else pattern(name).fullmatch
    paths = cpe.model.walk(cpe.model.root, cpe.overlay)
    return [path for path in paths if not path.endswith(".") and matches(path)]


_ROW = re.compile(r"ManagementServer\.InformParameter\.[0-9]+\.(ParameterName|EventList)")


def is_refused(cpe: CPEBase, path: str, value: str) -> bool:
    """
    Whether the InformParameter table does not take a value (data models).

    A forced parameter is in every Inform anyway, and ``4 VALUE CHANGE`` has its own parameters.
    """
    match = _ROW.fullmatch(path[len(cpe.model.root) :])
    if match is None:
        return False
    if match[1] == "ParameterName":
        return value.strip() in cpe.profile.inform_parameters
    return any(part.strip().partition(" ")[0] == "4" for part in value.split(","))
