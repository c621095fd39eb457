"""
What fails on purpose: the power of CPEs, and the ACS as they see it.

Neither needs the ACS's help: an outage is made at the seam to the transport, so it works with any.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from heapq import heapify, heappop, heappush

import gevent

from caretaker.device.cpe import CPE
from caretaker.errors import AnswerTimeout, ConnectError
from caretaker.http.transport import Answer, Transport

REASON = "ACS outage (scenario)"
"""Why sessions fail meanwhile; the blame is the ACS's, as it would be."""

Opener = Callable[[CPE, float], Transport]


class PowerCuts:
    """
    The CPEs whose power was cut: until when they are dark, and which have not informed since.

    What is asked of it takes time only by the CPEs that came back since it was asked last.
    """

    def __init__(self) -> None:
        self.absent: set[int] = set()
        """Those that were cut off and have had no good session since."""
        self._until: dict[int, float] = {}
        self._heap: list[tuple[float, int]] = []

    def add(self, index: int, until: float) -> None:
        """This CPE is dark until then."""
        self.absent.add(index)
        self._until[index] = until
        heappush(self._heap, (until, index))

    def discard(self, index: int) -> None:
        """This CPE is not of the fleet any more."""
        self.absent.discard(index)
        self._until.pop(index, None)

    def __contains__(self, index: object) -> bool:
        """Whether this CPE was dark when they were counted last."""
        return index in self._until

    def __iter__(self) -> Iterator[int]:
        """Those that were."""
        return iter(self._until)

    def __len__(self) -> int:
        """How many they were."""
        return len(self._until)

    def count(self, now: float) -> int:
        """How many are dark."""
        while self._heap and self._heap[0][0] <= now:
            until, index = heappop(self._heap)
            if self._until.get(index) == until:
                del self._until[index]
        if len(self._heap) > 2 * len(self._until) + 100:  # of CPEs that are gone, or cut twice
            self._heap = [(until, index) for index, until in self._until.items()]
            heapify(self._heap)
        return len(self._until)


class OutageSwitch:
    """
    Opens the transports of sessions, or ones that find the ACS refusing or hanging.

    A session that has begun before goes on. One that hangs goes on when the ACS does, if it does so
    before the answer's deadline.

    Args:
        opener: of the real transports.
        timeout: seconds that a CPE waits for an answer.
        sleep: waits that many seconds.
    """

    def __init__(
        self, opener: Opener, timeout: float, sleep: Callable[[float], object] = gevent.sleep
    ) -> None:  # fmt: skip
        self._opener = opener
        self._timeout = timeout
        self._sleep = sleep
        self._until = 0.0
        self._kind = ""

    def begin(self, kind: str, until: float) -> None:
        """The ACS does not answer until then; ``kind`` is one of ``OUTAGE_KINDS``."""
        self._kind, self._until = kind, until

    def open(self, cpe: CPE, now: float) -> Transport:
        """The transport of a session that begins now."""
        transport = self._opener(cpe, now)
        if now >= self._until:
            return transport
        return OUTAGE_KINDS[self._kind](transport, self._until - now, self._timeout, self._sleep)


class _RefusedTransport:
    """The transport of a session that finds no ACS."""

    def __init__(self, transport: Transport, *_: object) -> None:
        self._transport = transport
        self.sent_at: float | None = None

    def post(self, body: bytes) -> Answer:  # noqa: ARG002
        """There is no one to take it."""
        raise ConnectError(REASON)

    def close(self) -> None:
        """End the session's connection."""
        self._transport.close()


class _HangingTransport:
    """The transport of a session that finds the ACS standing still."""

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
        self.sent_at: float | None = None

    def post(self, body: bytes) -> Answer:
        """Wait for the ACS to go on; AnswerTimeout if it does not in time."""
        seconds, self._seconds = self._seconds, 0.0
        if seconds:
            self._sleep(min(seconds, self._timeout))
        if seconds > self._timeout:
            raise AnswerTimeout(REASON)
        try:
            return self._transport.post(body)
        finally:
            self.sent_at = self._transport.sent_at

    def close(self) -> None:
        """End the session's connection."""
        self._transport.close()


OUTAGE_KINDS: dict[str, Callable[..., Transport]] = {
    "refuse": _RefusedTransport,
    "hang": _HangingTransport,
}
"""What the ACS can do: no connection; or connections, and no answers."""
