"""The books of Connection Requests: what was answered, and what became of those accepted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple, Self

from caretaker.device.accepted_requests import ENDS
from caretaker.device.events import CONNECTION_REQUEST
from caretaker.stats.records import VERDICTS, path_of
from caretaker.stats.results import Results
from caretaker.stats.worker_snapshot import WorkerSnapshot
from caretaker.way import Way


class ConnectionRequestBooks(NamedTuple):
    """What was answered to Connection Requests, and what became of those accepted."""

    received: int = 0
    accepted: int = 0
    unauthorized: int = 0
    not_found: int = 0
    refused: int = 0
    coalesced: int = 0
    delivered: int = 0
    dropped: int = 0
    pending: int = 0

    @classmethod
    def of(cls, results: Results, *, final: bool) -> Self:
        """
        The books of one worker (decision D9).

        What is pending was counted CPE by CPE in a final snapshot; a worker that was lost has only
        the difference.
        """
        count = results.counters
        discarded = {
            name: number
            for name, number in results.with_prefix("events.discarded").items()
            if name.endswith(f".{CONNECTION_REQUEST}")
        }
        books = cls(
            received=count["connection_requests.received"],
            accepted=count["connection_requests.accepted"],
            unauthorized=count["connection_requests.unauthorized"],
            not_found=count["connection_requests.not_found"],
            refused=count["connection_requests.refused"],
            coalesced=discarded.pop(f"merged.{CONNECTION_REQUEST}", 0),
            delivered=count[f"events.delivered.{CONNECTION_REQUEST}"],
            dropped=sum(discarded.values()),
            pending=count[f"events.pending.{CONNECTION_REQUEST}"],
        )
        return books if final else books._with_the_rest_pending()

    @classmethod
    def of_way(cls, way: Way, results: Results, *, final: bool) -> Self:
        """The books of one worker for the requests of one way; these are counted elsewhere."""
        path = path_of(way)
        counts = {name: results.counters[f"{path}.{name}"] for name in (*VERDICTS, *ENDS)}
        books = cls(received=sum(counts[verdict] for verdict in VERDICTS), **counts)
        return books if final else books._with_the_rest_pending()

    @classmethod
    def added(cls, books: Sequence[Self]) -> Self:
        """The books of several workers, or ways, as one."""
        return cls(*map(sum, zip(*books, strict=True)))

    def _with_the_rest_pending(self) -> Self:
        ends = self.coalesced + self.delivered + self.dropped
        return self._replace(pending=self.accepted - ends)

    def balance(self) -> bool:
        """Whether nothing got lost: received by answer, accepted by what became of it."""
        ends = self.delivered + self.coalesced + self.pending + self.dropped
        answers = self.accepted + self.unauthorized + self.not_found + self.refused
        return self.accepted == ends and self.received == answers


def pending_connection_requests(snapshot: WorkerSnapshot) -> int:
    """Connection Requests that a worker had accepted, and of which this report says no end."""
    return ConnectionRequestBooks.of(snapshot.results, final=snapshot.final).pending
