"""
The events of CWMP and what becomes of them (TR-069 3.7.1.5).

All rules are in one table, ``EVENTS``; the functions below apply it to the pending events of a
CPE, a plain tuple, so that a million idle CPEs share the few tuples there are.
"""

from __future__ import annotations

import re
from collections import Counter, defaultdict
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import NamedTuple

from caretaker.cwmp import messages as m
from caretaker.cwmp.messages import EventStruct

MAX_EVENTS = 64
"""The most events that an Inform can carry (CWMP schemas)."""

BOOTSTRAP = "0 BOOTSTRAP"
BOOT = "1 BOOT"
PERIODIC = "2 PERIODIC"
SCHEDULED = "3 SCHEDULED"
VALUE_CHANGE = "4 VALUE CHANGE"
CONNECTION_REQUEST = "6 CONNECTION REQUEST"
DIAGNOSTICS_COMPLETE = "8 DIAGNOSTICS COMPLETE"
HEARTBEAT = "14 HEARTBEAT"
M_REBOOT = "M Reboot"
M_SCHEDULE_INFORM = "M ScheduleInform"


class EventRule(NamedTuple):
    """
    The rules of an event code.

    Args:
        delivered_by: the request whose good answer delivers the event.
        multiple: whether several can be pending, each with its CommandKey.
        kept: whether a failed session keeps the event.
        survives_reboot: whether a reboot keeps the event.
    """

    delivered_by: type[m.Request] = m.Inform
    multiple: bool = False
    kept: bool = True
    survives_reboot: bool = True


EVENTS: dict[str, EventRule] = {
    BOOTSTRAP: EventRule(),
    BOOT: EventRule(survives_reboot=False),
    PERIODIC: EventRule(),
    SCHEDULED: EventRule(),
    VALUE_CHANGE: EventRule(survives_reboot=False),
    "5 KICKED": EventRule(m.Kicked),
    CONNECTION_REQUEST: EventRule(kept=False, survives_reboot=False),
    "7 TRANSFER COMPLETE": EventRule(m.TransferComplete),
    DIAGNOSTICS_COMPLETE: EventRule(survives_reboot=False),
    "9 REQUEST DOWNLOAD": EventRule(m.RequestDownload),
    "10 AUTONOMOUS TRANSFER COMPLETE": EventRule(m.AutonomousTransferComplete),
    "11 DU STATE CHANGE COMPLETE": EventRule(m.DUStateChangeComplete),
    "12 AUTONOMOUS DU STATE CHANGE COMPLETE": EventRule(m.AutonomousDUStateChangeComplete),
    "13 WAKEUP": EventRule(),
    HEARTBEAT: EventRule(),
    M_REBOOT: EventRule(multiple=True),
    M_SCHEDULE_INFORM: EventRule(multiple=True),
    "M Download": EventRule(m.TransferComplete, multiple=True),
    "M ScheduleDownload": EventRule(m.TransferComplete, multiple=True),
    "M Upload": EventRule(m.TransferComplete, multiple=True),
    "M ChangeDUState": EventRule(m.DUStateChangeComplete, multiple=True),
}
"""Every event code of the standard with its rule."""

EVENT_OF_REQUEST: dict[type[m.Request], str] = {
    m.TransferComplete: "7 TRANSFER COMPLETE",
    m.Kicked: "5 KICKED",
    m.RequestDownload: "9 REQUEST DOWNLOAD",
    m.AutonomousTransferComplete: "10 AUTONOMOUS TRANSFER COMPLETE",
    m.DUStateChangeComplete: "11 DU STATE CHANGE COMPLETE",
    m.AutonomousDUStateChangeComplete: "12 AUTONOMOUS DU STATE CHANGE COMPLETE",
}
"""The numbered event that announces a request of the CPE's; GetRPCMethods has none."""

UNSOLICITED: tuple[type[m.Request], ...] = (
    m.GetRPCMethods,
    m.Kicked,
    m.RequestDownload,
    m.AutonomousTransferComplete,
    m.AutonomousDUStateChangeComplete,
)
"""Requests that a CPE sends of its own accord; the others end what the ACS has asked for."""

_VENDOR_METHOD = EventRule(multiple=True)
_VENDOR_EVENT = EventRule()


def rule(event_code: str) -> EventRule:
    """The rule of a code; a vendor's ``M X_...`` or ``X ...`` has that of its kind."""
    standard = EVENTS.get(event_code)
    if standard is not None:
        return standard
    return _VENDOR_METHOD if event_code.startswith("M ") else _VENDOR_EVENT


_VENDOR_CODE = re.compile(r"M X_\S+|X \S+ .+")


def is_event_code(text: str) -> bool:
    """Whether this is a code of the standard, or one that a vendor may have (CWMP schemas)."""
    return text in EVENTS or (len(text) <= 64 and _VENDOR_CODE.fullmatch(text) is not None)


_FIRST = re.compile(r"[0-9] .*|M (Reboot|ScheduleInform|Download|Upload|X_\S+)|X .*")


def is_later(event_code: str) -> bool:
    """Whether the event came after CWMP 1.0, whose schema has no place for it."""
    return _FIRST.fullmatch(event_code) is None


Events = tuple[EventStruct, ...]

_BY_TIME = (PERIODIC, HEARTBEAT)
"""Events that come again at their next time; raised and delivered within one session, mostly."""


@lru_cache(1024)
def are_stored(events: Events) -> bool:
    """Whether one of these events may be in the ``PersistentState`` of a CPE."""
    codes = [event.event_code for event in events]
    return any(rule(code).survives_reboot and code not in _BY_TIME for code in codes)


@dataclass(slots=True)
class EventAccounting:
    """
    Every event is accounted for (decision D9).

    For each code: raised = delivered + discarded + still pending. ``discarded`` is keyed by code
    and the name of the rule that discarded it.
    """

    raised: defaultdict[str, int] = field(init=False)
    delivered: defaultdict[str, int] = field(init=False)
    discarded: Counter[tuple[str, str]] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        # No Counters, which take four times as long to count one.
        self.raised = defaultdict(int)
        self.delivered = defaultdict(int)

    def add(self, pending: Events, event: EventStruct) -> Events:
        """The pending events with this one raised; merged into one of its kind if single."""
        self.raised[event.event_code] += 1
        return self._join(pending, event) if pending else (event,)

    def raise_delivered(self, code: str) -> None:
        """Count an event that was raised, alone, and delivered by its Inform."""
        self.raised[code] += 1
        self.delivered[code] += 1

    def raised_together(self, events: Events, cpes: int) -> None:
        """Count that so many CPEs that had none pending have raised these events."""
        for event in events:
            self.raised[event.event_code] += cpes

    def _join(self, pending: Events, event: EventStruct) -> Events:
        code = event.event_code
        if not rule(code).multiple and any(old.event_code == code for old in pending):
            self.discarded[code, "merged"] += 1
            return pending
        if len(pending) >= MAX_EVENTS:
            self.discarded[code, "too many"] += 1
            return pending
        return (*pending, event)

    def coalesce(self, event: EventStruct) -> None:
        """Account for an event that joins an equal one which is on its way to the ACS."""
        self.raised[event.event_code] += 1
        self.discarded[event.event_code, "merged"] += 1

    def deliver(self, sent: Events, request: m.Request, waiting: Sequence[m.Request]) -> Events:
        """
        The events of a session that are left when the ACS has answered a request.

        A request delivers one ``M ...`` event, that of its own CommandKey; the numbered event that
        stands for several such requests is delivered with the last of them (3.7.1.5).

        Args:
            sent: the events.
            request: the request.
            waiting: the requests that have not been answered yet.
        """
        if isinstance(request, m.Inform):
            return self.deliver_inform(sent)
        delivered, left = self._split(sent, request, waiting)
        for code in delivered:
            self.delivered[code] += 1
        return left

    def deliver_inform(self, sent: Events) -> Events:
        """As ``deliver``, of the Inform."""
        delivered, left = _split_by_inform(sent)
        for code in delivered:
            self.delivered[code] += 1
        return left

    def refuse(self, sent: Events, request: m.Request, waiting: Sequence[m.Request]) -> Events:
        """As ``deliver``, when the ACS does not want the request: they are discarded."""
        refused, left = self._split(sent, request, waiting)
        self.discarded.update((code, "refused by the ACS") for code in refused)
        return left

    def _split(
        self, sent: Events, request: m.Request, waiting: Sequence[m.Request]
    ) -> tuple[list[str], Events]:
        """The codes of the events that this request delivers, and the other events."""
        kind = type(request)
        keyed = [event for event in sent if self._is_own(event, request)][:1]
        last = not any(type(other) is kind for other in waiting)
        own, left = [], []
        for event in sent:
            its = rule(event.event_code)
            if its.delivered_by is kind and (event in keyed if its.multiple else last):
                own.append(event.event_code)
                keyed = [other for other in keyed if other is not event]
            else:
                left.append(event)
        return own, tuple(left)

    def _is_own(self, event: EventStruct, request: m.Request) -> bool:
        """Whether the request delivers such events, and has the CommandKey of this one."""
        its = rule(event.event_code)
        key = getattr(request, "command_key", "")
        return its.multiple and its.delivered_by is type(request) and event.command_key == key

    def fail(self, sent: Events) -> Events:
        """The events of a failed session that are kept for the retry."""
        return self._keep(sent, "session failed", lambda event: event.kept)

    def reboot(self, pending: Events) -> Events:
        """The pending events that a reboot keeps."""
        return self._keep(pending, "reboot", lambda event: event.survives_reboot)

    def clear(self, pending: Events, why: str) -> None:
        """Discard all pending events; ``why`` names the rule in the counts."""
        self._keep(pending, why, lambda _: False)

    def restore(self, sent: Events, pending: Events) -> Events:
        """The events that a session left undelivered, and after them those raised meanwhile."""
        joined = sent
        for event in pending:
            joined = self._join(joined, event)
        return joined

    def _keep(self, events: Events, why: str, kept: Callable[[EventRule], bool]) -> Events:
        left = []
        for event in events:
            if kept(rule(event.event_code)):
                left.append(event)
            else:
                self.discarded[event.event_code, why] += 1
        return tuple(left)


@lru_cache(1024)  # a fleet has few combinations of events at a time
def _split_by_inform(sent: Events) -> tuple[list[str], Events]:
    """The codes of the events that an Inform delivers, and the other events."""
    own = [event.event_code for event in sent if rule(event.event_code).delivered_by is m.Inform]
    left = [event for event in sent if rule(event.event_code).delivered_by is not m.Inform]
    return own, tuple(left)
