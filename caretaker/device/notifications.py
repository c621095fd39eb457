"""
Which changes a CPE tells by itself, and what its Informs carry (TR-069 3.7.1.5, A.3.2.4).

Functions of a CPE: attributes of notification, the InformParameter table, and the throttle.
"""

from __future__ import annotations

import re
from functools import lru_cache
from math import inf
from typing import TYPE_CHECKING

from caretaker.data_model.dynamic_values import DYNAMIC
from caretaker.data_model.paths import pattern
from caretaker.device.jobs import Job
from caretaker.device.values import next_dynamic_change

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from caretaker.device.cpe import CPE
    from caretaker.profiles.profile import Profile

PASSIVE, ACTIVE = 1, 2
_STANDARD = {0: 0, 1: PASSIVE, 2: ACTIVE, 3: 0, 4: PASSIVE, 5: 0, 6: PASSIVE}
"""What each value of the attribute means for Informs; 3 to 6 add lightweight notification."""
ANY_ACTIVE = (2, 5, 6)
"""The values that ask for active notification of either kind, which a CPE may refuse (9009)."""

FORCED_ACTIVE = ("DeviceInfo.SoftwareVersion", "DeviceInfo.ProvisioningCode")
"""Parameters whose active notification can't be turned off (data models)."""
DEFAULT_ACTIVE = (
    "ManagementServer.ConnectionRequestURL",
    "ManagementServer.ConnReqJabberID",
    "GatewayInfo.ManufacturerOUI",
    "GatewayInfo.ProductClass",
    "GatewayInfo.SerialNumber",
)
"""Those that have it until the ACS turns it off (data models)."""
_ACTIVE_AT_FIRST = frozenset((*FORCED_ACTIVE, *DEFAULT_ACTIVE))


def attribute(cpe: CPE, path: str) -> int:
    """The notification attribute of a parameter, 0 to 6."""
    last = path[len(cpe.model.root) :]
    if last in FORCED_ACTIVE:
        return ACTIVE
    attributes = cpe.overlay.attribute(path) if cpe.overlay is not None else None
    if attributes is not None:
        return attributes.notification
    return _of_factory(cpe.profile, path)


def _of_factory(profile: Profile, path: str) -> int:
    last = path[len(profile.model.root) :]
    is_default = last in _ACTIVE_AT_FIRST or path == profile.external_address
    return ACTIVE if is_default or _tells_a_unit(last) else 0


def _tells_a_unit(last: str) -> bool:
    """Whether it is the Status of an execution unit, which is active by default, too."""
    return last.startswith("SoftwareModules.ExecutionUnit.") and last.endswith(".Status")


def kind(cpe: CPE, path: str) -> int:
    """What a change of a parameter asks for: nothing (0), to be told (1), a session (2)."""
    return _STANDARD.get(attribute(cpe, path), 0)


def earliest(cpe: CPE, now: float) -> float:
    """
    When an active notification may open a session of its own (DefaultActiveNotificationThrottle).

    That many seconds after the end of the last session; a session for another cause tells it too.
    """
    throttle = cpe.setting("DefaultActiveNotificationThrottle", 0.0, now)
    return max(now, cpe.ended_at + throttle) if throttle else now


def watch(cpe: CPE, now: float) -> None:
    """Look after what changes by itself and is to be told: attributes set just now, or a boot."""
    paths = _watched(cpe) if cpe.context.behaviors.dynamic_params else ()
    cpe.cancel(_CHANGE)
    if not paths:
        if cpe.overlay is not None:
            cpe.overlay.last_reported = None
        return
    overlay = cpe.ensure_overlay()
    old = overlay.last_reported or {}
    overlay.last_reported = {path: old.get(path, cpe.value(path, now)) for path in paths}
    for path in paths:
        if kind(cpe, path) == ACTIVE:
            _plan(cpe, path, now)


def _watched(cpe: CPE) -> list[str]:
    """What changes by itself and asks for notification, by the ACS or from the factory."""
    attributes = cpe.overlay.attributes if cpe.overlay is not None else None
    paths = dict.fromkeys((*active_of_factory(cpe.profile), *(attributes or ())))
    return [path for path in paths if _changes(cpe, path) and kind(cpe, path)]


@lru_cache(256)
def active_of_factory(profile: Profile) -> tuple[str, ...]:
    """What of a profile changes by itself and is actively notified until the ACS says otherwise."""
    changing = (p for p, each in profile.model.parameters.items() if each.source == DYNAMIC)
    return tuple(path for path in changing if _of_factory(profile, path))


def _changes(cpe: CPE, path: str) -> bool:
    """Whether it does so still: what the ACS has set stays."""
    parameter = cpe.parameter(path)
    is_set = cpe.overlay is not None and path in cpe.overlay.values
    return parameter is not None and parameter.source == DYNAMIC and not is_set


def _plan(cpe: CPE, path: str, now: float) -> None:
    """The next change that an active notification is to tell; none of what moves all the time."""
    parameter = cpe.parameter(path)
    if parameter is None or path not in _told(cpe) or not _changes(cpe, path):
        return
    due = next_dynamic_change(cpe, parameter.number, now)
    if due < inf:
        cpe.plan(Job(max(due, now + 1e-3), _CHANGE, path, _look_and_plan(path), False))


def _look_and_plan(path: str) -> Callable[[CPE, float], None]:
    def act(cpe: CPE, at: float) -> None:
        look(cpe, at, (path,))
        _plan(cpe, path, at)

    return act


def look(cpe: CPE, now: float, paths: Iterable[str] | None = None) -> None:
    """Notify the ACS of what is watched and is not as it was last told."""
    told = _told(cpe)
    for path in (tuple(told) if paths is None else paths) if told else ():
        if path in told and cpe.value(path, now) != told[path]:
            cpe.notify(path, now)


def tell(cpe: CPE, paths: Iterable[str], now: float) -> None:
    """The ACS knows these: it has set them."""
    told = _told(cpe)
    for path in paths if told else ():
        if path in told:
            told[path] = cpe.value(path, now)


def inform(cpe: CPE, now: float) -> None:
    """Note what the Inform that is made now tells of what is watched."""
    told = _told(cpe)
    if told and cpe.overlay is not None:
        telling = [path for path in cpe.reported_changes if path in told]
        cpe.overlay.reporting_values = {path: cpe.value(path, now) for path in telling} or None


def told(cpe: CPE) -> None:
    """The ACS has taken that Inform."""
    if cpe.overlay is not None and cpe.overlay.reporting_values:
        _told(cpe).update(cpe.overlay.reporting_values)
        cpe.overlay.reporting_values = None


def _told(cpe: CPE) -> dict[str, str]:
    told = cpe.overlay.last_reported if cpe.overlay is not None else None
    return told or {}


_CHANGE = "change"


def inform_parameters(cpe: CPE, now: float) -> list[str]:
    """
    The paths that the InformParameter table adds to the Inform of the events that are being sent.

    A row's ``ParameterName`` may be a partial path and have ``*`` for instance numbers; its
    ``EventList`` names the numbers of events, empty for all.
    """
    table = cpe.profile.management_paths["InformParameter."]
    rows = cpe.model.children_of(table, cpe.overlay)
    if not rows:
        return []
    numbers = {event.event_code.partition(" ")[0] for event in cpe.session_events}
    return [
        path
        for row in rows
        if row.endswith(".") and _is_on(cpe, row, numbers, now)
        for path in _named(cpe, cpe.value(f"{row}ParameterName", now))
    ]


_ROW = re.compile(r"ManagementServer\.InformParameter\.[0-9]+\.(ParameterName|EventList)")


def refused(cpe: CPE, path: str, value: str) -> bool:
    """
    Whether this can't stand in the InformParameter table (data models).

    A forced parameter is in every Inform, and ``4 VALUE CHANGE`` has its own parameters.
    """
    found = _ROW.fullmatch(path[len(cpe.model.root) :])
    if found is None:
        return False
    if found[1] == "ParameterName":
        return value.strip() in cpe.profile.inform_parameters
    return any(part.strip().partition(" ")[0] == "4" for part in value.split(","))


def _is_on(cpe: CPE, row: str, numbers: set[str], now: float) -> bool:
    events = cpe.value(f"{row}EventList", now)
    wanted = {part.strip().partition(" ")[0] for part in events.split(",") if part.strip()}
    enabled = cpe.value(f"{row}Enable", now) in ("1", "true")
    return enabled and (not wanted or bool(wanted & numbers))


def _named(cpe: CPE, name: str) -> list[str]:
    """The parameters of a name with wildcards; none if it names nothing."""
    if not name.endswith(".") and "*" not in name:
        return [name] if cpe.parameter(name) is not None else []
    matches = pattern(name).match if name.endswith(".") else pattern(name).fullmatch
    paths = cpe.model.walk(cpe.model.root, cpe.overlay)
    return [path for path in paths if not path.endswith(".") and matches(path)]
