"""Records become Locust's statistics, under few names."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pytest
from helpers.counted_singly import exchange_records, session_records
from helpers.ends import at_end
from hypothesis import given
from hypothesis import strategies as st
from locust import stats
from locust.env import Environment
from locust.event import EventHook
from locust.stats import RequestStats, StatsEntry

from caretaker.cwmp.outcome import Outcome
from caretaker.stats.records import ExchangeRecord, SessionRecord
from caretaker.stats.results import Results
from caretaker.stats.task_outcomes import TaskOutcome, TaskResult
from caretaker.swarm.locust_stats import LocustStats
from caretaker.way import Way

SESSION = SessionRecord(
    ("0 BOOTSTRAP", "1 BOOT"), 0.0, 0.0, seconds=0.5, outcome=Outcome.SUCCEEDED, accepted=0.0,
    inform_sent=0.1, informed=0.2,
)  # fmt: skip


def fired(*calls: tuple[str, tuple[Any, ...]]) -> list[tuple[str, str, float, str | None]]:
    seen: list[tuple[str, str, float, str | None]] = []

    def listen(
        *, request_type: str, name: str, response_time: float, exception: Any, **_: Any
    ) -> None:
        seen.append((request_type, name, response_time, repr(exception) if exception else None))

    hook = EventHook()  # type: ignore[no-untyped-call]
    hook.add_listener(listen)  # type: ignore[no-untyped-call]
    sink = LocustStats(Results(), hook, RequestStats())
    for method, arguments in calls:
        getattr(sink, method)(*arguments)
        sink.flush()
    return seen


def statistics(
    sessions: Sequence[SessionRecord], exchanges: Sequence[ExchangeRecord], *, listening: bool
) -> list[Any]:
    """What Locust's statistics have of these, with a listener of a user's or without."""
    environment = Environment()
    at_end(environment.create_local_runner().greenlet.kill)
    heard: list[str] = []
    if listening:
        environment.events.request.add_listener(lambda name, **_: heard.append(name))  # type: ignore[no-untyped-call]
    sink = LocustStats(Results(), environment.events.request, environment.stats)
    for session in sessions:
        sink.session(session)
    for exchange in exchanges:
        sink.exchange(exchange)
    sink.flush()
    total = environment.stats.total
    assert len(heard) == (total.num_requests if listening else 0)
    entries = {(own.method, own.name): own for own in environment.stats.entries.values()}
    errors = environment.stats.errors.values()
    return [
        *sorted(_numbers(key, entry) for key, entry in [*entries.items(), (("", ""), total)]),
        *sorted((each.to_name(), each.occurrences) for each in errors),
    ]


def _numbers(key: tuple[str, str], entry: StatsEntry) -> tuple[Any, ...]:
    return (
        key, entry.num_requests, entry.num_failures, entry.min_response_time,
        entry.max_response_time, pytest.approx(entry.total_response_time),
        entry.total_content_length, dict(entry.response_times),
        sum(entry.num_reqs_per_sec.values()), sum(entry.num_fail_per_sec.values()),
    )  # fmt: skip


@given(st.lists(session_records(), max_size=20), st.lists(exchange_records, max_size=20))
def test_batches_are_what_locusts_own_listener_makes_of_single_records(
    sessions: list[SessionRecord], exchanges: list[ExchangeRecord]
) -> None:
    ours, locusts = (statistics(sessions, exchanges, listening=each) for each in (False, True))
    assert ours == locusts


def test_a_users_own_buckets_are_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stats, "bucket_response_time", lambda milliseconds: int(milliseconds // 7))
    entry = statistics([SESSION], (), listening=False)[-2]
    assert entry[7] == {500 // 7: 1}


def test_a_session_is_named_by_its_first_event() -> None:
    assert fired(("session", (SESSION,))) == [
        ("Session", "0 BOOTSTRAP", 500.0, None),
        ("Loop", "CR accepted to Inform", 100.0, None),
        ("Loop", "CR accepted to InformResponse", 200.0, None),
        ("Loop", "CR accepted to session end", 500.0, None),
    ]


def test_a_failure_is_listed_by_its_reason_alone() -> None:
    record = SESSION._replace(outcome=Outcome.FAILED, reason="HTTP 500", accepted=None)
    assert fired(("session", (record,))) == [("Session", "0 BOOTSTRAP", 500.0, "HTTP 500")]


def test_a_session_that_lost_its_power_is_no_statistic() -> None:
    assert fired(("session", (SESSION._replace(outcome=Outcome.ABANDONED, accepted=None),))) == []


def test_exchanges_requests_and_tasks() -> None:
    assert fired(
        ("exchange", (ExchangeRecord("Inform", 0.0, 0.25, 1, 2),)),
        ("exchange", (ExchangeRecord("(empty)", 0.0, 0.25, 1, 2, reason="no answer in time"),)),
        ("connection_request", ("unauthorized", 0.001, Way.HTTP)),
        ("task", ("getParameterValues", TaskResult(TaskOutcome.DONE), 0.5, Way.HTTP)),
        ("task", ("getParameterValues", TaskResult(TaskOutcome.QUEUED), 0.5, Way.HTTP)),
        (
            "task",
            ("getParameterValues", TaskResult(TaskOutcome.API_ERROR, "HTTP 404"), 0.5, Way.HTTP),
        ),
    ) == [
        ("CWMP", "Inform", 250.0, None),
        ("CWMP", "(empty)", 250.0, "no answer in time"),
        ("CR server", "401 unauthorized", 1.0, None),
        ("Task", "getParameterValues", 500.0, None),
        ("Task", "getParameterValues queued", 500.0, None),
        ("Task", "getParameterValues", 500.0, "HTTP 404"),
    ]
