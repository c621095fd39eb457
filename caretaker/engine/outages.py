"""
Outages on purpose: power cuts of CPEs, and outages of the ACS as the CPEs see them.

An outage of the ACS is made where CPEs open their transports, so it works with any ACS.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush

import gevent

from caretaker.device.cpe import CPE
from caretaker.engine.open_transport import OpenTransport
from caretaker.errors import AnswerTimeout, ConnectError
from caretaker.http.transport import Answer, Transport

REASON = "ACS outage (scenario)"
"""The reason of sessions that fail in an outage; the blame is the ACS's, as in a real one."""


class PowerCuts:
    """
    The CPEs whose power was cut: until when, and which have had no good session since.

    ``count`` costs only as much as CPEs have regained power since its last call; all else that asks
    for CPEs without power answers as of that call.
    """

    def __init__(self) -> None:
        self.absent: set[int] = set()
        """The CPEs that lost power and have had no good session since, with power or without."""
        self._until: dict[int, float] = {}
        self._heap: list[tuple[float, int]] = []

    def add(self, index: int, until: float) -> None:
        """Take a CPE that has no power until a time."""
        self.absent.add(index)
        self._until[index] = until
        heappush(self._heap, (until, index))

    def discard(self, index: int) -> None:
        """Forget a CPE that has left the fleet."""
        self.absent.discard(index)
        self._until.pop(index, None)

    def __contains__(self, index: object) -> bool:
        """Whether a CPE had no power at the last count."""
        return index in self._until

    def __iter__(self) -> Iterator[int]:
        """The CPEs that had no power at the last count."""
        return iter(self._until)

    def __len__(self) -> int:
        """How many CPEs had no power at the last count."""
        return len(self._until)

    def count(self, now: float) -> int:
        """How many CPEs have no power now."""
        while self._heap and self._heap[0][0] <= now:
            until, index = heappop(self._heap)
            if self._until.get(index) == until:
                del self._until[index]
        if len(self._heap) > 2 * len(self._until) + 100:  # stale ones: left, or cut twice
            self._heap = [(until, index) for index, until in self._until.items()]
            heapify(self._heap)
        return len(self._until)


class OutageSwitch:
    """
    Opens the transports of sessions; in an outage, transports to an ACS that refuses or hangs.

    Sessions that began before the outage are not affected. A session to a hanging ACS gets its
    answer when the outage is over, unless the timeout comes first.

    Args:
        open_transport: opens the real transports.
        timeout: seconds that a CPE waits for an answer.
        sleep: waits that many seconds.
    """

    def __init__(
        self,
        open_transport: OpenTransport,
        timeout: float,
        sleep: Callable[[float], object] = gevent.sleep,
    ) -> None:
        self._open_transport = open_transport
        self._timeout = timeout
        self._sleep = sleep
        self._until = 0.0
        self._kind = ""

    def begin(self, kind: str, until: float) -> None:
        """Begin an outage until a time; ``kind`` is one of ``OUTAGE_KINDS``."""
        self._kind, self._until = kind, until

    def is_on(self, now: float) -> bool:
        """Whether there is an outage now."""
        return now < self._until

    def concerns(self, _index: int, now: float) -> bool:
        """Whether the session of a CPE that begins now meets an outage."""
        return now < self._until

    def open(self, cpe: CPE, now: float) -> Transport:
        """The transport of a session that begins now."""
        transport = self._open_transport(cpe, now)
        if not self.is_on(now):
            return transport
        return OUTAGE_KINDS[self._kind](transport, self._until - now, self._timeout, self._sleep)


class _RefusedTransport:
    """The transport of a session whose ACS refuses connections."""

    def __init__(self, transport: Transport, *_: object) -> None:
        self._transport = transport
        self.sent_at: float | None = None

    def post(self, body: bytes) -> Answer:  # noqa: ARG002
        """Fail as a refused connection does."""
        raise ConnectError(REASON)

    def close(self) -> None:
        """End the session's connection."""
        self._transport.close()


class _HangingTransport:
    """The transport of a session whose ACS takes requests and does not answer."""

    def __init__(
        self,
        transport: Transport,
        seconds: float,
        timeout: float,
        sleep: Callable[[float], object],
    ) -> None:
        self._transport = transport
        self._seconds = seconds
        self._timeout = timeout
        self._sleep = sleep

    @property
    def sent_at(self) -> float | None:
        """When the last POST had been written, after the outage; None until then."""
        return self._transport.sent_at

    def post(self, body: bytes) -> Answer:
        """POST once the outage is over; AnswerTimeout if the answer's deadline is earlier."""
        seconds, self._seconds = self._seconds, 0.0
        if seconds:
            self._sleep(min(seconds, self._timeout))
        if seconds > self._timeout:
            raise AnswerTimeout(REASON)
        return self._transport.post(body)

    def close(self) -> None:
        """End the session's connection."""
        self._transport.close()


OUTAGE_KINDS: dict[str, Callable[..., Transport]] = {
    "refuse": _RefusedTransport,
    "hang": _HangingTransport,
}
"""The ACS refuses connections; or takes requests and does not answer them."""
