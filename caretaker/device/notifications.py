"""
Which changes of values a CPE reports by itself (TR-069 3.7.1.5, A.3.2.4).

A parameter has an attribute of notification. The device must see changes that happen by
themselves: parameters whose value changes with time and whose attribute asks for notification are
observed. ``Overlay.last_reported`` has the values of these that the ACS knows; the values of an
Inform that is not confirmed yet are in ``Overlay.reporting_values``.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache, partial
from math import inf

from caretaker.cwmp.messages import EventStruct
from caretaker.data_model.dynamic_values import DYNAMIC
from caretaker.device import events as ev
from caretaker.device.base import CPEBase, Job
from caretaker.device.value_sources import next_dynamic_change, rule_of
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
    "ManagementServer.UDPConnectionRequestAddress",
    "ManagementServer.NATDetected",
    "GatewayInfo.ManufacturerOUI",
    "GatewayInfo.ProductClass",
    "GatewayInfo.SerialNumber",
)
"""
Parameters with active notification until the ACS turns it off: by the data models, and of Annex G,
since an ACS that does not know a new binding does not reach the CPE.
"""
_ACTIVE_AT_FIRST = frozenset((*FORCED_ACTIVE, *DEFAULT_ACTIVE))
_JOB = "change"


# -- attributes -----------------------------------------------------------------------------------


def attribute(cpe: CPEBase, path: str) -> int:
    """The notification attribute of a parameter, 0 to 6."""
    if path[len(cpe.model.root) :] in FORCED_ACTIVE:
        return ACTIVE
    attributes = cpe.overlay.attribute(path) if cpe.overlay is not None else None
    if attributes is not None:
        return attributes.notification
    return _factory_attribute(cpe.profile, path)


def _factory_attribute(profile: Profile, path: str) -> int:
    last = path[len(profile.model.root) :]
    is_default = last in _ACTIVE_AT_FIRST or path == profile.external_address
    is_unit = last.startswith("SoftwareModules.ExecutionUnit.") and last.endswith(".Status")
    return ACTIVE if is_default or is_unit else 0


def kind(cpe: CPEBase, path: str) -> int:
    """What the attribute asks for: 0, ``PASSIVE`` (the next Inform), ``ACTIVE`` (a session)."""
    return _STANDARD.get(attribute(cpe, path), 0)


def notify(cpe: CPEBase, path: str, now: float, earliest: float = -inf) -> None:
    """
    Report a change with ``4 VALUE CHANGE``, if the attribute of the parameter asks for it.

    Args:
        cpe: whose parameter it is.
        path: of the parameter.
        now: the present time.
        earliest: a session of its own begins then, or later.
    """
    asked = kind(cpe, path)
    if asked == 0 or not cpe.context.behaviors.value_change_events:
        return
    cpe.add_changed(path)
    is_active = asked == ACTIVE and not _waits_for_retry(cpe)
    at = max(_earliest(cpe, now), earliest) if is_active else inf
    cpe.raise_event(EventStruct(ev.VALUE_CHANGE), at)


def _waits_for_retry(cpe: CPEBase) -> bool:
    """Whether a ``4 VALUE CHANGE`` waits for the retry: another one must not hurry it."""
    waits = cpe.failures > 0 and cpe.session_due < inf
    return waits and any(event.event_code == ev.VALUE_CHANGE for event in cpe.events)


def _earliest(cpe: CPEBase, now: float) -> float:
    """
    When an active notification may open a session of its own (DefaultActiveNotificationThrottle).

    The throttle counts from the end of the last session; a session with another cause before that
    time reports the change, too.
    """
    throttle = cpe.setting("DefaultActiveNotificationThrottle", 0.0, now)
    return max(now, cpe.ended_at + throttle) if throttle else now


# -- values that change by themselves -------------------------------------------------------------


def observe(cpe: CPEBase, now: float) -> None:
    """Observe the parameters whose attributes ask for it now: after a boot or new attributes."""
    paths = _to_observe(cpe) if cpe.context.behaviors.dynamic_params else ()
    cpe.cancel(_JOB)
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


def _to_observe(cpe: CPEBase) -> list[str]:
    attributes = cpe.overlay.attributes if cpe.overlay is not None else None
    paths = dict.fromkeys((*active_from_factory(cpe.profile), *(attributes or ())))
    return [path for path in paths if _rule_of(cpe, path) is not None and kind(cpe, path)]


@lru_cache(256)
def active_from_factory(profile: Profile) -> tuple[str, ...]:
    """The parameters that may change by themselves, and have active notification at first."""
    parameters = profile.model.parameters.items()
    changing = (path for path, each in parameters if profile.usual(each).source == DYNAMIC)
    return tuple(path for path in changing if _factory_attribute(profile, path))


def _rule_of(cpe: CPEBase, path: str) -> int | None:
    """The rule by which a parameter changes; None for none, as of a value that the ACS has set."""
    parameter = cpe.parameter(path)
    is_set = cpe.overlay is not None and path in cpe.overlay.values
    return None if parameter is None or is_set else rule_of(cpe, parameter)


def _plan(cpe: CPEBase, path: str, now: float) -> None:
    """Plan the next change of an actively observed value; counters have no steps to plan."""
    rule = _rule_of(cpe, path)
    if rule is None or path not in _last_reported(cpe):
        return
    due = next_dynamic_change(cpe, rule, now)
    if due < inf:
        job = Job(max(due, now + 1e-3), _JOB, path, partial(_step, path), survives_reboot=False)
        cpe.plan(job)


def _step(path: str, cpe: CPEBase, now: float) -> None:
    raise_changes(cpe, now, (path,))
    _plan(cpe, path, now)


def raise_changes(cpe: CPEBase, now: float, paths: Iterable[str] | None = None) -> None:
    """Notify of observed values that differ from those last reported; of all without ``paths``."""
    reported = _last_reported(cpe)
    for path in (tuple(reported) if paths is None else paths) if reported else ():
        if path in reported and cpe.value(path, now) != reported[path]:
            notify(cpe, path, now)


def acknowledge_set(cpe: CPEBase, paths: Iterable[str], now: float) -> None:
    """Note that the ACS knows the values of these parameters, because it has set them."""
    reported = _last_reported(cpe)
    for path in paths if reported else ():
        if path in reported:
            reported[path] = cpe.value(path, now)


def begin_inform(cpe: CPEBase, now: float) -> None:
    """Remember the values this Inform reports, until the ACS confirms them."""
    reported = _last_reported(cpe)
    if reported and cpe.overlay is not None:
        paths = [path for path in cpe.reported_changes if path in reported]
        cpe.overlay.reporting_values = {path: cpe.value(path, now) for path in paths} or None


def inform_delivered(cpe: CPEBase) -> None:
    """Note that the ACS has confirmed the values of that Inform."""
    if cpe.overlay is not None and cpe.overlay.reporting_values:
        cpe.mark_unsaved()
        _last_reported(cpe).update(cpe.overlay.reporting_values)
        cpe.overlay.reporting_values = None


def _last_reported(cpe: CPEBase) -> dict[str, str]:
    reported = cpe.overlay.last_reported if cpe.overlay is not None else None
    return reported or {}
