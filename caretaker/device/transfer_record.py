"""A transfer that the ACS asked for, as a record (TR-069 A.3.2.8, A.4.1.5, A.4.1.8)."""

from __future__ import annotations

import enum
from typing import NamedTuple

from caretaker.cwmp import messages as m

FIRMWARE = "1 Firmware Upgrade Image"
IMMEDIATELY = "2 Immediately"
"""The WindowMode without a choice: the transfer begins with its window."""
FAULT_CODES = frozenset({9001, 9002, 9010, 9011, 9012, *range(9014, 9021), *range(9033, 9900)})
"""The faults that a TransferComplete can have, but for 0 (CWMP schemas)."""

TransferRequest = m.Download | m.Upload | m.ScheduleDownload


class TransferState(enum.IntEnum):
    """How far a transfer is (A.3.2.9, A.4.1.7)."""

    NOT_STARTED = 1
    IN_PROGRESS = 2
    COMPLETED = 3
    """Ended; the ACS has not taken the TransferComplete yet."""


class Transfer(NamedTuple):
    """
    A transfer that the ACS asked for.

    Args:
        number: of the transfer among those of its CPE; several may have the same CommandKey.
        request: of the ACS.
        received: when the request came.
        state: how far the transfer is.
        attempt: how many times it was started.
        started: when the last attempt was started; None before the first.
        window: the index of its current time window.
        retries: attempts after the first in that window.
        completion: the request that reports the end to the ACS; None before the end.
    """

    number: int
    request: TransferRequest
    received: float
    state: TransferState = TransferState.NOT_STARTED
    attempt: int = 0
    started: float | None = None
    window: int = 0
    retries: int = 0
    completion: m.TransferComplete | None = None

    @property
    def is_download(self) -> bool:
        """Whether the CPE fetches the file."""
        return not isinstance(self.request, m.Upload)

    @property
    def time_window(self) -> m.TimeWindowStruct | None:
        """The current time window; None for a request without windows."""
        if not isinstance(self.request, m.ScheduleDownload):
            return None
        return self.request.time_window_list[self.window]

    @property
    def closes(self) -> float:
        """When the current window ends; without windows, when the request came."""
        return self.received + (self.time_window.window_end if self.time_window else 0)


Transfers = tuple[Transfer, ...]
