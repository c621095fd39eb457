"""The timeline and its points: what happened in which second, merged over workers, bounded."""

from __future__ import annotations

from dataclasses import fields
from typing import Any

import pytest
from helpers.counted_singly import put_session, session_records
from hypothesis import given
from hypothesis import strategies as st

from caretaker.cwmp.outcome import Outcome
from caretaker.errors import Blame
from caretaker.stats.records import SessionRecord
from caretaker.stats.timeline import MAX_POINTS, Timeline, TimelineColumns
from caretaker.stats.timeline_point import BLAMES, COUNTS, GAUGES, TIMES, Point

CR = "6 CONNECTION REQUEST"


def session(at: float, seconds: float = 0.01, **changes: Any) -> SessionRecord:
    """A good session that began at that time, as planned, and answers a Connection Request."""
    record = SessionRecord(
        (CR,), at, at, seconds=seconds, outcome=Outcome.SUCCEEDED, accepted=at - 0.002,
        inform_sent=at + 0.001, informed=at + 0.004,
    )  # fmt: skip
    return record._replace(**changes)


def told(*timelines: Timeline) -> TimelineColumns:
    return Timeline.total(timelines).summary()


def test_every_field_of_a_point_is_a_count_a_gauge_or_times() -> None:
    assert (*COUNTS, *GAUGES, *TIMES) == tuple(field.name for field in fields(Point))
    assert set(BLAMES) == set(Blame) - {Blame.SHED}


def test_things_count_in_the_second_in_which_they_happen() -> None:
    line = Timeline(start=100.0)
    line.planned(101.9)
    line.session(session(101.9, 0.3, inform_sent=101.95, informed=102.1, accepted=101.9))
    summary = line.summary()
    assert summary["at"] == [0, 1, 2]
    assert summary["informs_planned"] == [0, 1, 0]
    assert summary["informs"] == [0, 1, 0]
    assert summary["sessions_succeeded"] == [0, 0, 1]
    assert summary["crs_delivered"] == [0, 0, 1]
    assert summary["sessions_ms"]["max"] == [None, None, 300.0]
    assert summary["from_plan_ms"]["max"] == [None, None, 200.0]
    assert summary["to_inform_ms"]["max"] == [None, None, 50.0]


@pytest.mark.parametrize(
    ("outcome", "blame", "column"),
    [
        (Outcome.FAILED, Blame.ACS, "acs"),
        (Outcome.FAILED, Blame.GENERATOR, "generator"),
        (Outcome.FAILED, Blame.OURS, "ours"),
    ],
)
def test_failures_are_kept_apart_by_blame(outcome: Outcome, blame: Blame, column: str) -> None:
    line = Timeline()
    line.session(session(0.0, outcome=outcome, blame=blame))
    summary = line.summary()
    assert summary["sessions_failed"] == [1]
    failed = {name: sum(column) for name, column in summary["failed_by"].items()}
    assert failed == {"ours": 0, "acs": 0, "generator": 0, column: 1}
    assert summary["sessions_ms"]["max"] == [None]


def test_shed_and_abandoned_sessions_are_no_failures() -> None:
    line = Timeline()
    line.session(session(0.0, outcome=Outcome.SHED, blame=Blame.SHED))
    line.session(session(0.0, outcome=Outcome.ABANDONED))
    summary = line.summary()
    assert (summary["sessions_shed"], summary["sessions_failed"]) == ([1], [0])


@given(st.lists(session_records(), max_size=30), st.integers(1, 30))
def test_a_batch_of_sessions_comes_into_the_same_points_as_each_alone(
    sessions: list[SessionRecord], size: int
) -> None:
    together, alone = Timeline(), Timeline()
    for number, record in enumerate(sessions, 1):
        together.session(record)
        put_session(alone, record)
        if number % size == 0:
            together.settle()
    assert together.summary() == alone.summary()
    assert together.to_wire(final=True)["step"] == alone.step


@given(
    st.lists(st.floats(90, 110) | st.floats(0, 5000), max_size=60),
    st.sampled_from([0.0, 0.3, 99.7, 1e6]),
)
def test_informs_planned_together_come_into_the_same_points_as_each_alone(
    times: list[float], start: float
) -> None:
    together, alone = Timeline(start), Timeline(start)
    together.planned_together(times)
    for at in sorted(times):
        alone.planned(at)
    assert together.to_wire(final=True) == alone.to_wire(final=True)


def test_connection_requests_are_counted_by_verdict() -> None:
    line = Timeline()
    for verdict in ("unauthorized", "accepted", "refused"):
        line.connection_request(0.5, verdict)
    summary = line.summary()
    assert (summary["crs_received"], summary["crs_accepted"]) == ([3], [1])


def test_workers_add_up_second_by_second_and_gauges_hold() -> None:
    one, two = Timeline(), Timeline()
    one.sample(0.5, 10, 1)
    one.sample(2.5, 12, 0)
    two.sample(1.5, 5, 2)
    for line in (one, two):
        line.planned(1.0)
    summary = told(one, two)
    assert summary["cpes_on"] == [10, 15, 17]
    assert summary["retrying"] == [1, 3, 2]
    assert summary["informs_planned"] == [0, 2, 0]


def test_a_gauge_without_a_sample_has_no_data_and_adds_nothing() -> None:
    early, late = Timeline(), Timeline()
    early.planned(0.5)
    early.sample(1.5, 10, 0)
    late.planned(1.5)
    late.sample(2.5, 5, 1)
    summary = told(early, late)
    assert summary["cpes_on"] == [None, 10, 15]
    assert summary["retrying"] == [None, 0, 1]


def test_a_report_tells_what_changed_of_late_and_the_last_one_everything() -> None:
    line = Timeline()
    for second in range(100):
        line.planned(second)
    line.planned(3.0)  # a due time that waited long for its session
    recent = {number for number, _ in line.to_wire(final=False)["points"]}
    assert recent == {3, *range(84, 100)}
    assert len(line.to_wire(final=True)["points"]) == 100


def test_a_report_that_comes_twice_or_never_does_no_harm() -> None:
    line, master = Timeline(), Timeline()
    for second in range(60):
        line.planned(second)
        if second == 5:
            first = line.to_wire(final=False)
            master.take(first)
            master.take(first)
    master.take(line.to_wire(final=True))
    assert master.summary() == line.summary()


def test_a_long_run_has_no_more_points_than_a_short_one() -> None:
    line, master = Timeline(), Timeline()
    for second in range(5000):
        line.planned(second)
        line.sample(second, second, 0)
        if second % 3 == 0:
            master.take(line.to_wire(final=False))
    master.take(line.to_wire(final=True))
    summary = master.summary()
    assert summary == line.summary()
    assert len(summary["at"]) <= MAX_POINTS
    assert summary["step"] == 16.0
    assert summary["informs_planned"][0] == 16
    assert summary["cpes_on"][0] == 15
    assert sum(summary["informs_planned"]) == 5000


def test_a_worker_that_is_behind_joins_in_the_longer_step() -> None:
    ahead, behind = Timeline(), Timeline()
    ahead.planned(MAX_POINTS)
    behind.planned(3.0)
    summary = told(ahead, behind)
    assert (summary["step"], summary["informs_planned"][1]) == (2.0, 1)
    assert behind.step == 1.0


def test_a_stretch_can_be_looked_at() -> None:
    line = Timeline()
    for second in range(10):
        line.planned(second)
    assert line.between(2, 5).informs_planned == 3


def test_time_before_the_start_belongs_to_the_first_second() -> None:
    line = Timeline(start=10.0)
    line.planned(8.0)
    assert line.summary()["informs_planned"] == [1]


def test_nothing_has_no_points() -> None:
    assert told()["at"] == []


@given(st.lists(st.tuples(st.integers(0, 2), st.floats(0, 3000)), max_size=60), st.data())
def test_merging_is_the_same_in_any_order_with_any_reports(
    happened: list[tuple[int, float]], data: st.DataObject
) -> None:
    workers = [Timeline() for _ in range(3)]
    masters = [Timeline() for _ in range(3)]
    for number, at in happened:
        workers[number].session(session(at))
        if data.draw(st.booleans()):
            masters[number].take(workers[number].to_wire(final=False))
    for worker, master in zip(workers, masters, strict=True):
        master.take(worker.to_wire(final=True))
    assert told(*masters) == told(*reversed(workers))


def test_the_end_of_a_timeline_is_that_of_the_whole() -> None:
    one, two = Timeline(), Timeline()
    for second in range(20):
        one.planned(second)
        one.sample(second, 10, second)
        if second < 3:
            two.sample(second, 5, 1)  # and then it falls silent: its gauges hold
    whole = Timeline.total([one, two]).summary()
    end = Timeline.total([one, two], 15).summary(first=15)
    for name in ("at", "informs_planned", "cpes_on", "retrying"):
        assert end[name] == whole[name][15:]
