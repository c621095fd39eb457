"""
One CPE over time: its power, its sessions and what happens between them (TR-069 3.2, 3.7).

A CPE owns no greenlet, socket or timer (decision D2). Its caller gives it the time: the CPE returns
when it is due, begins a session at that time, and takes the outcome of the session::

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
from typing import Any

from caretaker.cwmp import decode
from caretaker.cwmp import messages as m
from caretaker.cwmp.faults import FaultCode
from caretaker.cwmp.messages import EventStruct
from caretaker.cwmp.outcome import Outcome
from caretaker.cwmp.session import CPESession
from caretaker.data_model.parameter import Parameter
from caretaker.data_model.types import TYPES, cleaned
from caretaker.device import (
    diagnostics,
    heartbeat,
    inform,
    notifications,
    periodic_inform,
    retry,
    transfers,
    up_time,
)
from caretaker.device import events as ev
from caretaker.device.accepted_requests import DELIVERED, DROPPED
from caretaker.device.base import CPEBase
from caretaker.device.rpc.methods import METHODS, has_method
from caretaker.device.value_sources import SOURCES
from caretaker.errors import DeviceBusy, FaultError
from caretaker.profiles import quirks
from caretaker.way import Way

MAX_REFUSALS = 5
"""Faults of the ACS to a request after which the CPE gives the request up."""
_BOOTSTRAP = EventStruct(ev.BOOTSTRAP)
_BOOT = EventStruct(ev.BOOT)
_PERIODIC = EventStruct(ev.PERIODIC)
_CONNECTION_REQUEST = EventStruct(ev.CONNECTION_REQUEST)


class CPE(CPEBase):
    """One device of the fleet; see ``CPEBase`` for its arguments and attributes."""

    __slots__ = ()

    # Values.

    def computed_value(self, parameter: Parameter, now: float) -> str:
        """The value of a parameter with a ``source``, computed for this CPE."""
        return SOURCES[parameter.source](self, parameter, now)

    def set_values(self, values: Iterable[tuple[str, str]], now: float) -> bool:
        """
        Set parameters, and plan anew the periodic Informs and heartbeats that they change.

        Returns whether the URL of the ACS is another now, which has effect after the session.
        """
        before, start = self.management_server(now), periodic_inform.start(self)
        beat = heartbeat.policy(self, now)
        for path, value in values:
            if value or self.value(path, now):  # most ParameterKeys are empty, and stay so
                self.ensure_overlay().values[intern(path)] = value
        self.management_cache = None
        self.mark_reach()
        after = self.management_server(now)
        # Equal values set again leave the phase alone.
        if (after.rhythm, periodic_inform.start(self)) != (before.rhythm, start):
            self.periodic_due = periodic_inform.first_due(self, now)
        if heartbeat.policy(self, now) != beat:
            heartbeat.arm(self, now)
        return after.url != before.url

    def change(self, path: str, value: str, now: float) -> float:
        """
        Change a parameter by something other than the ACS (TR-069 3.2.1) and return when due.

        With notification on, ``4 VALUE CHANGE`` follows: passive, in the next Inform; active, in a
        session now. A change of the identity makes the CPE another device for the ACS, so
        ``0 BOOTSTRAP`` follows.

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
                self.bootstrap_again("new ACS", now)
            if path in self.profile.name_paths[1:]:  # an ACS ignores the manufacturer
                self.bootstrap_again("another device", now)
            notifications.notify(self, path, now)
        return self.reschedule(now)

    # Power.

    def power_on(self, now: float, delay: float = 0.0) -> float:
        """Switch on as it comes from the factory; the first contact is after ``delay`` seconds."""
        self.powered = True
        self._boot(now, now + delay, _BOOTSTRAP)
        return self.reschedule(now)

    def resume(self, now: float) -> float:
        """
        Start as a device that has been running for days, and return when it is due.

        The ACS has had its first contact, so no event is pending before the periodic Inform. The
        values are those of the factory: what an ACS may have set before is not known.
        """
        self.powered = True
        self.booted_at = up_time.resumed_since(self, now)
        self._arm(now)
        return self.reschedule(now)

    def power_off(self, now: float) -> None:
        """Switch off for good; pending events are discarded."""
        self.mark_reach()
        self._forget_ram()
        self._drop_pending("power off")
        self.powered = self.in_session = False
        self.session_due = self.periodic_due = inf
        self.reschedule(now)

    def power_cut(self, now: float, until: float) -> None:
        """
        Lose power until that time, and come back with ``1 BOOT``.

        Pending events fare as in a reboot. A running session is over, and requests that have
        their effect after it have that now.
        """
        if self.in_session:
            self.in_session, self.ended_at = False, now
            self._take_back_session()
        self._do_after_session(now)
        self._restart(until)
        self.reschedule(now)

    def reboot(self, now: float, *events: EventStruct) -> None:
        """Go down for a while, and come back with ``1 BOOT`` and these events."""
        self._restart(self._up_again(now))
        for event in events:
            self.raise_event(event, inf)  # with the Inform of the boot

    def factory_reset(self, now: float) -> None:
        """Go down for a while, and come back as from the factory."""
        self._drop_pending("factory reset")
        self.overlay = self.management_cache = None
        up_at = self._up_again(now)
        self._boot(up_at, up_at, _BOOTSTRAP)

    def bootstrap_again(self, why: str, now: float) -> None:
        """Drop everything pending and raise ``0 BOOTSTRAP``, as at first contact with an ACS."""
        diagnostics.abort(self)
        self._drop_pending(why)
        self.session_due, self.failures = inf, 0
        self.raise_event(_BOOTSTRAP, now)
        heartbeat.arm(self, now)
        notifications.observe(self, now)

    def _boot(self, up_at: float, inform_at: float, *before: EventStruct) -> None:
        self.failures = 0
        self._forget_ram()
        self.booted_at = self.down_until = up_at
        self.session_due = inf
        shortest, longest = self.context.behaviors.boot_delay
        share = self.context.identities.fraction(self.index, up_time.BOOT_DELAY) if longest else 0.0
        inform_at += shortest + (longest - shortest) * share
        for event in (*before, _BOOT):
            self.raise_event(event, inform_at)
        self._arm(inform_at)

    def _forget_ram(self) -> None:
        if self.context.on_restart is not None:
            self.context.on_restart(self.index)

    def _arm(self, now: float) -> None:
        """Plan what the CPE does by itself."""
        self.mark_reach()
        self.periodic_due = periodic_inform.first_due(self, now)
        heartbeat.arm(self, now)
        notifications.observe(self, now)

    def _restart(self, up_at: float) -> None:
        self.mark_unsaved()
        self.events = self.context.books.reboot(self.events)
        self.context.accepted.end(self.index, DROPPED)
        self.changed = ()
        self.jobs = tuple(job for job in self.jobs if job.survives_reboot)
        diagnostics.clear(self)
        self._boot(up_at, up_at)
        transfers.restart(self)

    def _up_again(self, now: float) -> float:
        rng = self.context.identities.random(self.index, "reboot")
        return now + rng.uniform(*self.context.reboot_seconds)

    def _drop_pending(self, why: str) -> None:
        self.mark_unsaved()
        self.context.books.clear(self.pending, why)
        self.events = self.session_events = ()
        self.jobs, self.requests, self.session_requests = (), (), ()
        if self.overlay is not None:
            self.overlay.refusals = None
        transfers.drop_all(self)
        self.changed = self.reported_changes = ()
        self.context.accepted.end(self.index, DROPPED)

    # Periodic Informs and Connection Requests.

    def _raise_periodic(self, now: float) -> None:
        """Raise one ``2 PERIODIC``, however many periods have passed."""
        planned = self.periodic_due
        self.periodic_due = periodic_inform.following_due(self, now)
        # In a retry wait the event joins those of the retry, which keeps its own time.
        waiting = self.failures > 0 and self.session_due < inf
        self.raise_event(_PERIODIC, inf if waiting else planned)

    def connection_request(self, now: float, way: Way = Way.HTTP) -> bool:
        """
        Accept an authenticated Connection Request; ``due`` is then now, or after the session.

        Args:
            now: the present time.
            way: that the request came by.

        Returns whether it asks for a session of its own; False when a pending one serves this
        request, too (TR-069 3.2.2).

        Raises:
            DeviceBusy: the CPE is off, rebooting, or CWMP or its requests are switched off.
        """
        if not self.powered:
            raise DeviceBusy("powered off")
        if now < self.down_until:
            raise DeviceBusy("rebooting")
        if not self.management_server(now).enabled:
            raise DeviceBusy("CWMP is disabled")
        if way is Way.HTTP and not self.management_server(now).reachable:
            raise DeviceBusy("Connection Requests are disabled")
        accepted = self.context.accepted
        is_first = accepted.add(self.index, way, now)
        if _CONNECTION_REQUEST in self.session_events:
            self.context.books.coalesce(_CONNECTION_REQUEST)
            return False
        self.raise_event(_CONNECTION_REQUEST, now)
        if _CONNECTION_REQUEST not in self.events:  # no Inform carries more events
            accepted.end(self.index, DROPPED)
        self.reschedule(now)
        return is_first

    # Sessions.

    def begin_session(self, now: float) -> CPESession | None:
        """The session to run now; None when nothing asks for one any more."""
        return self.cwmp_session(now) if self.open_session(now) else None

    def open_session(self, now: float) -> bool:
        """
        Begin a session, and leave it to others what is said in it: ``cwmp_session`` knows.

        Returns False when nothing asks for a session any more.

        A period that has passed adds one ``2 PERIODIC``; due times stay on the grid however late
        the session is (decision D6).
        """
        if self.jobs:
            self._do_jobs(now)
        if now >= self.periodic_due:
            self._raise_periodic(now)
        if max(self.session_due, self.down_until) > now or not self.management_server(now).enabled:
            self.reschedule(now)
            return False
        notifications.raise_changes(self, now)
        self.in_session = True
        self.session_due = inf
        self.session_events, self.events = self.events, ()
        self.answers_connection_request = _CONNECTION_REQUEST in self.session_events
        self.reported_changes, self.changed = self.changed, ()
        self.session_requests, self.requests = self.requests, ()
        self.due = inf
        notifications.begin_inform(self, now)
        return True

    def cwmp_session(self, began: float, sent: bytes = b"") -> CPESession:
        """
        What is said in the session that runs.

        Args:
            began: when ``open_session`` was called.
            sent: the Inform, if it was POSTed before: repeated, it says the same, whatever the CPE
                is like by then.
        """
        if not sent:
            return self._session(inform.inform_message(self, began))
        message = decode(sent).message
        assert isinstance(message, m.Inform)
        return self._session(message)

    def informed_session(self) -> CPESession:
        """As ``cwmp_session``, once the ACS has accepted the Inform and the CPE has no requests."""
        session = self._session(None)
        session.skip_inform()
        return session

    def _session(self, message: m.Inform | None) -> CPESession:
        return CPESession(
            message,
            self,
            self.session_requests,
            inform.namespace(self),
            check_id=self.context.check_id,
            inform_header=inform.HEADERS.get(self.profile.cwmp_version),
        )

    def _do_jobs(self, now: float) -> None:
        while self.jobs and max(self.jobs[0].at, self.down_until) <= now:
            job, *rest = self.jobs
            self.jobs = tuple(rest)
            if job.survives_reboot:
                self.mark_unsaved()
            job.act(self, now)

    def answer(self, request: m.Request, now: float) -> m.Response:
        """The response to a request of the ACS; raises FaultError (9000 for other methods)."""
        unreadable = request if isinstance(request, m.UnreadableRequest) else None
        kind = m.REQUESTS[unreadable.name] if unreadable else type(request)
        if not has_method(self, kind):
            raise FaultError(FaultCode.METHOD_NOT_SUPPORTED)
        if unreadable:
            raise FaultError(FaultCode.INVALID_ARGUMENTS, unreadable.reason)
        return METHODS[kind](self, request, now)

    def thinking_time(self, number: int) -> float:
        """Seconds before the answer to the ACS's request of this number in a session, from 1."""
        if quirks.SLOW_ANSWERS not in self.profile.quirks:
            return 0.0
        return self.context.identities.random(self.index, f"answer {number}").uniform(0.5, 3.0)

    def delivered(self, request: m.Request, _: float) -> None:
        """Drop the events that the good answer to this request delivers."""
        if isinstance(request, m.Inform):
            self.inform_delivered()
            return
        self._settle(request)
        self.session_events = self.context.books.deliver(
            self.session_events, request, self.session_requests
        )

    def inform_delivered(self) -> None:
        """As ``delivered``, of the Inform."""
        notifications.inform_delivered(self)
        self.reported_changes = ()
        if _CONNECTION_REQUEST in self.session_events:
            self.context.accepted.end(self.index, DELIVERED)
        if ev.are_stored(self.session_events):
            self.mark_unsaved()
        self.session_events = self.context.books.deliver_inform(self.session_events)

    def refused(self, request: m.Request, _: float) -> None:
        """
        Repeat a request in the next session, at most ``MAX_REFUSALS`` times.

        An ACS that does not know a method (GenieACS: most of them) would get it in every session.
        """
        overlay = self.ensure_overlay()
        counts = overlay.refusals = overlay.refusals or {}
        counts[request] = counts.get(request, 0) + 1
        if counts[request] >= MAX_REFUSALS:
            self._settle(request)
            self.session_events = self.context.books.refuse(
                self.session_events, request, self.session_requests
            )

    def _settle(self, request: m.Request) -> None:
        """Drop a request that is not to be sent again."""
        if self.session_requests:
            self.mark_unsaved()
            self.session_requests = tuple(
                waiting for waiting in self.session_requests if waiting is not request
            )
        if self.transfers:
            transfers.settle(self, request)
        if self.overlay is not None and self.overlay.refusals:
            self.overlay.refusals.pop(request, None)

    def end_session(self, outcome: Outcome, now: float) -> float:
        """
        Take the end of the session and return when the CPE is due again.

        After a failure the events that are kept wait for the retry (TR-069 3.2.1.1).
        """
        self.in_session = False
        self.ended_at = now
        if self.failures or outcome is not Outcome.SUCCEEDED:
            self.mark_unsaved()  # events of failed sessions wait, and those that waited are told
        if outcome is Outcome.SUCCEEDED:
            self.failures = 0
        else:
            self.failures += 1
            if _CONNECTION_REQUEST in self.session_events:
                self.context.accepted.end(self.index, DROPPED)
            self.session_events = self.context.books.fail(self.session_events)
        if self.reported_changes:
            self.changed = tuple(dict.fromkeys((*self.reported_changes, *self.changed)))
        self._take_back_session()
        # A session that was cut after its Inform is repeated, too, for the requests of the ACS;
        # unless the ACS itself had asked for the session, and can do so again.
        if self.failures and (self.events or self.requests or not self.answers_connection_request):
            self.session_due = min(self.session_due, now + retry.wait_seconds(self, now))
        if self.after_session:
            self._do_after_session(now)
        return self.reschedule(now)

    def _take_back_session(self) -> None:
        """Make events and requests that the session has not settled pending again."""
        if self.session_events:
            self.events = self.context.books.restore(self.session_events, self.events)
        if self.session_requests:
            self.requests = (*self.session_requests, *self.requests)
        self.session_events = self.reported_changes = ()
        self.session_requests = ()

    def _do_after_session(self, now: float) -> None:
        requests, self.after_session = self.after_session, ()
        for kind, act in _AFTER_SESSION.items():
            for request in requests:
                if isinstance(request, kind):
                    act(self, request, now)


_AFTER_SESSION: dict[type[m.Request], Callable[[CPE, Any, float], None]] = {
    m.SetParameterValues: lambda cpe, _, now: cpe.bootstrap_again("new ACS", now),
    m.Reboot: lambda cpe, request, now: cpe.reboot(
        now, EventStruct(ev.M_REBOOT, request.command_key)
    ),
    m.FactoryReset: lambda cpe, _, now: cpe.factory_reset(now),
}
"""The effects after a session, in this order: a later one overrides those before it."""
