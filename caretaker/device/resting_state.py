"""
The state of a CPE that rests, taken apart: so that a million of them need few objects.

Nearly all CPEs of a fleet rest alike: the same few events are pending, and values of the same
parameters are their own. What may be alike is a ``CommonState``, which many CPEs can share. The
rest are a few times, and the values. A CPE with anything else (jobs, transfers, rows of tables, a
session) does not rest, and stays the object that it is.
"""

from __future__ import annotations

from math import inf
from typing import NamedTuple

from caretaker.data_model.overlay import Overlay
from caretaker.data_model.overlay_records import Attributes
from caretaker.device.base import CPEBase
from caretaker.device.events import Events
from caretaker.device.management_server import ManagementServerState
from caretaker.device.up_time import resumed_since

_BETWEEN = "\0"
"""Between two values; XML has no such character."""
_SURROGATES = "surrogatepass"


class Notification(NamedTuple):
    """
    Of which values a CPE tells by itself, where an ACS has asked for it.

    Args:
        attributes: of parameters, as of ``Overlay``.
        observed: the parameters of ``Overlay.last_reported``, which has values of the CPE's own;
            None where it is None.
    """

    attributes: tuple[tuple[str, Attributes], ...]
    observed: tuple[str, ...] | None


class CommonState(NamedTuple):
    """
    What CPEs that rest may have in common.

    Args:
        events, changed, failures, powered, management_cache: as of ``CPEBase``.
        names: of the parameters with values of their own; None where there is no overlay.
        down_until_boot: whether ``down_until`` is ``booted_at``; else it is 0.
        session_when_due: whether ``session_due`` is ``due``; else it is ``inf``.
        resumed: whether ``booted_at`` is still to be drawn, as of a CPE that was resumed then.
        notification: as an ACS has asked for it; None for that of the profile.
    """

    events: Events
    changed: tuple[str, ...]
    failures: int
    powered: bool
    management_cache: ManagementServerState | None
    names: tuple[str, ...] | None
    down_until_boot: bool
    session_when_due: bool
    resumed: bool = False
    notification: Notification | None = None


class OwnTimes(NamedTuple):
    """The times of a CPE that rests; see ``CPEBase``."""

    due: float
    periodic_due: float
    booted_at: float
    ended_at: float


def common_state(cpe: CPEBase) -> CommonState | None:
    """What a CPE may have in common with others; None if it does not rest."""
    overlay, names, notification = cpe.overlay, None, None
    if _is_busy(cpe):
        return None
    if overlay is not None:
        if _has_more(overlay):
            return None
        names, notification = tuple(overlay.values), _notification(overlay)
    is_down_until_boot, has_session = cpe.down_until == cpe.booted_at, cpe.session_due < inf
    if not (is_down_until_boot or cpe.down_until == 0.0):
        return None
    if has_session and cpe.session_due != cpe.due:
        return None
    fields = (
        cpe.events,
        cpe.changed,
        cpe.failures,
        cpe.powered,
        cpe.management_cache,
        names,
        is_down_until_boot,
        has_session,
        False,
        notification,
    )
    return tuple.__new__(CommonState, fields)  # half the time of a call of the class


def _is_busy(cpe: CPEBase) -> bool:
    if cpe.in_session or cpe.jobs or cpe.transfers or cpe.requests or cpe.after_session:
        return True
    return bool(cpe.session_events or cpe.session_requests or cpe.reported_changes)


def _has_more(overlay: Overlay) -> bool:
    """Whether there is more than values, and what is told of them."""
    is_changed = overlay.rows is not None or overlay.units is not None
    return is_changed or bool(overlay.refusals or overlay.reporting_values)


def _notification(overlay: Overlay) -> Notification | None:
    attributes, observed = overlay.attributes, overlay.last_reported
    if not attributes and observed is None:
        return None
    names = None if observed is None else tuple(observed)
    return Notification(tuple(attributes.items()) if attributes else (), names)


def own_values(cpe: CPEBase) -> bytes | None:
    """The values of a CPE that differ from its model, for ``restore``; None if they can't be."""
    overlay = cpe.overlay
    if overlay is None:
        return b""
    values = [*overlay.values.values()]
    if overlay.last_reported:
        values += overlay.last_reported.values()
    text = _BETWEEN.join(values)
    if values and text.count(_BETWEEN) != len(values) - 1:
        return None
    return text.encode("utf-8", _SURROGATES)


def restore(cpe: CPEBase, common: CommonState, times: OwnTimes, values: bytes) -> None:
    """Give a CPE that is new the state of one that rests."""
    cpe.events = common.events
    cpe.changed = common.changed
    cpe.failures = common.failures
    cpe.powered = common.powered
    cpe.management_cache = common.management_cache
    cpe.due, cpe.periodic_due, cpe.booted_at, cpe.ended_at = times
    if common.resumed:
        cpe.booted_at = resumed_since(cpe, times.booted_at)
    if common.down_until_boot:
        cpe.down_until = times.booted_at
    if common.session_when_due:
        cpe.session_due = times.due
    if common.names is not None:
        cpe.overlay = _overlay(common.names, common.notification, values)


def values_of(names: tuple[str, ...], values: bytes) -> dict[str, str]:
    """The values of ``own_values`` by the names of their parameters, of which there are some."""
    texts = values.decode("utf-8", _SURROGATES).split(_BETWEEN)
    return dict(zip(names, texts, strict=False))  # the rest is of observed ones


def _overlay(names: tuple[str, ...], notification: Notification | None, values: bytes) -> Overlay:
    overlay = Overlay()
    if names:
        overlay.values = values_of(names, values)
    if notification is not None:
        overlay.attributes = dict(notification.attributes) or None
        if notification.observed is not None:
            texts = values.decode("utf-8", _SURROGATES).split(_BETWEEN)[len(names) :]
            overlay.last_reported = dict(zip(notification.observed, texts, strict=False))
    return overlay
