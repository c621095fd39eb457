"""
One CPE: what it is, what it has to tell the ACS, and when (TR-069 3.2, 3.7).

A CPE owns no greenlet, socket or timer (decision D2). It is told the time, says when it is next
due, hands out a session, and is told how the session ended::

    due = cpe.power_on(now)
    session = cpe.begin_session(now)      # at the due time
    ...                                   # session.next_post(), session.receive(...)
    due = cpe.end_session(outcome, now)

Times are seconds of a clock that only goes forward; ``FleetContext.wall_offset`` makes dates of
them.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from math import inf
from sys import intern
from typing import TYPE_CHECKING, Any

from caretaker.cwmp import messages as m
from caretaker.cwmp.envelope import CWMP_1_0, CWMP_1_2
from caretaker.cwmp.faults import FaultCode
from caretaker.cwmp.messages import DeviceIdStruct, EventStruct, ParameterValueStruct
from caretaker.cwmp.outcome import Outcome
from caretaker.cwmp.session import CPESession
from caretaker.data_model.overlay import Overlay
from caretaker.data_model.types import TYPES, Parameter, cleaned, typed
from caretaker.device import (
    diagnostics,
    heartbeat,
    management_server,
    notifications,
    periodic_inform,
    transfers,
)
from caretaker.device import events as ev
from caretaker.device.context import FleetContext
from caretaker.device.events import Events
from caretaker.device.jobs import EVENTS_OF, MAX_REFUSALS, Job, Jobs, with_job, without
from caretaker.device.management_server import ManagementServerState
from caretaker.device.rpc.methods import METHODS, has_method
from caretaker.device.transfers import Transfers
from caretaker.device.values import SOURCES
from caretaker.errors import DeviceBusy, FaultError
from caretaker.profiles import quirks
from caretaker.profiles.profile import Profile

if TYPE_CHECKING:
    from caretaker.data_model.model import DataModel


class CPE:
    """
    One device of the fleet.

    Args:
        index: in the fleet; with the premises' identities it tells who the CPE is.
        profile: what kind of device it is.
        premises: what it shares with the others.
    """

    __slots__ = (
        "accepted_at",
        "after_session",
        "answers_connection_request",
        "booted_at",
        "changed",
        "context",
        "down_until",
        "due",
        "ended_at",
        "events",
        "failures",
        "in_session",
        "index",
        "jobs",
        "management_cache",
        "overlay",
        "periodic_due",
        "powered",
        "profile",
        "reported_changes",
        "requests",
        "scheduled_at",
        "session_due",
        "session_events",
        "session_requests",
        "transfers",
    )

    def __init__(self, index: int, profile: Profile, context: FleetContext) -> None:
        self.index = index
        self.profile = profile
        self.context = context
        self.overlay: Overlay | None = None
        self.events: Events = ()
        """Events that the next Inform will tell."""
        self.session_events: Events = ()
        """Those of the running session's Inform that are not delivered yet."""
        self.changed: tuple[str, ...] = ()
        """Parameters whose change the next ``4 VALUE CHANGE`` will tell."""
        self.reported_changes: tuple[str, ...] = ()
        """Those that the running session's Inform tells."""
        self.after_session: tuple[m.Request, ...] = ()
        """What has effect when the session is over: Reboot, FactoryReset, a new ACS's URL."""
        self.jobs: Jobs = ()
        """What it will do by itself, earliest first."""
        self.requests: tuple[m.Request, ...] = ()
        """What it has to ask or tell the ACS, in this order."""
        self.session_requests: tuple[m.Request, ...] = ()
        """Those of the running session that are not answered yet."""
        self.transfers: Transfers = ()
        """Files asked for whose end the ACS has not heard of."""
        self.powered = False
        self.answers_connection_request = False
        """Whether the running session answers a Connection Request."""
        self.in_session = False
        self.failures = 0
        self.booted_at = 0.0
        self.ended_at = -inf
        """When its last session ended."""
        self.down_until = 0.0
        self.session_due = inf
        """When a session must begin for what has happened or failed."""
        self.periodic_due = inf
        self.due = inf
        """When something must be done; ``inf``: nothing is planned, or a session runs."""
        self.scheduled_at = inf
        """The scheduler's own: the due time it has in its heap for this CPE."""
        self.accepted_at = 0.0
        """When the Connection Request was accepted that is pending; 0 if none is."""
        self.management_cache: ManagementServerState | None = None
        """What ``management_server`` has read; None when it is to read again."""

    # Who it is.

    @property
    def serial_number(self) -> str:
        """The serial number."""
        return self.context.identities.serial_number(self.index)

    @property
    def device_id_struct(self) -> DeviceIdStruct:
        """Who it says it is: equal to its DeviceInfo parameters (A.3.3.1)."""
        kind = self.profile
        own = self.overlay.values if self.overlay is not None else None
        usual = DeviceIdStruct(kind.manufacturer, kind.oui, kind.product_class, self.serial_number)
        if own is None or own.keys().isdisjoint(kind.name_paths):
            return usual
        found = zip(kind.name_paths, usual, strict=True)
        manufacturer, oui, product_class, serial = (own.get(path, each) for path, each in found)
        return DeviceIdStruct(manufacturer, oui, product_class, serial or self.serial_number)

    # What it has.

    @property
    def model(self) -> DataModel:
        """The data model from the factory."""
        return self.profile.model

    def parameter(self, path: str) -> Parameter | None:
        """The parameter of a path, None if there is none."""
        return self.model.parameter(path, self.overlay)

    def value(self, path: str, now: float) -> str:
        """The value of a parameter, hidden ones too; empty if there is no such parameter."""
        overlay = self.overlay
        if overlay is not None:
            own = overlay.values.get(path)
            if own is not None:
                return own
        parameter = self.profile.model.parameter(path, overlay)
        return "" if parameter is None else self._of_factory(parameter, now)

    def _of_factory(self, parameter: Parameter, now: float) -> str:
        """The value of a parameter that nobody has set."""
        source = parameter.source
        return SOURCES[source](self, parameter, now) if source else parameter.value

    def read(self, path: str, now: float) -> ParameterValueStruct:
        """A parameter as GetParameterValues gives it: hidden ones are empty."""
        found = self._found(path, now)
        assert found is not None
        return found

    def _found(self, path: str, now: float) -> ParameterValueStruct | None:
        overlay = self.overlay
        own = overlay.values.get(path) if overlay is not None else None
        if own is None and (overlay is None or overlay.rows is None):
            constant = self.profile.model.constants.get(path)
            if constant is not None:
                return constant
        parameter = self.profile.model.parameter(path, overlay)
        if parameter is None:
            return None
        if parameter.hidden:
            own = ""
        elif own is None:
            own = self._of_factory(parameter, now)
        return typed(path, own, parameter.type)

    def ensure_overlay(self) -> Overlay:
        """The overlay, made if there was none."""
        if self.overlay is None:
            self.overlay = Overlay()
        return self.overlay

    def set_values(self, values: Iterable[tuple[str, str]], now: float) -> bool:
        """
        Set parameters; what they steer follows.

        Returns whether the ACS itself is another now, which has effect after the session.
        """
        before, start = self.management_server(now), periodic_inform.start(self)
        beat = heartbeat.policy(self, now)
        for path, value in values:
            if value or self.value(path, now):  # most ParameterKeys are empty, and stay so
                self.ensure_overlay().values[intern(path)] = value
        self.management_cache = None
        after = self.management_server(now)
        # The same values once more leave the phase alone.
        if (after.rhythm, periodic_inform.start(self)) != (before.rhythm, start):
            periodic_inform.arm(self, now)
        if heartbeat.policy(self, now) != beat:
            heartbeat.arm(self, now)
        return after.url != before.url

    def acs_url(self, now: float) -> str:
        """Where it informs; the ACS can change it."""
        return self.management_server(now).url

    def change(self, path: str, value: str, now: float) -> float:
        """
        Change a parameter by something other than the ACS (TR-069 3.2.1) and return when due.

        With notification on, ``4 VALUE CHANGE`` follows: in the next Inform when it is passive,
        in a session now when it is active. Who has another name is another device, and the ACS
        gets to know it: ``0 BOOTSTRAP``.

        Raises:
            FaultError: 9005 there is no such parameter; 9007 the value is not of its type.
        """
        parameter = self.parameter(path)
        if parameter is None:
            raise FaultError(FaultCode.INVALID_PARAMETER_NAME)
        if not TYPES[parameter.type].fits(value):
            raise FaultError(FaultCode.INVALID_PARAMETER_VALUE)
        if value != self.value(path, now):
            if self.set_values([(path, cleaned(value, parameter.type))], now):
                self.first_contact("new ACS", now)
            if path in self.profile.name_paths[1:]:  # the manufacturer is no part of a name
                self.first_contact("another device", now)
            self.notify(path, now)
        return self.reschedule(now)

    def notify(self, path: str, now: float) -> None:
        """Have a change told, if the attributes of the parameter ask for it."""
        kind = notifications.kind(self, path)
        if kind == 0 or not self.context.behaviors.value_change_events:
            return
        if path not in self.changed:
            self.changed = (*self.changed, path)
        is_active = kind == notifications.ACTIVE and not self._retries(ev.VALUE_CHANGE)
        at = notifications.earliest(self, now) if is_active else inf
        self.raise_event(EventStruct(ev.VALUE_CHANGE), at)

    def _retries(self, event_code: str) -> bool:
        """Whether such an event waits for the retry already: one more is nothing new for it."""
        waits = self.failures > 0 and self.session_due < inf
        return waits and any(event.event_code == event_code for event in self.events)

    def management_value(self, last: str, now: float) -> str:
        """The value of a parameter of ManagementServer; empty if it has none of that name."""
        return self.value(self.profile.management_paths[last], now)

    def setting(self, last: str, default: float, now: float) -> float:
        """A number of ManagementServer; the default where it is absent or no number."""
        text = self.management_value(last, now)
        return float(text) if text.isascii() and text.isdigit() else default

    def management_server(self, now: float) -> ManagementServerState:
        """How its ManagementServer steers it."""
        found = self.management_cache
        if found is None:
            found = management_server.read(self, now)
            if self.profile.is_steady:
                self.management_cache = found
        return found

    # Power.

    def power_on(self, now: float, delay: float = 0.0) -> float:
        """Switch on as it comes from the factory; the first contact is after ``delay`` seconds."""
        self.powered = True
        self._boot(now, now + delay, _BOOTSTRAP)
        return self.reschedule(now)

    def resume(self, now: float) -> float:
        """
        Take it up as one that has been running for days, and return when it is due.

        The ACS has had its first contact: it has nothing to tell until its periodic Inform. What
        an ACS may have set before is not known; its values are those of the factory.
        """
        self.powered = True
        shortest, longest = _UP_SECONDS
        chance = self.context.identities.fraction(self.index, "up since")
        self.booted_at = now - shortest - (longest - shortest) * chance
        self._arm(now)
        return self.reschedule(now)

    def power_off(self, now: float) -> None:
        """Switch off for good; what is pending is discarded by that rule."""
        self._lose_all("power off")
        self.powered = self.in_session = False
        self.session_due = self.periodic_due = inf
        self.reschedule(now)

    def _boot(self, up_at: float, inform_at: float, *before: EventStruct) -> None:
        self.failures = 0
        self.booted_at = self.down_until = up_at
        self.session_due = inf
        inform_at += self._boot_delay()
        for event in (*before, _BOOT):
            self.raise_event(event, inform_at)
        self._arm(inform_at)

    def _arm(self, now: float) -> None:
        """Plan what it does by itself."""
        periodic_inform.arm(self, now)
        heartbeat.arm(self, now)
        notifications.watch(self, now)

    def _boot_delay(self) -> float:
        shortest, longest = self.context.behaviors.boot_delay
        chance = self.context.identities.fraction(self.index, "boot delay") if longest else 0.0
        return shortest + (longest - shortest) * chance

    def reboot(self, now: float, *events: EventStruct) -> None:
        """Go down for a while, and come back with ``1 BOOT`` and these events."""
        self._restart(self._up_again(now))
        for event in events:
            self.raise_event(event, inf)  # with the Inform of the boot

    def power_cut(self, now: float, until: float) -> None:
        """
        Lose power until that time, and come back with ``1 BOOT``.

        For what is pending that is a reboot; a session that ran is over, and what had effect after
        it is lost or done.
        """
        if self.in_session:
            self.in_session, self.ended_at = False, now
            self.events = self.context.books.restore(self.session_events, self.events)
            self.requests = (*self.session_requests, *self.requests)
            self.session_events = self.reported_changes = ()
            self.session_requests = ()
            self._do_after_session(now)
        self._restart(until)
        self.reschedule(now)

    def _restart(self, up_at: float) -> None:
        self.events = self.context.books.reboot(self.events)
        self.accepted_at = 0.0
        self.changed = ()
        self.jobs = tuple(job for job in self.jobs if job.survives_reboot)
        diagnostics.forget(self)
        self._boot(up_at, up_at)
        transfers.restart(self)

    def factory_reset(self, now: float) -> None:
        """Go down for a while, and come back as from the factory."""
        self._lose_all("factory reset")
        self.overlay = self.management_cache = None
        up_at = self._up_again(now)
        self._boot(up_at, up_at, _BOOTSTRAP)

    def first_contact(self, why: str, now: float) -> None:
        """Between this device and this ACS: nothing was promised yet."""
        diagnostics.abort(self)
        self._lose_all(why)
        self.session_due, self.failures = inf, 0
        self.raise_event(_BOOTSTRAP, now)
        heartbeat.arm(self, now)
        notifications.watch(self, now)

    def _up_again(self, now: float) -> float:
        chance = self.context.identities.random(self.index, "reboot")
        return now + chance.uniform(*self.context.reboot_seconds)

    def _lose_all(self, why: str) -> None:
        self.context.books.clear(self.pending, why)
        self.events = self.session_events = ()
        self.jobs, self.requests, self.session_requests = (), (), ()
        if self.overlay is not None:
            self.overlay.refusals = None
        transfers.forget(self)
        self.changed = self.reported_changes = ()
        self.accepted_at = 0.0

    # Events and due times.

    @property
    def pending(self) -> Events:
        """All events that the ACS has not been told yet."""
        return self.session_events + self.events

    def raise_event(self, event: EventStruct, at: float) -> None:
        """Add an event that asks for a session at that time; ``inf``: it waits for another's."""
        self.events = self.context.books.add(self.events, event)
        self.session_due = min(self.session_due, at)

    def plan(self, job: Job) -> None:
        """Do this at its time."""
        self.jobs = with_job(self.jobs, job)

    def cancel(self, kind: str, key: str | None = None) -> None:
        """Do jobs of this kind, and key where one is given, never."""
        if self.jobs:
            self.jobs = without(self.jobs, kind, key)

    def ask(self, request: m.Request, at: float, *events: EventStruct) -> None:
        """Have a request for the ACS, in a session from that time on, announced by its event."""
        self.requests = (*self.requests, request)
        code = EVENTS_OF.get(type(request))
        for event in (*([EventStruct(code)] if code else []), *events):
            self.raise_event(event, at)
        self.session_due = min(self.session_due, at)

    def connection_request(self, now: float) -> bool:
        """
        Accept an authenticated Connection Request; ``due`` is then now, or after the session.

        Returns whether it asks for a session of its own; False when one is pending already that
        serves this request too (TR-069 3.2.2).

        Raises:
            DeviceBusy: the CPE is off, rebooting, or CWMP or its requests are switched off.
        """
        if not self.powered:
            raise DeviceBusy("powered off")
        if now < self.down_until:
            raise DeviceBusy("rebooting")
        if not self.management_server(now).enabled:
            raise DeviceBusy("CWMP is disabled")
        if not self.management_server(now).reachable:
            raise DeviceBusy("Connection Requests are disabled")
        if _CONNECTION_REQUEST in self.session_events:
            self.context.books.merge(_CONNECTION_REQUEST)
            return False
        first = _CONNECTION_REQUEST not in self.events
        if first:
            self.accepted_at = now
        self.raise_event(_CONNECTION_REQUEST, now)
        self.reschedule(now)
        return first

    def reschedule(self, now: float) -> float:
        """Set ``due`` from what is planned; never while off, in a session or disabled."""
        if not self.powered or self.in_session or not self.management_server(now).enabled:
            self.due = inf
        else:
            job_due = self.jobs[0].at if self.jobs else inf
            periodic_due = self.periodic_due + periodic_inform.jitter(self)
            first = min(self.session_due, periodic_due)  # of two: compiled that is no call
            self.due = max(min(first, job_due), self.down_until)
        return self.due

    # Sessions.

    def begin_session(self, now: float) -> CPESession | None:
        """
        The session to run now; None when nothing asks for one any more.

        A period that has passed adds one ``2 PERIODIC``; due times stay on the grid however late
        the session is (decision D6).
        """
        if self.jobs:
            self._do_jobs(now)
        if now >= self.periodic_due:
            periodic_inform.inform(self, now)
        if max(self.session_due, self.down_until) > now or not self.management_server(now).enabled:
            self.reschedule(now)
            return None
        notifications.look(self, now)
        self.in_session = True
        self.session_due = inf
        self.session_events, self.events = self.events, ()
        self.answers_connection_request = _CONNECTION_REQUEST in self.session_events
        self.reported_changes, self.changed = self.changed, ()
        self.session_requests, self.requests = self.requests, ()
        self.due = inf
        return CPESession(
            self._inform(now),
            self,
            self.session_requests,
            self._namespace(),
            check_id=self.context.check_id,
            inform_header=_HEADERS.get(self.profile.cwmp_version),
        )

    def _namespace(self) -> str:
        """That of the profile; one that has room for the events, where cwmp-1-0 has not."""
        usual = self.profile.namespace
        if usual == CWMP_1_0 and any(
            ev.is_later(event.event_code) for event in self.session_events
        ):
            return CWMP_1_2
        return usual

    def _do_jobs(self, now: float) -> None:
        while self.jobs and max(self.jobs[0].at, self.down_until) <= now:
            job, *rest = self.jobs
            self.jobs = tuple(rest)
            job.act(self, now)

    def _inform(self, now: float) -> m.Inform:
        """The Inform of the session that begins (TR-069 A.3.3.1)."""
        notifications.inform(self, now)
        return m.Inform(
            self.device_id_struct,
            self.session_events,
            1,
            self.context.date(now),
            self.failures,
            tuple(self._informed(now)),
        )

    def _informed(self, now: float) -> list[ParameterValueStruct]:
        """The ParameterList of the Inform: what it always has, then what it has to tell."""
        overlay = self.overlay
        constants = self.profile.inform_constants
        if overlay is not None and (
            overlay.rows or not overlay.values.keys().isdisjoint(constants)
        ):
            constants = dict.fromkeys(constants)
        found = [each or self._found(path, now) for path, each in constants.items()]
        added = notifications.inform_parameters(self, now)
        if self.reported_changes or added:
            more = dict.fromkeys((*self.reported_changes, *added))
            found += [self._found(path, now) for path in more if path not in constants]
        return [each for each in found if each is not None]

    def answer(self, request: m.Request, now: float) -> m.Response:
        """The response to a request of the ACS; raises FaultError (9000 for other methods)."""
        unreadable = request if isinstance(request, m.UnreadableRequest) else None
        kind = m.REQUESTS[unreadable.name] if unreadable else type(request)
        if not has_method(self, kind):
            raise FaultError(FaultCode.METHOD_NOT_SUPPORTED)
        if unreadable:
            raise FaultError(FaultCode.INVALID_ARGUMENTS, unreadable.reason)
        return METHODS[kind](self, request, now)

    def delivered(self, request: m.Request, _: float) -> None:
        """Drop the events that the good answer to this request delivers."""
        if isinstance(request, m.Inform):
            notifications.told(self)
            self.reported_changes = ()
            if _CONNECTION_REQUEST in self.session_events:
                self.accepted_at = 0.0
        self._settled(request)
        self.session_events = self.context.books.deliver(
            self.session_events, request, self.session_requests
        )

    def _settled(self, request: m.Request) -> None:
        """This request is not to be sent again."""
        if self.session_requests:
            self.session_requests = tuple(
                each for each in self.session_requests if each is not request
            )
        if self.transfers:
            transfers.told(self, request)
        if self.overlay is not None and self.overlay.refusals:
            self.overlay.refusals.pop(request, None)

    def refused(self, request: m.Request, _: float) -> None:
        """
        Repeat it in the next session, but not for ever.

        An ACS that does not know a method (GenieACS: most of them) would get it in every session.
        """
        overlay = self.ensure_overlay()
        counts = overlay.refusals = overlay.refusals or {}
        counts[request] = counts.get(request, 0) + 1
        if counts[request] >= MAX_REFUSALS:
            self._settled(request)
            self.session_events = self.context.books.refuse(
                self.session_events, request, self.session_requests
            )

    def thinking_time(self, number: int) -> float:
        """Seconds before it answers the ACS's request of this number in a session, from 1."""
        if quirks.SLOW_ANSWERS not in self.profile.quirks:
            return 0.0
        chance = self.context.identities.random(self.index, f"answer {number}")
        return chance.uniform(0.5, 3.0)

    def do_after_session(self, request: m.Request) -> None:
        """Do this (Reboot, FactoryReset) when the session is over."""
        self.after_session = (*self.after_session, request)

    def end_session(self, outcome: Outcome, now: float) -> float:
        """
        Take the end of the session and return when the CPE is due again.

        After a failure the events that are kept wait for the retry (TR-069 3.2.1.1).
        """
        self.in_session = False
        self.ended_at = now
        answers_connection_request = self.answers_connection_request
        if outcome is not Outcome.SUCCEEDED:
            self._fail()
        self.failures = 0 if outcome is Outcome.SUCCEEDED else self.failures + 1
        self.events = self.context.books.restore(self.session_events, self.events)
        if self.reported_changes:
            self.changed = tuple(dict.fromkeys((*self.reported_changes, *self.changed)))
        if self.session_requests:
            self.requests = (*self.session_requests, *self.requests)
        self.session_events = self.reported_changes = ()
        self.session_requests = ()
        # A session that was cut after its Inform is repeated too, for what the ACS had to ask;
        # not one that the ACS itself had asked for, and can again.
        if self.failures and (self.events or self.requests or not answers_connection_request):
            self.session_due = min(self.session_due, now + self._retry_wait(now))
        if self.after_session:
            self._do_after_session(now)
        return self.reschedule(now)

    def _fail(self) -> None:
        if _CONNECTION_REQUEST in self.session_events:
            self.accepted_at = 0.0
        self.session_events = self.context.books.fail(self.session_events)

    def _do_after_session(self, now: float) -> None:
        requests, self.after_session = self.after_session, ()
        for kind, act in _AFTER.items():
            for request in requests:
                if isinstance(request, kind):
                    act(self, request, now)

    def _retry_wait(self, now: float) -> float:
        """Seconds before the next attempt, by the table of TR-069 3.2.1.1."""
        least = max(1.0, self.setting("CWMPRetryMinimumWaitInterval", 5.0, now))
        factor = max(1000.0, self.setting("CWMPRetryIntervalMultiplier", 2000.0, now)) / 1000
        attempt = min(self.failures, 10)
        shortest = least * factor ** (attempt - 1)
        if quirks.RETRY_MIDPOINTS in self.profile.quirks:
            return shortest * (1 + factor) / 2
        chance = self.context.identities.random(self.index, f"retry {self.failures}")
        return chance.uniform(shortest, shortest * factor)


_AFTER: dict[type[m.Request], Callable[[CPE, Any, float], None]] = {
    m.SetParameterValues: lambda cpe, _, now: cpe.first_contact("new ACS", now),
    m.Reboot: lambda cpe, request, now: cpe.reboot(
        now, EventStruct(ev.M_REBOOT, request.command_key)
    ),
    m.FactoryReset: lambda cpe, _, now: cpe.factory_reset(now),
}
"""What has effect after a session, in the order in which the later one has the last word."""
_UP_SECONDS = (86_400.0, 30 * 86_400.0)
"""How long a device that is taken up as it runs has been up."""
_SESSION_TIMEOUT = {"session_timeout": 60}
_HEADERS: dict[str, dict[str, Any]] = {
    "1.3": _SESSION_TIMEOUT,
    "1.4": {**_SESSION_TIMEOUT, "supported_cwmp_versions": ("1.0", "1.1", "1.2", "1.3", "1.4")},
}
"""What the Inform's envelope tells an ACS of a version that has a say in it (TR-069 3.5)."""
_BOOTSTRAP = EventStruct(ev.BOOTSTRAP)
_BOOT = EventStruct(ev.BOOT)
_CONNECTION_REQUEST = EventStruct(ev.CONNECTION_REQUEST)
