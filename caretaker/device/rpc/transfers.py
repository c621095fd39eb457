"""
The RPC methods about transfers, and what their arguments may be (TR-069 A.3.2.8, A.4.1).

The life of a transfer after them is in ``caretaker.device.transfers``.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from typing import Any
from urllib.parse import urlsplit

from caretaker.cwmp import messages as m
from caretaker.cwmp.faults import FaultCode
from caretaker.device import transfers
from caretaker.device.base import CPEBase
from caretaker.device.transfer_record import (
    FIRMWARE,
    IMMEDIATELY,
    Transfer,
    TransferRequest,
    TransferState,
)
from caretaker.errors import FaultError

MAX_TRANSFERS = 16
"""Transfers in the queue, ended ones without an answered TransferComplete included (schemas)."""
MAX_WINDOWS = 2
WINDOW_MODES = ("1 At Any Time", IMMEDIATELY, "3 When Idle", "4 Confirmation Needed")
"""In a simulation all users say yes and all devices become idle; only the second is special."""

_VENDOR = r"X \S+ .+"
_DOWNLOADS = re.compile(
    rf"{FIRMWARE}|2 Web Content|3 Vendor Configuration File|4 Tone File|5 Ringer File|{_VENDOR}"
)
_UPLOADS = re.compile(
    rf"1 Vendor Configuration File|2 Vendor Log File|3 Vendor Configuration File [1-9][0-9]*"
    rf"|4 Vendor Log File [1-9][0-9]*|{_VENDOR}"
)
_LENGTHS = {
    "command_key": 32,
    "file_type": 64,
    "url": 256,
    "username": 256,
    "password": 256,
    "target_file_name": 256,
    "success_url": 256,
    "failure_url": 256,
}
"""The most characters of each argument (CWMP schemas)."""


def _download(cpe: CPEBase, request: m.Download, now: float) -> m.Response:
    """Status 1: the transfer is made after the session, and a TransferComplete reports its end."""
    _check(cpe, request, _DOWNLOADS)
    transfers.queue(cpe, request, now)
    return m.DownloadResponse(1)


def _upload(cpe: CPEBase, request: m.Upload, now: float) -> m.Response:
    """Status 1, as for Download."""
    _check(cpe, request, _UPLOADS)
    transfers.queue(cpe, request, now)
    return m.UploadResponse(1)


def _schedule_download(cpe: CPEBase, request: m.ScheduleDownload, now: float) -> m.Response:
    """At a moment of the CPE's own within one or two time windows (A.4.1.8)."""
    _check_windows(request.time_window_list)
    _check(cpe, request, _DOWNLOADS)
    transfers.queue(cpe, request, now)
    return m.ScheduleDownloadResponse()


def _check(cpe: CPEBase, request: TransferRequest, file_types: re.Pattern[str]) -> None:
    for name, most in _LENGTHS.items():
        if len(getattr(request, name, "")) > most:
            raise _invalid(f"{name.replace('_', ' ')} has more than {most} characters")
    if file_types.fullmatch(request.file_type) is None:
        raise _invalid("Unknown FileType")
    if min(getattr(request, "delay_seconds", 0), getattr(request, "file_size", 0)) < 0:
        raise _invalid("A number is below 0")
    _check_url(request.url)
    if len(cpe.transfers) >= MAX_TRANSFERS:
        raise FaultError(FaultCode.RESOURCES_EXCEEDED, "Too many transfers")


def _check_url(url: str) -> None:
    """HTTP and HTTPS; its credentials stand in arguments of their own (A.3.2.8)."""
    try:
        parts = urlsplit(url)
        has_host = parts.hostname and parts.port != 0
    except ValueError:
        raise _invalid("URL is malformed") from None
    if parts.scheme and parts.scheme not in ("http", "https"):
        raise FaultError(FaultCode.UNSUPPORTED_TRANSFER_PROTOCOL)
    if not parts.scheme or not has_host or re.search(r"[\s\x00-\x1f]", url):
        raise _invalid("URL is malformed")
    if parts.username is not None or parts.password is not None:
        raise _invalid("URL with credentials")


def _check_windows(windows: Sequence[m.TimeWindowStruct]) -> None:
    if not 1 <= len(windows) <= MAX_WINDOWS:
        raise _invalid("TimeWindowList has one or two windows")
    end = 0
    for window in windows:
        if window.window_mode not in WINDOW_MODES:
            raise _invalid("Unknown WindowMode")
        if not end <= window.window_start < window.window_end:
            raise _invalid("Time windows overlap, or end before they start")
        end = window.window_end


def _invalid(why: str) -> FaultError:
    return FaultError(FaultCode.INVALID_ARGUMENTS, why)


def _cancel_transfer(cpe: CPEBase, request: m.CancelTransfer, _: float) -> m.Response:
    """All of that key or fault 9021; none of that key is good too (A.4.1.9)."""
    named = [one for one in cpe.transfers if one.request.command_key == request.command_key]
    if any(transfer.state is not TransferState.NOT_STARTED for transfer in named):
        raise FaultError(FaultCode.CANCEL_NOT_PERMITTED)
    transfers.cancel(cpe, named)
    return m.CancelTransferResponse()


def _get_queued_transfers(cpe: CPEBase, _: m.GetQueuedTransfers, __: float) -> m.Response:
    queued = (m.QueuedTransferStruct(one.request.command_key, one.state) for one in cpe.transfers)
    return m.GetQueuedTransfersResponse(tuple(queued))


def _get_all_queued_transfers(cpe: CPEBase, _: m.GetAllQueuedTransfers, __: float) -> m.Response:
    return m.GetAllQueuedTransfersResponse(tuple(map(_listed, cpe.transfers)))


_LISTED = {"1": "3", "2": "4", "3": "6", "4": "7"}
"""The number of an Upload's FileType in lists that have Downloads, too (A.4.1.7)."""


def _listed(transfer: Transfer) -> m.AllQueuedTransferStruct:
    request = transfer.request
    key, state = request.command_key, transfer.state
    if isinstance(request, m.Upload):
        number, _, rest = request.file_type.partition(" ")
        file_type = f"{_LISTED.get(number, number)} {rest}"
        return m.AllQueuedTransferStruct(key, state, False, file_type)
    return m.AllQueuedTransferStruct(
        key, state, True, request.file_type, request.file_size, request.target_file_name
    )


TRANSFER_METHODS: dict[type[m.Request], Callable[[CPEBase, Any, float], m.Response]] = {
    m.Download: _download,
    m.Upload: _upload,
    m.ScheduleDownload: _schedule_download,
    m.CancelTransfer: _cancel_transfer,
    m.GetQueuedTransfers: _get_queued_transfers,
    m.GetAllQueuedTransfers: _get_all_queued_transfers,
}
"""Part of ``caretaker.device.rpc.methods.METHODS``."""
