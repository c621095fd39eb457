"""Results: counters and histograms that records fill, and that merge."""

from __future__ import annotations

import json

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


def test_many_records_count_as_each_alone() -> None:
    failed = SESSION._replace(outcome=Outcome.FAILED, reason="HTTP 500", blame=Blame.ACS)
    sessions = [SESSION, SESSION, failed, SESSION._replace(inform_sent=None)]
    exchanges = [ExchangeRecord(name, 0.0, 0.1, 10, 20) for name in ("Inform", "(empty)", "Inform")]
    together, alone = Results(), Results()
    together.take_sessions(session_columns(sessions))
    together.take_exchanges(exchange_columns(exchanges))
    for session in sessions:
        alone.session(session)
    for exchange in exchanges:
        alone.exchange(exchange)
    assert together.to_wire() == alone.to_wire()


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
