"""The Connection Requests that the CPEs of a worker have accepted, by the way that they came."""

from __future__ import annotations

from collections import Counter
from typing import Final, NamedTuple

from caretaker.way import Way

COALESCED: Final = "coalesced"
DELIVERED: Final = "delivered"
DROPPED: Final = "dropped"
PENDING: Final = "pending"
ENDS = (DELIVERED, COALESCED, DROPPED, PENDING)
"""What becomes of accepted requests: those of a way add up to what it brought (decision D9)."""


class AcceptedRequest(NamedTuple):
    """
    A Connection Request that no session has answered yet.

    Args:
        way: that it came by.
        at: when it was accepted.
    """

    way: Way
    at: float


class AcceptedRequests:
    """
    The pending request of each CPE that has one, and what became of all others.

    A CPE has one pending request at most: a further one is served by the same session (TR-069
    3.2.2). Few CPEs have any, so they are kept here and not with each CPE.
    """

    def __init__(self) -> None:
        self.pending: dict[int, AcceptedRequest] = {}
        """By the index of the CPE."""
        self.ends: Counter[tuple[Way, str]] = Counter()
        """How many requests of a way came to each end but ``PENDING``."""

    def add(self, index: int, way: Way, now: float) -> bool:
        """Take a request that a CPE accepts; whether it asks for a session of its own."""
        if index in self.pending:
            self.ends[way, COALESCED] += 1
            return False
        self.pending[index] = AcceptedRequest(way, now)
        return True

    def end(self, index: int, end: str) -> None:
        """Note that the pending request of a CPE has come to an end, if there is one."""
        request = self.pending.pop(index, None)
        if request is not None:
            self.ends[request.way, end] += 1
