"""Results: counters and histograms that records fill, and that merge."""

from __future__ import annotations

import json

import pytest
from helpers.counted_singly import count_exchange, count_session, exchange_records, session_records
from hypothesis import given
from hypothesis import strategies as st

from caretaker.cwmp.outcome import Outcome
from caretaker.errors import Blame
from caretaker.stats.records import ExchangeRecord, SessionRecord, exchange_columns, session_columns
from caretaker.stats.results import Results

SESSION = SessionRecord(
    ("6 CONNECTION REQUEST",),
    planned=10.0,
    started=10.5,
    seconds=2.0,
    outcome=Outcome.SUCCEEDED,
    accepted=10.0,
    inform_sent=11.0,
    informed=11.5,
    lateness=0.3,
    place_wait=0.2,
)


def test_a_session_is_counted_with_its_loop() -> None:
    results = Results()
    results.session(SESSION)
    assert results.counters == {
        "sessions.started": 1,
        "sessions.succeeded": 1,
        "informs.total": 1,
        "informs.by_event.6 CONNECTION REQUEST": 1,
    }
    longest = {name: each.longest for name, each in results.histograms.items()}
    assert longest == {
        "generator.lateness": 0.3,
        "generator.place_wait": 0.2,
        "sessions.duration": 2.0,
        "informs.from_plan": 1.5,
        "connection_requests.to_inform": 1.0,
        "connection_requests.to_informresponse": 1.5,
        "connection_requests.to_session_end": 2.5,
        "connection_requests.by_way.http.to_inform": 1.0,
        "connection_requests.by_way.http.to_informresponse": 1.5,
        "connection_requests.by_way.http.to_session_end": 2.5,
    }


def test_a_failed_session_keeps_reason_and_blame() -> None:
    results = Results()
    results.session(
        SESSION._replace(
            outcome=Outcome.FAILED,
            reason="HTTP 500",
            blame=Blame.ACS,
            inform_sent=None,
            informed=None,
        )
    )
    assert results.with_prefix("sessions.reasons") == {"HTTP 500": 1}
    assert results.with_prefix("sessions.blame") == {"acs": 1}
    assert results.with_prefix("sessions.failures") == {"acs.HTTP 500": 1}
    assert "informs.total" not in results.counters
    assert "sessions.duration" not in results.histograms


@given(st.lists(session_records(), max_size=30), st.lists(exchange_records, max_size=30))
def test_a_batch_counts_as_its_records_alone(
    sessions: list[SessionRecord], exchanges: list[ExchangeRecord]
) -> None:
    together, alone = Results(), Results()
    together.take_exchanges(exchange_columns(exchanges))
    if sessions:
        together.take_sessions(session_columns(sessions))
    for exchange in exchanges:
        count_exchange(alone, exchange)
    for session in sessions:
        count_session(alone, session)
    assert together.counters == alone.counters
    assert together.histograms.keys() == alone.histograms.keys()
    for name, own in together.histograms.items():
        single = alone.histograms[name]
        assert own.buckets == single.buckets
        assert (own.shortest, own.longest) == (single.shortest, single.longest)
        assert own.total == pytest.approx(single.total)


def test_results_merge_over_the_wire() -> None:
    one, other = Results(), Results()
    for results in (one, other):
        results.session(SESSION)
        results.exchange(ExchangeRecord("Inform", 0.0, 0.1, 10, 20))
        results.exchange(ExchangeRecord("Inform", 0.0, 0.1, 10, 0, reason="no answer in time"))
        results.connection_request("accepted", 0.001)
    one.merge(Results.from_wire(json.loads(json.dumps(other.to_wire()))))
    assert one.counters["sessions.started"] == 2
    assert one.counters["exchanges.failed.Inform"] == 2
    assert one.histogram("exchanges.Inform").count == 4
    assert one.counters["connection_requests.received"] == 2
