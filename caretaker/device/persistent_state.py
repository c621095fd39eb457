"""
What outlives the power of a CPE, as one record: all that a device keeps in its flash.

``state_of`` takes the record of a CPE, also while a session runs; ``restore`` gives it to a CPE of
the same index that has had no power yet. Then ``CPE.power_cut`` brings it back as after a power
cut. What a boot ends or computes anew (diagnostics, heartbeats, the phase of periodic Informs) is
not in the record. Times of the record are seconds since 1970, so that it outlives the clock, too.

Bytes begin with ``VERSION``. msgpack and zlib follow, which has its own checksum and begins with a
dictionary of what nearly all records contain, so that most of them have less than 200 bytes.
"""

from __future__ import annotations

import zlib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from math import inf
from sys import intern
from typing import Any, NamedTuple, TypeVar

import msgpack

from caretaker.cwmp import messages as m
from caretaker.cwmp.messages import EventStruct
from caretaker.data_model.overlay import Overlay
from caretaker.data_model.overlay_records import Attributes, DeploymentUnit, RowChanges
from caretaker.device import events as ev
from caretaker.device import scheduled_informs, transfers
from caretaker.device.base import CPEBase
from caretaker.device.diagnostics import RESULT_TABLES
from caretaker.device.plain_data import PlainCodec, plain_codec
from caretaker.device.rpc import deployment_units
from caretaker.device.rpc.deployment_units import StateChange
from caretaker.device.scheduled_informs import ScheduledInform
from caretaker.device.transfer_record import Transfer
from caretaker.errors import StateError

VERSION = 1
"""Of the bytes; it changes with the fields of any record in them and with ``DICTIONARY``."""
MAX_BYTES = 64 * 1024 * 1024
"""The most bytes that a record may have before compression; a bound against broken ones."""

_COMMON = """
Download Upload ScheduleDownload ChangeDUState InstallOpStruct UpdateOpStruct UninstallOpStruct
AutonomousTransferComplete DUStateChangeComplete TransferComplete Reboot FactoryReset
0 BOOTSTRAP 2 PERIODIC 3 SCHEDULED 7 TRANSFER COMPLETE M Download M Reboot M ScheduleInform
1 Firmware Upgrade Image 3 Vendor Configuration File Subscriber true false http://
Device.WiFi.SSID.1.SSID Device.WiFi.AccessPoint.1.Security.KeyPassphrase Enable NumberOfEntries
InternetGatewayDevice.LANDevice.1.WLANConfiguration.1.KeyPassphrase PreSharedKey Alias Status
InternetGatewayDevice.WANDevice.1.WANConnectionDevice.1.WANPPPConnection.1.PortMapping.
InternetGatewayDevice.DeviceInfo.SoftwareVersion Device.DeviceInfo.ProvisioningCode
CWMPRetryMinimumWaitInterval Username Password URL PeriodicInformTime 0001-01-01T00:00:00Z
ParameterKey
InternetGatewayDevice.ManagementServer.PeriodicInformEnable
InternetGatewayDevice.ManagementServer.PeriodicInformInterval
InternetGatewayDevice.ManagementServer.ConnectionRequestUsername
InternetGatewayDevice.ManagementServer.ConnectionRequestPassword
Device.ManagementServer.PeriodicInformEnable Device.ManagementServer.PeriodicInformInterval
Device.ManagementServer.ConnectionRequestUsername
Device.ManagementServer.ConnectionRequestPassword
"""
_Kind = TypeVar("_Kind")
DICTIONARY = " ".join(_COMMON.split("\n")).encode()
"""What zlib knows before the first byte of a record."""
_WINDOW_BITS, _MEMORY_LEVEL = 12, 4
"""A window as long as most records, and little memory, which zlib clears each time."""


class StoredTransfer(NamedTuple):
    """
    A transfer that is not over.

    Args:
        transfer: without its completion.
        start: when it will start; None if it has started before.
        completion: the place of its TransferComplete among the requests; None before its end.
    """

    transfer: Transfer
    start: float | None = None
    completion: int | None = None


@dataclass(frozen=True, slots=True)
class PersistentState:
    """
    What outlives the power of a CPE.

    Args:
        values: of parameters that differ from the model: set by the ACS, or changed since.
        events: not delivered yet; without those that a reboot drops.
        attributes: that the ACS has set.
        rows: added and deleted.
        units: deployment units by their number; None: those from the factory.
        last_reported: values of observed parameters that the ACS knows.
        requests: that the CPE has for the ACS.
        refusals: how often the ACS has answered each of the requests with a fault.
        transfers: whose TransferComplete the ACS has not answered.
        scheduled_informs: that are not due yet.
        state_changes: ChangeDUStates that are not done yet.
        after_session: requests that have their effect when power is back: Reboot, FactoryReset, a
            new URL of the ACS.
    """

    values: Mapping[str, str]
    events: tuple[EventStruct, ...] = ()
    attributes: Mapping[str, Attributes] | None = None
    rows: RowChanges | None = None
    units: Mapping[int, DeploymentUnit] | None = None
    last_reported: Mapping[str, str] | None = None
    requests: tuple[m.Request, ...] = ()
    refusals: tuple[int, ...] = ()
    transfers: tuple[StoredTransfer, ...] = ()
    scheduled_informs: tuple[ScheduledInform, ...] = ()
    state_changes: tuple[StateChange, ...] = ()
    after_session: tuple[m.Request, ...] = ()

    def to_bytes(self) -> bytes:
        """The record for a file or a message."""
        plain = msgpack.packb(_codec().write(self), unicode_errors=_SURROGATES)
        packer = zlib.compressobj(1, zlib.DEFLATED, _WINDOW_BITS, _MEMORY_LEVEL, zdict=DICTIONARY)
        return bytes((VERSION,)) + packer.compress(plain) + packer.flush()

    @staticmethod
    def from_bytes(stored: bytes) -> PersistentState:
        """
        What ``to_bytes`` made.

        Raises:
            StateError: the bytes are broken, or those of another version.
        """
        if stored[:1] != bytes((VERSION,)):
            version = stored[0] if stored else "none"
            raise StateError(f"the state of a CPE has version {version}, not {VERSION}")
        try:
            unpacker = zlib.decompressobj(_WINDOW_BITS, zdict=DICTIONARY)
            plain = unpacker.decompress(stored[1:], MAX_BYTES)
            if not unpacker.eof or unpacker.unused_data:
                raise StateError("the state of a CPE is cut short, or too long")
            data = msgpack.unpackb(plain, strict_map_key=False, unicode_errors=_SURROGATES)
            state: PersistentState = _codec().read(data)
            state.completions()
        except _BROKEN as error:
            raise StateError(f"the state of a CPE is broken: {error}") from error
        return state

    def completions(self) -> tuple[m.TransferComplete | None, ...]:
        """The TransferComplete of each transfer, which is one of the requests."""
        found = []
        for transfer in self.transfers:
            place = transfer.completion
            request = None if place is None else dict(enumerate(self.requests))[place]
            if not isinstance(request, m.TransferComplete | None):
                raise TypeError("the completion of a transfer is another request")
            found.append(request)
        return tuple(found)


def _codec() -> PlainCodec:
    kind: Any = PersistentState
    return plain_codec(kind)


_SURROGATES = "surrogatepass"
_BROKEN = (zlib.error, ValueError, TypeError, LookupError, RecursionError)
"""What broken bytes raise; msgpack's errors are ValueErrors."""


# -- taking it ------------------------------------------------------------------------------------


def state_of(cpe: CPEBase) -> PersistentState:
    """What outlives the power of a CPE, if it lost it now."""
    overlay, offset = cpe.overlay or Overlay(), cpe.context.wall_offset
    requests = (*cpe.session_requests, *cpe.requests)
    refusals = overlay.refusals or {}
    return PersistentState(
        _without_results(overlay.values),
        tuple(_events(cpe)),
        _without_results(overlay.attributes) if overlay.attributes else None,
        _rows(overlay),
        dict(overlay.units) if overlay.units is not None else None,
        dict(overlay.last_reported) if overlay.last_reported else None,
        requests,
        tuple([refusals.get(request, 0) for request in requests]) if refusals else (),
        tuple([_stored(cpe, transfer, requests) for transfer in cpe.transfers]),
        tuple([each._replace(at=each.at + offset) for each in scheduled_informs.pending(cpe)]),
        tuple([_moved(change, offset) for change in deployment_units.state_changes(cpe)]),
        tuple(map(_effect, cpe.after_session)),
    )


def _without_results(by_path: Mapping[str, _Kind]) -> dict[str, _Kind]:
    """The entries but for those in results of diagnostics, which a reboot removes."""
    return {path: each for path, each in by_path.items() if not path.startswith(RESULT_TABLES)}


def _rows(overlay: Overlay) -> RowChanges | None:
    if overlay.rows is None:
        return None
    changes = overlay.rows.changes()
    added = tuple([row for row in changes.added if not row.path.startswith(RESULT_TABLES)])
    return changes._replace(added=added)


def _events(cpe: CPEBase) -> Iterator[EventStruct]:
    """The pending events that a reboot keeps; one of each code that can't be pending twice."""
    seen = set()
    for event in cpe.pending:
        rule = ev.rule(event.event_code)
        if rule.survives_reboot and (rule.multiple or event.event_code not in seen):
            seen.add(event.event_code)
            yield event


def _stored(
    cpe: CPEBase, transfer: Transfer, requests: tuple[m.Request, ...]
) -> StoredTransfer:  # fmt: skip
    offset, start = cpe.context.wall_offset, transfers.start_time(cpe, transfer)
    places = (place for place, each in enumerate(requests) if each is transfer.completion)
    return StoredTransfer(
        _at(transfer._replace(completion=None), offset),
        None if start is None else start + offset,
        next(places, None),
    )


def _at(transfer: Transfer, offset: float) -> Transfer:
    """A transfer with its times on another clock."""
    started = transfer.started
    return transfer._replace(
        received=transfer.received + offset, started=None if started is None else started + offset
    )


def _moved(change: StateChange, offset: float) -> StateChange:
    return StateChange(change.request, tuple([time + offset for time in change.times]))


def _effect(request: m.Request) -> m.Request:
    """A request with effect after the session; the values that one has set are there already."""
    return m.SetParameterValues(()) if isinstance(request, m.SetParameterValues) else request


# -- giving it back -------------------------------------------------------------------------------


def restore(cpe: CPEBase, state: PersistentState, *, acs_is_new: bool = False) -> None:
    """
    Give a CPE that has had no power yet what an earlier life of it has left.

    What its data model does not have any more is left out.

    Args:
        cpe: the CPE.
        state: what the earlier life has left.
        acs_is_new: whether the fleet has another ACS now. A CPE that no ACS has given a URL drops
            what is pending then, and raises ``0 BOOTSTRAP``.
    """
    _restore_overlay(cpe, state)
    if acs_is_new and cpe.profile.management_paths["URL"] not in state.values:
        cpe.raise_event(EventStruct(ev.BOOTSTRAP), inf)
        return
    offset = cpe.context.wall_offset
    for event in state.events:
        cpe.raise_event(event, inf)
    for request in state.requests:
        cpe.keep_request(request)
    for (transfer, start, _), completion in zip(state.transfers, state.completions(), strict=True):
        own = _at(transfer, -offset)._replace(completion=completion)
        transfers.restore(cpe, own, None if start is None else start - offset)
    for each in state.scheduled_informs:
        scheduled_informs.schedule(cpe, each.at - offset, each.command_key)
    for change in state.state_changes:
        deployment_units.begin(cpe, _moved(change, -offset))
    for request in state.after_session:
        cpe.do_after_session(request)


def _restore_overlay(cpe: CPEBase, state: PersistentState) -> None:
    overlay = cpe.ensure_overlay()
    if state.rows is not None:
        cpe.model.restore_rows(state.rows, overlay)
    overlay.values.update(_known(cpe, state.values))
    overlay.attributes = _known(cpe, state.attributes or {}) or None
    overlay.last_reported = _known(cpe, state.last_reported or {}) or None
    overlay.units = dict(state.units) if state.units is not None else None
    counts = zip(state.requests, state.refusals, strict=False)
    overlay.refusals = {request: count for request, count in counts if count} or None


def _known(cpe: CPEBase, by_path: Mapping[str, _Kind]) -> dict[str, _Kind]:
    return {intern(path): each for path, each in by_path.items() if cpe.parameter(path) is not None}
