"""
Files that a CPE fetches or sends for the ACS (TR-069 A.3.2.8, A.4.1.5, A.4.1.8).

A ``Transfer`` is an immutable record in ``cpe.transfers``, from the request until the ACS has
answered the TransferComplete. Its next step is a ``Job``: its start, its end, or the end of its
time window. A simulated transfer takes time and moves nothing. The bytes of a real transfer
(``wanted``) are moved by the engine, which reports the outcome (``moved``).

TR-069 leaves these points open; this CPE does so:

* A transfer that a reboot interrupts starts again when the CPE is up.
* A scheduled transfer without retries left in its last window ends with the fault of the last
  attempt, or with 9020 if the window has closed.
* A TransferComplete that the ACS answers with a fault is repeated in the next session, at most
  ``cpe.MAX_REFUSALS`` times in all.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from urllib.parse import unquote, urlsplit

from caretaker.cwmp import messages as m
from caretaker.cwmp.faults import FaultCode, meaning
from caretaker.data_model.dates import utc
from caretaker.device.base import CPEBase, Job
from caretaker.device.transfer_record import (
    FIRMWARE,
    IMMEDIATELY,
    Transfer,
    TransferRequest,
    Transfers,
    TransferState,
)

RETRIES = 3
"""The retries of a window whose MaxRetries leaves the number to the CPE (-1)."""
RETRY_SECONDS = 10.0
"""The shortest wait before a retry."""
_JOB = "transfer"

EVENTS_OF_REQUESTS: dict[type[m.Request], str] = {
    m.Download: "M Download",
    m.ScheduleDownload: "M ScheduleDownload",
    m.Upload: "M Upload",
}
"""The event that comes with ``7 TRANSFER COMPLETE``, by the request for the transfer."""


# -- the queue ------------------------------------------------------------------------------------


def queue(cpe: CPEBase, request: TransferRequest, now: float) -> None:
    """Queue a transfer whose arguments are good; it begins after the session, or later."""
    number = max((transfer.number for transfer in cpe.transfers), default=0) + 1
    transfer = Transfer(number, request, now)
    cpe.keep_transfer(transfer)
    _count(cpe, "requested")
    if isinstance(request, m.ScheduleDownload):
        at = _start_time(cpe, transfer, now)
    else:
        at = now + request.delay_seconds
    _later(cpe, at, transfer, _start)


def cancel(cpe: CPEBase, transfers: Iterable[Transfer]) -> None:
    """Remove transfers that have not started; no TransferComplete follows."""
    for transfer in transfers:
        _stop_jobs(cpe, transfer)
        cpe.drop_transfer(transfer)
        _count(cpe, "cancelled")


def restart(cpe: CPEBase) -> None:
    """Start the transfers again that a reboot has interrupted."""
    for transfer in cpe.transfers:
        if transfer.state is TransferState.IN_PROGRESS:
            _stop_jobs(cpe, transfer)
            fresh = transfer._replace(state=TransferState.NOT_STARTED)
            cpe.keep_transfer(fresh)
            _later(cpe, cpe.down_until, fresh, _start)


def start_time(cpe: CPEBase, transfer: Transfer) -> float | None:
    """When a transfer that waits for its start will start; None for one that does not wait."""
    if transfer.state is not TransferState.NOT_STARTED:
        return None
    return next(job.at for job in cpe.jobs if (job.kind, job.key) == (_JOB, str(transfer.number)))


def restore(cpe: CPEBase, transfer: Transfer, start: float | None) -> None:
    """Take up a transfer of an earlier life of the CPE; ``start`` as ``start_time`` gave it."""
    cpe.keep_transfer(transfer)
    if transfer.state is not TransferState.COMPLETED:
        _count(cpe, "requested")  # what is counted as pending or ended was requested
    if start is not None:
        _later(cpe, start, transfer, _start)


def drop_all(cpe: CPEBase) -> None:
    """Drop all transfers: after a factory reset, with a new ACS, without power."""
    for transfer in cpe.transfers:
        if transfer.state is not TransferState.COMPLETED:
            _count(cpe, "dropped")
        cpe.drop_transfer(transfer)


def settle(cpe: CPEBase, request: m.Request) -> None:
    """Drop the transfer of a TransferComplete that the ACS has taken, or refused too often."""
    for transfer in cpe.transfers:
        if transfer.completion is request:
            cpe.drop_transfer(transfer)


def _later(
    cpe: CPEBase, at: float, transfer: Transfer, act: Callable[[CPEBase, Transfer, float], None]
) -> None:
    """Plan a step of a transfer; it gets the transfer as it is at that time."""
    number = transfer.number

    def do(cpe: CPEBase, now: float) -> None:
        act(cpe, next(one for one in cpe.transfers if one.number == number), now)

    cpe.plan(Job(at, _JOB, str(number), do))


def _stop_jobs(cpe: CPEBase, transfer: Transfer) -> None:
    cpe.cancel(_JOB, str(transfer.number))


def _count(cpe: CPEBase, name: str) -> None:
    cpe.context.transfer_counts[name] += 1


# -- moving bytes ---------------------------------------------------------------------------------


def _start(cpe: CPEBase, transfer: Transfer, now: float) -> None:
    if transfer.time_window is not None and now >= transfer.closes:
        _fail(cpe, transfer, FaultCode.NOT_WITHIN_TIME_WINDOWS, now)
        return
    attempt = transfer.attempt + 1
    transfer = transfer._replace(state=TransferState.IN_PROGRESS, attempt=attempt, started=now)
    cpe.keep_transfer(transfer)
    if not _is_real(cpe, transfer):
        seconds, fault_code = _simulated(cpe, transfer)
        _later(cpe, now + seconds, transfer, partial(_finish, fault_code))
    if transfer.time_window is not None:
        fault_code = FaultCode.NOT_WITHIN_TIME_WINDOWS
        _later(cpe, transfer.closes, transfer, partial(_finish, fault_code))


def _is_real(cpe: CPEBase, transfer: Transfer) -> bool:
    hosts = cpe.context.transfers.real_hosts
    return bool(hosts) and urlsplit(transfer.request.url).hostname in hosts


def _simulated(cpe: CPEBase, transfer: Transfer) -> tuple[float, int]:
    """The seconds that a simulated attempt takes, and the fault that it ends with; 0: none."""
    settings, request = cpe.context.transfers, transfer.request
    purpose = f"transfer {transfer.number}.{transfer.attempt} of {transfer.received}"
    rng = cpe.context.identities.random(cpe.index, purpose)
    failed, seconds = rng.random() < settings.failures, rng.uniform(*settings.seconds)
    size = 0 if isinstance(request, m.Upload) else request.file_size
    if size and settings.bandwidth:
        seconds = size / settings.bandwidth
    usual = FaultCode.FILE_TRANSFER_FAILURE if transfer.is_download else FaultCode.UPLOAD_FAILURE
    return seconds, (settings.fault_code or usual) if failed else 0


def wanted(cpe: CPEBase) -> Transfers:
    """The transfers in progress whose bytes must be moved really."""
    return tuple(
        transfer
        for transfer in cpe.transfers
        if transfer.state is TransferState.IN_PROGRESS and _is_real(cpe, transfer)
    )


def moved(cpe: CPEBase, transfer: Transfer, fault_code: int, now: float) -> None:
    """
    Take the outcome of a real transfer; it has effect outside of any session.

    Nothing happens if that attempt is over: the CPE has rebooted, or its time window is over.

    Args:
        cpe: the CPE.
        transfer: as ``wanted`` returned it.
        fault_code: 0 for success, else one of ``FAULT_CODES``.
        now: the present time.
    """
    if transfer in cpe.transfers:
        _later(cpe, now, transfer, partial(_finish, fault_code))


# -- the outcome ----------------------------------------------------------------------------------


def _finish(fault_code: int, cpe: CPEBase, transfer: Transfer, now: float) -> None:
    if fault_code:
        _fail(cpe, transfer, fault_code, now)
        return
    _stop_jobs(cpe, transfer)
    if transfer.request.file_type == FIRMWARE:
        cpe.keep_transfer(transfer._replace(state=TransferState.COMPLETED))
        _apply_firmware(cpe, transfer, now)
        _complete(cpe, transfer, 0, cpe.down_until, cpe.session_due)
    else:
        _complete(cpe, transfer, 0, now, now)


def _fail(cpe: CPEBase, transfer: Transfer, fault_code: int, now: float) -> None:
    """Try again, or report the fault."""
    _stop_jobs(cpe, transfer)
    again = _next_attempt(transfer, now)
    if again is None:
        is_late = transfer.time_window is not None and now >= transfer.closes
        code = FaultCode.NOT_WITHIN_TIME_WINDOWS if is_late else fault_code
        _complete(cpe, transfer, code, now, now)
        return
    _count(cpe, "retried")
    cpe.keep_transfer(again)
    _later(cpe, _start_time(cpe, again, now + RETRY_SECONDS), again, _start)


def _next_attempt(transfer: Transfer, now: float) -> Transfer | None:
    """The transfer for its next attempt, in this window or a later one; None: no attempt left."""
    window, fresh = transfer.time_window, transfer._replace(state=TransferState.NOT_STARTED)
    if window is None:
        return None
    most = RETRIES if window.max_retries < 0 else window.max_retries
    if transfer.retries < most and now + RETRY_SECONDS < transfer.closes:
        return fresh._replace(retries=transfer.retries + 1)
    request = transfer.request
    assert isinstance(request, m.ScheduleDownload)
    later = range(transfer.window + 1, len(request.time_window_list))
    others = (fresh._replace(window=number, retries=0) for number in later)
    return next((other for other in others if now + RETRY_SECONDS < other.closes), None)


def _start_time(cpe: CPEBase, transfer: Transfer, earliest: float) -> float:
    """When the next attempt starts: a random time in the window at which it can still end there."""
    window = transfer.time_window
    assert window is not None
    opens = max(earliest, transfer.received + window.window_start)
    if window.window_mode == IMMEDIATELY:
        return opens
    latest = transfer.closes - cpe.context.transfers.seconds[1]
    purpose = f"window {transfer.window}.{transfer.retries} of {transfer.received}"
    return cpe.context.identities.random(cpe.index, purpose).uniform(opens, max(opens, latest))


def _complete(cpe: CPEBase, transfer: Transfer, fault_code: int, ended: float, at: float) -> None:
    """Plan a session at that time that sends the TransferComplete; dates are UTC (A.3.3.2)."""
    fault = m.FaultStruct(fault_code, meaning(fault_code).fault_string) if fault_code else None
    began = transfer.started
    request = m.TransferComplete(
        transfer.request.command_key,
        fault or m.FaultStruct(),
        m.UNKNOWN_TIME if began is None else utc(began + cpe.context.wall_offset),
        m.UNKNOWN_TIME if began is None else utc(ended + cpe.context.wall_offset),
    )
    cpe.keep_transfer(transfer._replace(state=TransferState.COMPLETED, completion=request))
    _count(cpe, f"faults.{fault_code}" if fault_code else "succeeded")
    event = EVENTS_OF_REQUESTS[type(transfer.request)]
    cpe.ask(request, at, m.EventStruct(event, transfer.request.command_key))


# -- firmware -------------------------------------------------------------------------------------

_VERSION = re.compile(r"\d{1,9}(?:\.\d{1,9}){1,6}", re.ASCII)
_LAST_NUMBER = re.compile(r"\d{1,18}(?=\D*$)", re.ASCII)


def _apply_firmware(cpe: CPEBase, transfer: Transfer, now: float) -> None:
    """Reboot into the new image; SoftwareVersion is a forced parameter of every Inform."""
    request, path = transfer.request, f"{cpe.model.root}DeviceInfo.SoftwareVersion"
    if cpe.parameter(path) is not None and not isinstance(request, m.Upload):
        last = unquote(urlsplit(request.url).path.rpartition("/")[2])
        version = version_of(cpe.value(path, now), request.target_file_name, last)
        cpe.set_values([(path, version)], now)
    cpe.reboot(now)


def version_of(old: str, *names: str) -> str:
    """
    The version of a firmware image: the first ``1.2.3`` in its names.

    Without one it is the old version with the last number raised.
    """
    for name in names:
        match = _VERSION.search(name)
        if match is not None:
            return match[0]
    raised = _LAST_NUMBER.sub(lambda number: f"{int(number[0]) + 1:0{len(number[0])}d}", old)
    return raised if raised != old else f"{old}.1"
