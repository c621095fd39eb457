"""Records into Locust's statistics, beside our own results (decision D7)."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable
from typing import TYPE_CHECKING, Any

from locust import stats

from caretaker.cwmp.outcome import Outcome
from caretaker.stats.records import ExchangeRecord, SessionRecord, loop_times
from caretaker.stats.results import Results
from caretaker.stats.task_outcomes import TaskOutcome, TaskResult
from caretaker.way import Way

if TYPE_CHECKING:
    from locust.event import EventHook

_LOOP_NAMES = {
    "to_inform": "CR accepted to Inform",
    "to_informresponse": "CR accepted to InformResponse",
    "to_session_end": "CR accepted to session end",
}
_ANSWERS = {
    "accepted": "200 accepted",
    "unauthorized": "401 unauthorized",
    "not_found": "404 not found",
    "refused": "503 refused",
}
_Fire = Callable[[str, str, float, int, str | None], None]
REQUEST_TYPES = CWMP, SESSION, LOOP, CR_SERVER, TASK = (
    "CWMP",
    "Session",
    "Loop",
    "CR server",
    "Task",
)
"""What stands in the column Type of Locust's statistics."""


class LocustStats:
    """
    Fires Locust's request event for every record; names are few, and never a serial number.

    Records of exchanges and sessions wait for ``flush``, as many at once cost much less.

    Args:
        results: takes every record, too.
        request: the event.
        locusts: what Locust's own listener to the event fills.
    """

    def __init__(self, results: Results, request: EventHook, locusts: stats.RequestStats) -> None:
        self.results = results
        self._request = request
        self._statistics = Statistics(locusts, self._fire_event)
        self._exchanges: list[ExchangeRecord] = []
        self._sessions: list[SessionRecord] = []

    def flush(self) -> None:
        """
        Hand all records so far to the results and to Locust's statistics.

        To be called before the results are read, and several times a second.
        """
        exchanges, self._exchanges = self._exchanges, []
        sessions, self._sessions = self._sessions, []
        self.results.take_exchanges(exchanges)
        self.results.take_sessions(sessions)
        fire = self._fire()
        for exchange in exchanges:
            fire(CWMP, exchange.name, exchange.seconds, exchange.received, exchange.reason)
        for record in sessions:
            _fire_session(record, fire)
        self._statistics.flush()

    def exchange(self, record: ExchangeRecord) -> None:
        """Each POST of a session by the name of its message."""
        self._exchanges.append(record)

    def session(self, record: SessionRecord) -> None:
        """Each session by the event that was raised first, and the closed loop."""
        self._sessions.append(record)

    def connection_request(self, verdict: str, seconds: float, way: Way) -> None:
        """Each answer to a Connection Request."""
        self.results.connection_request(verdict, seconds, way)
        self._fire()(CR_SERVER, _ANSWERS[verdict], seconds, 0, None)

    def task(self, name: str, result: TaskResult, seconds: float, way: Way) -> None:
        """
        Each task of an operator that has ended.

        Args:
            name: of the task.
            result: how it ended.
            seconds: from when it was planned until then.
            way: by which its CPE reported that it can be reached.
        """
        outcome, reason, _ = result
        of_way = f"tasks.by_way.{way.value}"
        self.results.count(f"tasks.{outcome}")
        self.results.count(f"{of_way}.{outcome}")
        if outcome is TaskOutcome.NOT_POSTED:
            return
        self.results.count("tasks.posted")
        if outcome is TaskOutcome.DONE:
            self.results.time("tasks.latency", seconds)
            self.results.time(f"{of_way}.latency", seconds)
        if reason is not None:
            self.results.count(f"tasks.reasons.{reason}")
            self.results.count(f"{of_way}.reasons.{reason}")
        shown = f"{name} {outcome}" if outcome is TaskOutcome.QUEUED else name
        self._fire()(TASK, shown, seconds, 0, reason)

    def _fire(self) -> _Fire:
        """Locust's event where someone besides its statistics listens to it, else these alone."""
        return self._statistics.add if _only_statistics_listen(self._request) else self._fire_event

    def _fire_event(
        self, kind: str, name: str, seconds: float, size: int, reason: str | None
    ) -> None:
        self._request.fire(  # type: ignore[no-untyped-call]
            request_type=kind,
            name=name,
            response_time=seconds * 1000,
            response_length=size,
            exception=None if reason is None else _Reason(reason),
            context={},
        )


def _fire_session(record: SessionRecord, fire: _Fire) -> None:
    if record.outcome is not Outcome.ABANDONED:
        event = record.events[0] if record.events else "(retry)"
        fire(SESSION, event, record.seconds, 0, record.reason)
    if record.accepted is not None:
        for name, seconds in loop_times(record):
            fire(LOOP, _LOOP_NAMES[name], seconds, 0, None)


def _only_statistics_listen(request: EventHook) -> bool:
    """Whether nobody has added a listener to the one of Locust's runner."""
    handlers: Any = getattr(request, "_handlers", ())
    return len(handlers) == 1 and handlers[0].__module__ == "locust.runners"


class Statistics:
    """
    Fills Locust's statistics in batches: the event, with only their listener, costs ten times that.

    Args:
        locusts: to fill.
        fire_event: fires Locust's event for a failure, of which Locust keeps more.
    """

    def __init__(self, locusts: stats.RequestStats, fire_event: _Fire) -> None:
        self._locusts = locusts
        self._fire_event = fire_event
        self._batch: dict[tuple[str, str], tuple[list[float], list[int]]] = {}

    def add(self, kind: str, name: str, seconds: float, size: int, reason: str | None) -> None:
        """Add a request to the batch; one that failed goes to Locust at once."""
        if reason is not None:
            self._fire_event(kind, name, seconds, size, reason)
            return
        batch = self._batch.get((name, kind))
        if batch is None:
            batch = self._batch[name, kind] = ([], [])
        batch[0].append(seconds * 1000)
        batch[1].append(size)

    def flush(self) -> None:
        """Give the batch to Locust as requests of this second; call it several times a second."""
        batch, self._batch = self._batch, {}
        for (name, kind), (times, sizes) in batch.items():
            entry = _entry(self._locusts, name, kind, times, sum(sizes))
            self._locusts.entries[name, kind].extend(entry)
            self._locusts.total.extend(entry)


def _entry(
    locusts: stats.RequestStats, name: str, kind: str, times: list[float], size: int
) -> stats.StatsEntry:  # fmt: skip
    """What Locust's own statistics make of these requests."""
    made = stats.StatsEntry(locusts, name, kind)
    entry: Any = made  # its types say int where Locust itself puts what it is given
    entry.num_requests = len(times)
    entry.total_response_time = sum(times)
    entry.min_response_time, entry.max_response_time = min(times), max(times)
    # Looked up each time: who wants other buckets puts another function there.
    entry.response_times = Counter(map(stats.bucket_response_time, times))
    entry.last_request_timestamp = time.time()
    entry.num_reqs_per_sec[int(entry.last_request_timestamp)] = len(times)
    entry.total_content_length = size
    return made


class _Reason(Exception):
    """Why something failed."""

    def __repr__(self) -> str:
        """The reason, without a class name around it."""
        return str(self)
