"""Records, and numbers that merge."""

from __future__ import annotations

import json
from math import ceil

import pytest
from helpers.records import changed
from hypothesis import given
from hypothesis import strategies as st

from caretaker.cwmp.outcome import Outcome
from caretaker.errors import Blame
from caretaker.stats.histogram import Histogram
from caretaker.stats.records import ExchangeRecord, SessionRecord
from caretaker.stats.results import Results

TIMES = st.lists(st.floats(1e-6, 5000), min_size=1, max_size=200)


def histogram(times: list[float]) -> Histogram:
    made = Histogram()
    for seconds in times:
        made.add(seconds)
    return made


@given(TIMES, st.sampled_from([1, 50, 95, 99, 100]))
def test_percentiles_are_within_two_percent(times: list[float], percent: int) -> None:
    exact = sorted(times)[ceil(len(times) * percent / 100) - 1]
    assert histogram(times).percentile(percent) == pytest.approx(exact, rel=0.02)


@given(TIMES, TIMES)
def test_merged_histograms_are_those_of_all_times(one: list[float], other: list[float]) -> None:
    merged = histogram(one)
    merged.merge(histogram(other))
    both = histogram(one + other)
    assert (merged.buckets, merged.count, merged.longest, merged.shortest) == (
        both.buckets,
        both.count,
        both.longest,
        both.shortest,
    )
    assert merged.total == pytest.approx(both.total)


@given(TIMES)
def test_a_histogram_survives_the_wire(times: list[float]) -> None:
    made = histogram(times)
    again = Histogram.from_wire(json.loads(json.dumps(made.to_wire())))
    assert made.summary(50, 99) == again.summary(50, 99)
    assert made.mean == pytest.approx(sum(times) / len(times))


def test_an_empty_histogram_is_zero() -> None:
    empty = Histogram()
    empty.merge(Histogram())
    assert empty.summary(50) == {"p50": 0.0, "max": 0.0}
    assert empty.mean == 0


def test_times_below_a_microsecond_count() -> None:
    made = histogram([0.0, 1e-9])
    assert (made.count, made.percentile(99)) == (2, 1e-9)


SESSION = SessionRecord(
    ("6 CONNECTION REQUEST",),
    planned=10.0,
    started=10.5,
    seconds=2.0,
    outcome=Outcome.SUCCEEDED,
    accepted=10.0,
    inform_sent=11.0,
    informed=11.5,
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
        "generator.lateness": 0.5,
        "sessions.duration": 2.0,
        "informs.from_plan": 1.5,
        "connection_requests.to_inform": 1.0,
        "connection_requests.to_informresponse": 1.5,
        "connection_requests.to_session_end": 2.5,
    }


@given(st.lists(st.floats(1e-6, 1e3), min_size=1, max_size=50))
def test_the_distribution_grows_to_one_and_agrees_with_the_percentiles(times: list[float]) -> None:
    histogram = Histogram()
    for seconds in times:
        histogram.add(seconds)
    pairs = histogram.cdf()
    assert pairs == sorted(pairs)
    assert pairs[-1] == [round(max(times) * 1000, 3), 1.0]
    for ms, share in pairs:
        exact = sum(seconds * 1000 <= ms * 1.02 + 0.001 for seconds in times) / len(times)
        assert share <= exact + 1e-6


def test_the_distribution_of_nothing_is_empty() -> None:
    assert Histogram().cdf() == []


def test_a_failed_session_keeps_reason_and_blame() -> None:
    results = Results()
    results.session(
        changed(
            SESSION,
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


@given(TIMES)
def test_how_many_times_are_at_most_so_long(times: list[float]) -> None:
    below, above = min(times) * 0.5, max(times) * 1.02
    assert histogram(times).at_most([below, above]) == [0, len(times)]
