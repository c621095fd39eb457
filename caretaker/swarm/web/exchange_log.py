"""
The last exchanges of the CPEs that someone looks at.

They are kept only while someone does: a CPE that nobody watches costs one look at an empty dict for
each session.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable
from typing import NotRequired, TypedDict

from caretaker.console.trace import summary
from caretaker.device.cpe import CPE
from caretaker.engine.open_transport import OpenTransport
from caretaker.errors import TransportError
from caretaker.http.transport import Answer, Transport
from caretaker.masking import masked

WATCH_SECONDS = 60.0
"""How long a CPE is watched after someone has looked."""
KEPT = 100
"""Exchanges that are kept of each."""
MOST = 100
"""CPEs that are watched at once; the one that was looked at first makes room."""


class Exchange(TypedDict):
    """A POST of a CPE and its answer, as the page of the CPE shows them; secrets are masked."""

    at: float
    """When it began, in seconds since 1970."""
    first: bool
    """Whether it is the first of its session."""
    sent: str
    status: NotRequired[int]
    """Of the answer, when there is one."""
    got: NotRequired[str]
    """The answer, or the error."""
    ms: NotRequired[float]
    """How long it took, when it is over."""


Log = deque[Exchange]


class ExchangeLogs:
    """
    Opens the transports of sessions, and listens where someone watches.

    Args:
        open_transport: opens the transports.
        clock: seconds, going forward.
    """

    def __init__(
        self, open_transport: OpenTransport, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self._open_transport = open_transport
        self._clock = clock
        self._logs: dict[int, Log] = {}
        self._until: dict[int, float] = {}

    def watch(self, index: int) -> Log:
        """What was seen of a CPE since it is watched; it is watched from now on."""
        self._until[index] = self._clock() + WATCH_SECONDS
        log = self._logs.setdefault(index, deque(maxlen=KEPT))
        while len(self._logs) > MOST:
            self._forget(min(self._until, key=self._until.__getitem__))
        return log

    def _forget(self, index: int) -> None:
        del self._logs[index], self._until[index]

    def concerns(self, index: int, _now: float) -> bool:
        """Whether a CPE is watched, or was when it had its last session."""
        return index in self._logs

    def open(self, cpe: CPE, now: float) -> Transport:
        """The transport of a session that begins now."""
        transport = self._open_transport(cpe, now)
        log = self._logs.get(cpe.index) if self._logs else None
        if log is None:
            return transport
        if self._until[cpe.index] < self._clock():
            self._forget(cpe.index)
            return transport
        return _Watched(transport, log)


class _Watched:
    """A transport whose exchanges are kept in a log."""

    def __init__(self, transport: Transport, log: Log) -> None:
        self._transport = transport
        self._log = log
        self._first = True

    @property
    def sent_at(self) -> float | None:
        """When the last POST had been written; None until then."""
        return self._transport.sent_at

    def post(self, body: bytes) -> Answer:
        """POST, and note it."""
        entry: Exchange = {
            "at": round(time.time(), 3), "first": self._first, "sent": masked(summary(body))
        }  # fmt: skip
        self._first = False
        self._log.append(entry)
        started = time.monotonic()
        try:
            answer = self._transport.post(body)
            entry["status"], entry["got"] = answer.status, masked(summary(answer.body))
        except TransportError as error:
            entry["got"] = masked(str(error))
            raise
        finally:
            entry["ms"] = round(1000 * (time.monotonic() - started), 1)
        return answer

    def close(self) -> None:
        """End the session's connection."""
        self._transport.close()
