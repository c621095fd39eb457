"""
What every feature of a CPE builds on: its state, and the primitives that read and change it.

A feature (notifications, transfers, diagnostics, an RPC method, ...) is a module of functions that
take a ``CPEBase``. A feature assigns none of its attributes: it calls the methods here, or returns
what is to be kept. ``caretaker.device.cpe.CPE`` stands on top and decides when a feature is called.

A million CPEs that have nothing to do must be small (decision D2): jobs, requests, events and
transfers are plain tuples, empty for nearly all CPEs, and shared.
"""

from __future__ import annotations

from abc import ABCMeta, abstractmethod
from collections.abc import Callable, Iterable
from math import inf
from typing import NamedTuple

from caretaker.cwmp import messages as m
from caretaker.cwmp.messages import DeviceIdStruct, EventStruct, ParameterValueStruct
from caretaker.data_model.model import DataModel
from caretaker.data_model.overlay import Overlay
from caretaker.data_model.parameter import Parameter
from caretaker.data_model.types import TYPES, typed
from caretaker.device import management_server
from caretaker.device.context import FleetContext
from caretaker.device.events import EVENT_OF_REQUEST, Events, are_stored
from caretaker.device.listed_devices import MANUFACTURER, OUI, PRODUCT_CLASS
from caretaker.device.management_server import ManagementServerState
from caretaker.device.transfer_record import Transfer, Transfers
from caretaker.plain_numbers import is_digits
from caretaker.profiles.profile import STEERING_PARAMETERS, Profile


class Job(NamedTuple):
    """
    Something that a CPE does at a time of its own.

    Args:
        at: the due time.
        kind: finds the job again: ``schedule inform``, ``transfer``, ``diagnostic``, ...
        key: tells jobs of one kind apart: a CommandKey or a path.
        act: called with the CPE and the time, outside of any session.
        survives_reboot: whether a reboot keeps the job; a factory reset or a new ACS never does.
    """

    at: float
    kind: str
    key: str
    act: Callable[[CPEBase, float], None]
    survives_reboot: bool = True


Jobs = tuple[Job, ...]


def jitter_of(period: float) -> str:
    """
    Purpose of the random number for the jitter of a periodic Inform.

    It is the same for all CPEs in an interval, so that many can have theirs at once.

    Args:
        period: how many whole intervals there are before the planned time.
    """
    return f"jitter {period:.0f}"


class CPEBase(metaclass=ABCMeta):  # not ABC: findings/mypyc-abc-base.sh
    """
    The state of one CPE of the fleet.

    Args:
        index: of the CPE in the fleet; the identities of the context make its serial number,
            credentials and addresses of the index.
        profile: the kind of device.
        context: settings and counters that the CPEs of a worker share.
    """

    __slots__ = (
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
        """What differs from the model of the profile; None while nothing does."""
        self.events: Events = ()
        """Events of the next Inform."""
        self.session_events: Events = ()
        """Events of the running session's Inform that are not delivered yet."""
        self.changed: tuple[str, ...] = ()
        """Parameters that the next ``4 VALUE CHANGE`` reports."""
        self.reported_changes: tuple[str, ...] = ()
        """Parameters that the running session's ``4 VALUE CHANGE`` reports."""
        self.after_session: tuple[m.Request, ...] = ()
        """Requests with effect after the session: Reboot, FactoryReset, a new URL of the ACS."""
        self.jobs: Jobs = ()
        """The jobs of the CPE, earliest first; those of the same time in the order planned."""
        self.requests: tuple[m.Request, ...] = ()
        """Requests that the CPE has for the ACS, in this order."""
        self.session_requests: tuple[m.Request, ...] = ()
        """Requests of the running session that are not answered yet."""
        self.transfers: Transfers = ()
        """Transfers whose TransferComplete the ACS has not answered yet."""
        self.powered = False
        self.answers_connection_request = False
        """Whether the running session answers a Connection Request."""
        self.in_session = False
        self.failures = 0
        """Sessions that have failed since the last good one."""
        self.booted_at = 0.0
        self.ended_at = -inf
        """The end of the last session."""
        self.down_until = 0.0
        """The end of the reboot."""
        self.session_due = inf
        """When a session must begin for pending events, or after a failure."""
        self.periodic_due = inf
        """When the next periodic Inform is planned, without its jitter."""
        self.due = inf
        """When the CPE must be given the time; ``inf``: nothing is planned, or a session runs."""
        self.management_cache: ManagementServerState | None = None
        """The last state of ``management_server``; None when it must be read again."""

    # What the CPE itself adds.

    @abstractmethod
    def computed_value(self, parameter: Parameter, now: float) -> str:
        """The value of a parameter with a ``source``, computed for this CPE."""

    @abstractmethod
    def set_values(self, values: Iterable[tuple[str, str]], now: float) -> bool:
        """Set parameters, with what follows from that; see ``CPE.set_values``."""

    @abstractmethod
    def change(self, path: str, value: str, now: float) -> float:
        """Change a parameter by something other than the ACS; see ``CPE.change``."""

    @abstractmethod
    def reboot(self, now: float, *events: EventStruct) -> None:
        """Reboot, and come back with ``1 BOOT`` and these events; see ``CPE.reboot``."""

    # Identity.

    @property
    def serial_number(self) -> str:
        """The serial number, by which ACS and Connection Requests name the CPE."""
        return self.context.serial_number(self.index)

    @property
    def url_name(self) -> str:
        """
        What the ConnectionRequestURL calls the CPE.

        It follows from the index, so that a router finds the CPE without a list of devices.
        """
        return self.context.identities.serial_number(self.index)

    def listed(self, column: str) -> str:
        """What the list of devices has for the CPE; empty if it has nothing, or there is none."""
        devices = self.context.devices
        return "" if devices is None else devices.text(self.index, column)

    @property
    def device_id_struct(self) -> DeviceIdStruct:
        """The DeviceId of an Inform: equal to the parameters of DeviceInfo (A.3.3.1)."""
        kind = self.profile
        values = self.overlay.values if self.overlay is not None else None
        number = self.context.serial_number(self.index)
        usual = DeviceIdStruct(kind.manufacturer, kind.oui, kind.product_class, number)
        if self.context.devices is not None:
            usual = self._listed_id(usual)
        if values is None or values.keys().isdisjoint(kind.name_paths):
            return usual
        names = zip(kind.name_paths, usual, strict=True)
        manufacturer, oui, product_class, serial = (values.get(path, name) for path, name in names)
        return DeviceIdStruct(manufacturer, oui, product_class, serial or number)

    def _listed_id(self, usual: DeviceIdStruct) -> DeviceIdStruct:
        return DeviceIdStruct(
            self.listed(MANUFACTURER) or usual.manufacturer,
            self.listed(OUI) or usual.oui,
            self.listed(PRODUCT_CLASS) or usual.product_class,
            usual.serial_number,
        )

    # Values.

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
        if parameter is None:
            return ""
        return self.computed_value(parameter, now) if parameter.source else parameter.value

    def value_of(self, path: str, parameter: Parameter, now: float) -> str:
        """As ``value``, of a parameter that was looked up."""
        overlay = self.overlay
        if overlay is not None:
            own = overlay.values.get(path)
            if own is not None:
                return own
        return self.computed_value(parameter, now) if parameter.source else parameter.value

    def read(self, path: str, now: float) -> ParameterValueStruct:
        """A parameter that is there, as GetParameterValues gives it: hidden ones are null."""
        struct = self.find(path, now)
        assert struct is not None
        return struct

    def find(self, path: str, now: float) -> ParameterValueStruct | None:
        """As ``read``; None if there is no such parameter."""
        overlay = self.overlay
        value = overlay.values.get(path) if overlay is not None else None
        if value is None and (overlay is None or overlay.rows is None):
            constant = self.profile.model.constants.get(path)
            if constant is not None:
                return constant
        parameter = self.profile.model.parameter(path, overlay)
        if parameter is None:
            return None
        if parameter.hidden:
            value = TYPES[parameter.type].null
        elif value is None:
            value = self.computed_value(parameter, now) if parameter.source else parameter.value
        return typed(path, value, parameter.type)

    def ensure_overlay(self) -> Overlay:
        """The overlay, to change something in it; made if there was none."""
        self.mark_unsaved()
        if self.overlay is None:
            self.overlay = Overlay()
        return self.overlay

    def mark_unsaved(self) -> None:
        """Note that what outlives power (``PersistentState``) has changed, or may have."""
        unsaved = self.context.unsaved
        if unsaved is not None:
            unsaved.add(self.index)

    def mark_reach(self) -> None:
        """Note that parameters on the ways of Connection Requests may have changed."""
        for changed in self.context.reach_watchers:
            changed.add(self.index)

    # The object ManagementServer.

    def management_value(self, last: str, now: float) -> str:
        """The value of a parameter of ManagementServer; empty if it has none of that name."""
        return self.value(self.profile.management_paths[last], now)

    def setting(self, last: str, default: float, now: float) -> float:
        """A number of ManagementServer; the default where it is absent or no number."""
        text = self.management_value(last, now)
        return float(text) if is_digits(text) else default

    def management_server(self, now: float) -> ManagementServerState:
        """Whether, when and where the CPE informs, by its parameters of ManagementServer."""
        state = self.management_cache
        if state is None:
            state = management_server.state_of(
                tuple([self.management_value(last, now) for last in STEERING_PARAMETERS]),
                inform_periodically=self.context.behaviors.periodic_inform,
            )
            if self.profile.is_steady:
                self.management_cache = state
        return state

    def acs_url(self, now: float) -> str:
        """The URL that Informs go to; the ACS can change it."""
        return self.management_server(now).url

    # Events, requests, jobs.

    @property
    def pending(self) -> Events:
        """All events that are not delivered yet."""
        return self.session_events + self.events

    def raise_event(self, event: EventStruct, at: float) -> None:
        """Add an event and plan a session at that time; ``inf``: with the next session there is."""
        context = self.context
        if context.unsaved is not None and are_stored((event,)):
            context.unsaved.add(self.index)
        self.events = context.books.add(self.events, event)
        self.session_due = min(self.session_due, at)

    def add_changed(self, path: str) -> None:
        """Have the next ``4 VALUE CHANGE`` report this parameter."""
        if path not in self.changed:
            self.changed = (*self.changed, path)

    def ask(self, request: m.Request, at: float, *events: EventStruct) -> None:
        """Send the ACS a request in a session from that time on, announced by its events."""
        self.keep_request(request)
        code = EVENT_OF_REQUEST.get(type(request))
        for event in (*([EventStruct(code)] if code else []), *events):
            self.raise_event(event, at)
        self.session_due = min(self.session_due, at)

    def keep_request(self, request: m.Request) -> None:
        """Send the ACS a request in the next session there is; no event announces it."""
        self.mark_unsaved()
        self.requests = (*self.requests, request)

    def do_after_session(self, request: m.Request) -> None:
        """Let a request of the ACS (Reboot, FactoryReset) have its effect after the session."""
        self.mark_unsaved()
        self.after_session = (*self.after_session, request)

    def plan(self, job: Job) -> None:
        """Have a job done at its due time."""
        if job.survives_reboot:
            self.mark_unsaved()
        self.jobs = tuple(sorted((*self.jobs, job), key=lambda planned: planned.at))

    def cancel(self, kind: str, key: str | None = None) -> None:
        """Remove the jobs of a kind; with a key, only those of that key."""
        if self.jobs:
            self.jobs = tuple(
                job for job in self.jobs if job.kind != kind or key not in (None, job.key)
            )

    # Transfers.

    def keep_transfer(self, transfer: Transfer) -> None:
        """Keep a transfer, in the place of the one with the same number if there is one."""
        self.mark_unsaved()
        by_number = {other.number: other for other in self.transfers}
        self.transfers = tuple({**by_number, transfer.number: transfer}.values())

    def drop_transfer(self, transfer: Transfer) -> None:
        """Remove a transfer that is over or cancelled."""
        self.mark_unsaved()
        self.transfers = tuple(other for other in self.transfers if other is not transfer)

    # Due times.

    def reschedule(self, now: float) -> float:
        """Set ``due`` from what is planned; ``inf`` while off, in a session or disabled."""
        if not self.powered or self.in_session or not self.management_server(now).enabled:
            self.due = inf
        else:
            job_due = self.jobs[0].at if self.jobs else inf
            periodic_due = self.periodic_due
            if self.context.behaviors.inform_jitter and periodic_due < inf:
                periodic_due += self._jitter()
            first = min(self.session_due, periodic_due)  # min of two: compiled this is no call
            self.due = max(min(first, job_due), self.down_until)
        return self.due

    def _jitter(self) -> float:
        """Seconds by which the next periodic Inform is late on purpose; less than an interval."""
        due, most = self.periodic_due, self.context.behaviors.inform_jitter
        interval = self.management_server(due).interval
        share = self.context.identities.fraction(self.index, jitter_of(due // interval))
        return min(most, interval) * share
