"""
Files that a CPE fetches or sends for the ACS (TR-069 A.3.2.8, A.4.1.5, A.4.1.8).

A ``Transfer`` is an immutable record in ``cpe.transfers``, from the request until the ACS has
answered the TransferComplete. What is next for it is a ``Job``: to start, to be done, or that its
time window closes. A simulated transfer takes its time and moves nothing; for one that really moves
bytes (``wanted``) somebody else does so and tells the outcome (``moved``).

What TR-069 leaves open, and this CPE does:

* A transfer that a reboot interrupts starts again when the CPE is up.
* A scheduled one that has used up its retries in its last window is told with the fault of the
  last attempt; 9020 says that time ran out.
* A TransferComplete that the ACS answers with a fault is repeated in the next session, at most
  ``agenda.MAX_REFUSALS`` times in all.
"""

from __future__ import annotations

import enum
import re
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, NamedTuple
from urllib.parse import unquote, urlsplit

from caretaker.cwmp import messages as m
from caretaker.cwmp.faults import FaultCode, meaning
from caretaker.data_model.dates import utc
from caretaker.device.jobs import Job
from caretaker.errors import InputError

if TYPE_CHECKING:
    from caretaker.device.cpe import CPE

FIRMWARE = "1 Firmware Upgrade Image"
IMMEDIATELY = "2 Immediately"
RETRIES = 3
"""Of a window whose MaxRetries leaves the number to the CPE (-1)."""
RETRY_SECONDS = 10.0
"""The shortest wait before a retry."""
FAULT_CODES = frozenset({9001, 9002, 9010, 9011, 9012, *range(9014, 9021), *range(9033, 9900)})
"""What a TransferComplete can tell, but for 0 (CWMP schemas)."""

TransferRequest = m.Download | m.Upload | m.ScheduleDownload
_KIND = "transfer"


@dataclass(frozen=True, slots=True)
class TransferSettings:
    """
    How transfers go, the same for a fleet.

    Args:
        seconds: the shortest and longest time that a simulated one takes.
        failures: the share of simulated ones that fail, from 0 to 1.
        fault_code: with which they do; 9010, or 9011 of an upload, where None.
        bandwidth: bytes per second of each CPE, 0 for no limit. A simulated download whose
            FileSize is told takes its time from it.
        real_hosts: file servers that bytes are really moved to and from; transfers with all
            others are simulated.

    Raises:
        InputError: a value is out of its range.
    """

    seconds: tuple[float, float] = (5.0, 30.0)
    failures: float = 0.0
    fault_code: int | None = None
    bandwidth: float = 0.0
    real_hosts: frozenset[str] = frozenset()

    def __post_init__(self) -> None:
        """Check the values."""
        if not 0 <= self.seconds[0] <= self.seconds[1]:
            raise InputError(f"transfer seconds {self.seconds}: not (shortest, longest)")
        if not 0 <= self.failures <= 1:
            raise InputError(f"transfer failures {self.failures}: must be from 0 to 1")
        if self.bandwidth < 0:
            raise InputError(f"bandwidth {self.bandwidth}: can't be below 0")
        if self.fault_code is not None and self.fault_code not in FAULT_CODES:
            raise InputError(f"fault code {self.fault_code}: not one that a transfer can end with")


class TransferState(enum.IntEnum):
    """How far a transfer is (A.3.2.9, A.4.1.7)."""

    NOT_STARTED = 1
    IN_PROGRESS = 2
    COMPLETED = 3
    """Ended, and the ACS has not heard of it yet."""


class Transfer(NamedTuple):
    """
    A transfer that the ACS asked for.

    Args:
        number: which of the CPE's; several may have the same CommandKey.
        request: what was asked for.
        received: when.
        state: how far it is.
        attempt: how many times it was started.
        started: when the last time; None if it never was.
        window: which of its time windows it is in, from 0.
        retries: how many there were in that window.
        told: what tells the ACS how it ended.
    """

    number: int
    request: TransferRequest
    received: float
    state: TransferState = TransferState.NOT_STARTED
    attempt: int = 0
    started: float | None = None
    window: int = 0
    retries: int = 0
    told: m.TransferComplete | None = None

    @property
    def is_download(self) -> bool:
        """Whether the CPE fetches the file."""
        return not isinstance(self.request, m.Upload)

    @property
    def time_window(self) -> m.TimeWindowStruct | None:
        """The window that it is in; None if it has none."""
        if not isinstance(self.request, m.ScheduleDownload):
            return None
        return self.request.time_window_list[self.window]

    @property
    def closes(self) -> float:
        """When its window is over; when it was received if it has none."""
        return self.received + (self.time_window.window_end if self.time_window else 0)


Transfers = tuple[Transfer, ...]

EVENTS_OF_REQUESTS: dict[type[m.Request], str] = {
    m.Download: "M Download",
    m.ScheduleDownload: "M ScheduleDownload",
    m.Upload: "M Upload",
}
"""The event that tells, with ``7 TRANSFER COMPLETE``, whose TransferComplete comes."""


# -- the queue ------------------------------------------------------------------------------------


def queue(cpe: CPE, request: TransferRequest, now: float) -> None:
    """Take a request whose arguments are good; the transfer begins after the session at best."""
    number = max((each.number for each in cpe.transfers), default=0) + 1
    transfer = _keep(cpe, Transfer(number, request, now))
    _count(cpe, "requested")
    if isinstance(request, m.ScheduleDownload):
        at = _moment(cpe, transfer, now)
    else:
        at = now + request.delay_seconds
    _later(cpe, at, transfer, _start)


def cancel(cpe: CPE, transfers: Iterable[Transfer]) -> None:
    """Take transfers that have not started out of the queue; no TransferComplete follows."""
    for transfer in transfers:
        _stop_jobs(cpe, transfer)
        cpe.transfers = tuple(each for each in cpe.transfers if each is not transfer)
        _count(cpe, "cancelled")


def restart(cpe: CPE) -> None:
    """After a reboot, which interrupts what is in progress: that starts again."""
    for transfer in cpe.transfers:
        if transfer.state is TransferState.IN_PROGRESS:
            _stop_jobs(cpe, transfer)
            fresh = _keep(cpe, transfer._replace(state=TransferState.NOT_STARTED))
            _later(cpe, cpe.down_until, fresh, _start)


def forget(cpe: CPE) -> None:
    """After a factory reset, with a new ACS or without power: there are none any more."""
    for transfer in cpe.transfers:
        if transfer.state is not TransferState.COMPLETED:
            _count(cpe, "dropped")
    cpe.transfers = ()


def told(cpe: CPE, request: m.Request) -> None:
    """Drop the transfer of a TransferComplete that was taken, or is given up."""
    cpe.transfers = tuple(each for each in cpe.transfers if each.told is not request)


def _keep(cpe: CPE, transfer: Transfer) -> Transfer:
    """Put it in the place of what it was, or at the end."""
    found = {each.number: each for each in cpe.transfers}
    cpe.transfers = tuple({**found, transfer.number: transfer}.values())
    return transfer


def _later(
    cpe: CPE, at: float, transfer: Transfer, act: Callable[[CPE, Transfer, float], None]
) -> None:
    """Do this to the transfer, as it is then."""
    number = transfer.number

    def do(cpe: CPE, now: float) -> None:
        act(cpe, next(each for each in cpe.transfers if each.number == number), now)

    cpe.plan(Job(at, _KIND, str(number), do))


def _stop_jobs(cpe: CPE, transfer: Transfer) -> None:
    cpe.cancel(_KIND, str(transfer.number))


def _count(cpe: CPE, name: str) -> None:
    cpe.context.transfer_counts[name] += 1


# -- moving bytes ---------------------------------------------------------------------------------


def _start(cpe: CPE, transfer: Transfer, now: float) -> None:
    if transfer.time_window is not None and now >= transfer.closes:
        _fail(cpe, transfer, FaultCode.NOT_WITHIN_TIME_WINDOWS, now)
        return
    attempt = transfer.attempt + 1
    transfer = transfer._replace(state=TransferState.IN_PROGRESS, attempt=attempt, started=now)
    _keep(cpe, transfer)
    if not _is_real(cpe, transfer):
        seconds, fault_code = _fate(cpe, transfer)
        _later(cpe, now + seconds, transfer, partial(_finish, fault_code))
    if transfer.time_window is not None:
        late = FaultCode.NOT_WITHIN_TIME_WINDOWS
        _later(cpe, transfer.closes, transfer, partial(_finish, late))


def _is_real(cpe: CPE, transfer: Transfer) -> bool:
    hosts = cpe.context.transfers.real_hosts
    return bool(hosts) and urlsplit(transfer.request.url).hostname in hosts


def _fate(cpe: CPE, transfer: Transfer) -> tuple[float, int]:
    """How long a simulated attempt takes, and the fault that it ends with; 0 is success."""
    settings, request = cpe.context.transfers, transfer.request
    purpose = f"transfer {transfer.number}.{transfer.attempt} of {transfer.received}"
    chance = cpe.context.identities.random(cpe.index, purpose)
    failed, seconds = chance.random() < settings.failures, chance.uniform(*settings.seconds)
    size = 0 if isinstance(request, m.Upload) else request.file_size
    if size and settings.bandwidth:
        seconds = size / settings.bandwidth
    own = FaultCode.FILE_TRANSFER_FAILURE if transfer.is_download else FaultCode.UPLOAD_FAILURE
    return seconds, (settings.fault_code or own) if failed else 0


def wanted(cpe: CPE) -> Transfers:
    """The transfers in progress whose bytes somebody has to move."""
    return tuple(
        each
        for each in cpe.transfers
        if each.state is TransferState.IN_PROGRESS and _is_real(cpe, each)
    )  # fmt: skip


def moved(cpe: CPE, transfer: Transfer, fault_code: int, now: float) -> None:
    """
    Take the outcome of one of ``wanted``; it has effect outside of any session.

    Nothing happens if that attempt is over: the CPE has rebooted, or its time window is over.

    Args:
        cpe: whose it is.
        transfer: as it was wanted.
        fault_code: 0 for success, else one that TransferComplete can tell.
        now: the present time.
    """
    if transfer in cpe.transfers:
        _later(cpe, now, transfer, partial(_finish, fault_code))


# -- the outcome ----------------------------------------------------------------------------------


def _finish(fault_code: int, cpe: CPE, transfer: Transfer, now: float) -> None:
    if fault_code:
        _fail(cpe, transfer, fault_code, now)
        return
    _stop_jobs(cpe, transfer)
    if transfer.request.file_type == FIRMWARE:
        _keep(cpe, transfer._replace(state=TransferState.COMPLETED))
        _apply_firmware(cpe, transfer, now)
        _tell(cpe, transfer, 0, cpe.down_until, cpe.session_due)
    else:
        _tell(cpe, transfer, 0, now, now)


def _fail(cpe: CPE, transfer: Transfer, fault_code: int, now: float) -> None:
    """Try again, or tell the ACS."""
    _stop_jobs(cpe, transfer)
    again = _again(transfer, now)
    if again is None:
        is_late = transfer.time_window is not None and now >= transfer.closes
        code = FaultCode.NOT_WITHIN_TIME_WINDOWS if is_late else fault_code
        _tell(cpe, transfer, code, now, now)
        return
    _count(cpe, "retried")
    _later(cpe, _moment(cpe, _keep(cpe, again), now + RETRY_SECONDS), again, _start)


def _again(transfer: Transfer, now: float) -> Transfer | None:
    """The transfer for its next attempt: in this window, in one to come; None if there is none."""
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
    return next((each for each in others if now + RETRY_SECONDS < each.closes), None)


def _moment(cpe: CPE, transfer: Transfer, earliest: float) -> float:
    """When the next attempt starts: so early in the window that it can end there."""
    window = transfer.time_window
    assert window is not None
    opens = max(earliest, transfer.received + window.window_start)
    if window.window_mode == IMMEDIATELY:
        return opens
    latest = transfer.closes - cpe.context.transfers.seconds[1]
    purpose = f"window {transfer.window}.{transfer.retries} of {transfer.received}"
    chance = cpe.context.identities.random(cpe.index, purpose)
    return chance.uniform(opens, max(opens, latest))


def _tell(cpe: CPE, transfer: Transfer, fault_code: int, ended: float, at: float) -> None:
    """Have a TransferComplete for the ACS, in a session at that time; dates are UTC (A.3.3.2)."""
    fault = m.FaultStruct(fault_code, meaning(fault_code).fault_string) if fault_code else None
    began = transfer.started
    request = m.TransferComplete(
        transfer.request.command_key,
        fault or m.FaultStruct(),
        m.UNKNOWN_TIME if began is None else utc(began + cpe.context.wall_offset),
        m.UNKNOWN_TIME if began is None else utc(ended + cpe.context.wall_offset),
    )
    _keep(cpe, transfer._replace(state=TransferState.COMPLETED, told=request))
    _count(cpe, f"faults.{fault_code}" if fault_code else "succeeded")
    event = EVENTS_OF_REQUESTS[type(transfer.request)]
    cpe.ask(request, at, m.EventStruct(event, transfer.request.command_key))


# -- firmware -------------------------------------------------------------------------------------

_VERSION = re.compile(r"\d{1,9}(?:\.\d{1,9}){1,6}", re.ASCII)
_LAST_NUMBER = re.compile(r"\d+(?=\D*$)", re.ASCII)


def _apply_firmware(cpe: CPE, transfer: Transfer, now: float) -> None:
    """Reboot into the new image; every Inform tells the SoftwareVersion without being asked."""
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
        found = _VERSION.search(name)
        if found is not None:
            return found[0]
    raised = _LAST_NUMBER.sub(lambda number: f"{int(number[0]) + 1:0{len(number[0])}d}", old)
    return raised if raised != old else f"{old}.1"
