"""Records into Locust's statistics, beside our own results (decision D7)."""

from __future__ import annotations

import time
from collections import Counter, defaultdict
from collections.abc import Sequence
from itertools import repeat
from math import inf
from typing import TYPE_CHECKING, Any

from locust import stats

from caretaker.cwmp.outcome import ABANDONED
from caretaker.stats.counting import IN_PYTHON, count_milliseconds
from caretaker.stats.records import (
    ExchangeRecord,
    SessionColumns,
    SessionRecord,
    exchange_columns,
    loop_times,
    session_columns,
)
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
    Puts every record into Locust's statistics; names are few, and never a serial number.

    Locust's request event is fired where someone besides these statistics listens to it.

    Records of exchanges and sessions wait for ``flush``, as many at once cost much less.

    Args:
        results: takes every record, too.
        request: the event.
        locusts: what Locust's own listener to the event fills.
    """

    def __init__(self, results: Results, request: EventHook, locusts: stats.RequestStats) -> None:
        self.results = results
        self._request = request
        self._statistics = Statistics(locusts)
        self._exchanges: list[ExchangeRecord] = []
        self._sessions: list[SessionRecord] = []

    def flush(self) -> None:
        """
        Hand all records so far to the results and to Locust's statistics.

        To be called before the results are read, and several times a second.
        """
        exchanges, self._exchanges = self._exchanges, []
        sessions, self._sessions = self._sessions, []
        if exchanges:
            by_name = exchange_columns(exchanges)
            self.results.take_exchanges(by_name)
            for name, own in by_name.items():
                self._add(CWMP, name, own.seconds, own.received, own.reason)
        if sessions:
            columns = session_columns(sessions)
            self.results.take_sessions(columns)
            self._add_sessions(columns)
        self._statistics.flush()

    def _add_sessions(self, columns: SessionColumns) -> None:
        times: defaultdict[str, list[float]] = defaultdict(list)
        reasons: defaultdict[str, list[str | None]] = defaultdict(list)
        for codes, outcome, seconds, reason in zip(
            columns.events, columns.outcome, columns.seconds, columns.reason, strict=True
        ):
            if outcome is not ABANDONED:
                event = codes[0] if codes else "(retry)"
                times[event].append(seconds)
                reasons[event].append(reason)
        for event, own in times.items():
            self._add(SESSION, event, own, (), reasons[event])
        for (name, _), passed in loop_times(columns).items():
            self._add(LOOP, _LOOP_NAMES[name], passed)

    def exchange(self, record: ExchangeRecord) -> None:
        """Each POST of a session by the name of its message."""
        self._exchanges.append(record)

    def session(self, record: SessionRecord) -> None:
        """Each session by the event that was raised first, and the closed loop."""
        self._sessions.append(record)

    def connection_request(self, verdict: str, seconds: float, way: Way) -> None:
        """Each answer to a Connection Request."""
        self.results.connection_request(verdict, seconds, way)
        self._add(CR_SERVER, _ANSWERS[verdict], (seconds,))

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
        self._add(TASK, shown, (seconds,), (), (reason,))

    def _add(
        self,
        kind: str,
        name: str,
        seconds: Sequence[float],
        sizes: Sequence[int] = (),
        reasons: Sequence[str | None] = (),
    ) -> None:
        """Add requests of a type and name; sizes are 0 and reasons None where none are given."""
        if _only_statistics_listen(self._request):
            self._statistics.add(kind, name, seconds, sizes, reasons)
            return
        for passed, size, reason in zip(
            seconds, sizes or repeat(0), reasons or repeat(None), strict=False
        ):
            self._request.fire(  # type: ignore[no-untyped-call]
                request_type=kind,
                name=name,
                response_time=passed * 1000,
                response_length=size,
                exception=None if reason is None else _Reason(reason),
                context={},
            )


def _only_statistics_listen(request: EventHook) -> bool:
    """Whether nobody has added a listener to the one of Locust's runner."""
    handlers: Any = getattr(request, "_handlers", ())
    return len(handlers) == 1 and handlers[0].__module__ == "locust.runners"


class Statistics:
    """
    Fills Locust's statistics in batches: the event, with only their listener, costs ten times that.

    Args:
        locusts: to fill.
    """

    def __init__(self, locusts: stats.RequestStats) -> None:
        self._locusts = locusts
        self._batch: dict[tuple[str, str], _Batch] = {}

    def add(
        self,
        kind: str,
        name: str,
        seconds: Sequence[float],
        sizes: Sequence[int],
        reasons: Sequence[str | None],
    ) -> None:
        """Add requests to the batch, as to ``LocustStats``."""
        # Looked up each time: who wants other buckets puts another function there.
        bucket = stats.bucket_response_time
        is_locusts = bucket.__module__ == stats.__name__
        count = count_milliseconds if is_locusts else IN_PYTHON.count_milliseconds
        batch = self._batch.get((name, kind))
        if batch is None:
            batch = self._batch[name, kind] = _Batch()
        total, shortest, longest = count(batch.rounded, seconds, bucket)
        batch.number += len(seconds)
        batch.total += total
        batch.shortest = min(batch.shortest, shortest)
        batch.longest = max(batch.longest, longest)
        batch.size += sum(sizes)
        if reasons.count(None) < len(reasons):
            batch.reasons.update([reason for reason in reasons if reason is not None])

    def flush(self) -> None:
        """Give the batch to Locust as requests of this second; call it several times a second."""
        batches, self._batch = self._batch, {}
        for (name, kind), batch in batches.items():
            entry = _entry(self._locusts, name, kind, batch)
            self._locusts.entries[name, kind].extend(entry)
            self._locusts.total.extend(entry)
            for reason, number in batch.reasons.items():
                self._count_error(kind, name, _Reason(reason), number)

    def _count_error(self, kind: str, name: str, reason: _Reason, number: int) -> None:
        """Add failures to Locust's table of errors, as ``RequestStats.log_error`` does for one."""
        errors, key = self._locusts.errors, stats.StatsError.create_key(kind, name, reason)
        error = errors.get(key)
        if error is None:
            error = errors[key] = stats.StatsError(kind, name, reason)
        error.occurred()
        error.occurrences += number - 1


class _Batch:
    """Requests of one type and name; times are in milliseconds."""

    def __init__(self) -> None:
        self.number = 0
        self.rounded: dict[int, int] = {}
        """How many there are by the time that Locust rounds theirs to."""
        self.total = 0.0
        self.shortest = inf
        self.longest = 0.0
        self.size = 0
        """Bytes of all."""
        self.reasons: Counter[str] = Counter()
        """Of those that failed."""


def _entry(
    locusts: stats.RequestStats, name: str, kind: str, batch: _Batch
) -> stats.StatsEntry:  # fmt: skip
    """What Locust's own statistics make of these requests."""
    made = stats.StatsEntry(locusts, name, kind)
    entry: Any = made  # its types say int where Locust itself puts what it is given
    now = time.time()
    entry.num_requests = batch.number
    entry.total_response_time = batch.total
    entry.min_response_time, entry.max_response_time = batch.shortest, batch.longest
    entry.response_times = batch.rounded
    entry.last_request_timestamp = now
    entry.num_reqs_per_sec[int(now)] = batch.number
    entry.total_content_length = batch.size
    if batch.reasons:
        entry.num_failures = entry.num_fail_per_sec[int(now)] = batch.reasons.total()
    return made


class _Reason(Exception):
    """Why something failed."""

    def __repr__(self) -> str:
        """The reason, without a class name around it."""
        return str(self)
