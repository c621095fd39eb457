"""A warm-up is kept apart exactly, and nothing of the run is lost by it."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from caretaker.stats.results import Results
from caretaker.stats.run_results import RunResults

TIMES = st.lists(st.floats(1e-5, 100), max_size=30)


def counted(run: RunResults, times: list[float]) -> None:
    for seconds in times:
        run.current.count("sessions.succeeded")
        run.current.time("sessions.duration", seconds)


def booked(run: RunResults, planned: int) -> Results:
    """The whole run's results, with what the shard adds to each report."""
    whole = run.whole()
    whole.count("informs.planned", planned)
    whole.count("events.raised.2 PERIODIC", planned)
    return whole


def of(times: list[float]) -> Results:
    only = RunResults(has_warm_up=False)
    counted(only, times)
    return only.current


@given(TIMES, TIMES)
def test_what_came_after_the_warm_up_is_what_a_run_without_one_has(
    before: list[float], after: list[float]
) -> None:
    run = RunResults(has_warm_up=True)
    counted(run, before)
    run.end_warm_up(informs_planned=7)
    counted(run, after)
    whole = booked(run, 10)
    measured = run.measured(whole)
    assert measured is not None
    assert measured.counters["informs.planned"] == 3
    assert measured.counters["sessions.succeeded"] == len(after)
    alone = of(after)
    assert measured.histogram("sessions.duration").to_wire() == (
        alone.histogram("sessions.duration").to_wire()
    )
    both = of(before + after)
    assert whole.counters["informs.planned"] == 10
    assert whole.counters["sessions.succeeded"] == len(before + after)
    assert whole.histogram("sessions.duration").buckets == (
        both.histogram("sessions.duration").buckets
    )


def test_a_reason_of_the_warm_up_alone_is_not_measured() -> None:
    run = RunResults(has_warm_up=True)
    run.current.count("sessions.reasons.connection refused")
    run.end_warm_up(0)
    measured = run.measured(run.whole())
    assert measured is not None
    assert measured.with_prefix("sessions.reasons") == {}
    assert run.whole().with_prefix("sessions.reasons") == {"connection refused": 1}


def test_a_run_that_ends_in_its_warm_up_has_measured_nothing() -> None:
    run = RunResults(has_warm_up=True)
    counted(run, [1.0])
    measured = run.measured(booked(run, 5))
    assert measured is not None
    assert (measured.counters, measured.histograms) == ({}, {})


def test_without_a_warm_up_all_is_measured() -> None:
    run = RunResults(has_warm_up=False)
    counted(run, [1.0])
    assert run.measured(run.whole()) is None
