"""How a run stands, made of what workers report."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.run_states import master, snapshot
from helpers.snapshots import usage
from helpers.summaries import results

from caretaker.engine.cpe_states import STATES
from caretaker.stats.histogram import Histogram
from caretaker.stats.results import Results
from caretaker.stats.timeline import Timeline, TimelineReport
from caretaker.swarm.web.run_state import RunStates
from caretaker.swarm.worker_reports import WINDOW_SECONDS


def test_before_any_run_all_is_nothing() -> None:
    run_state = RunStates(master()).now()
    assert (run_state.run, run_state.running, run_state.seconds) == (0, False, 0.0)
    assert run_state.cpes == dict.fromkeys(STATES, 0)
    assert run_state.summary["sessions"]["failed"] == 0


def test_workers_add_up() -> None:
    made = master()
    made.begin()
    made.run.reports.take("one", snapshot())
    made.run.reports.take("two", snapshot(worker=1))
    run_state = RunStates(made).now()
    assert run_state.running
    assert run_state.cpes == {
        "idle": 14,
        "in_session": 4,
        "waiting": 0,
        "retrying": 2,
        "no_power": 0,
    }
    assert run_state.summary["connection_requests"]["delivered"] == 200
    assert [worker["name"] for worker in run_state.workers] == ["one", "two"]


def test_it_is_made_once_for_a_report() -> None:
    made = master()
    made.begin()
    made.run.reports.take("one", snapshot())
    run_states = RunStates(made)
    assert run_states.now() is run_states.now()
    before = run_states.now()
    made.run.reports.take("one", snapshot(made=results(150)))
    assert run_states.now().summary["sessions"]["succeeded"] == 150
    assert before.summary["sessions"]["succeeded"] == 100


def test_service_levels_have_a_verdict_so_far() -> None:
    made = master(slos=["sessions.failed < 1"])
    made.begin()
    made.run.reports.take("one", snapshot(made=results(failed=1)))
    (verdict,) = RunStates(made).now().summary["service_levels"]
    assert (verdict["level"], verdict["outcome"]) == ("sessions.failed < 1", "broken")


def test_a_generator_that_is_the_limit_says_why() -> None:
    made = master()
    made.begin()
    made.run.reports.take("one", snapshot(usage=usage(cpu_now=97.0)))
    assert RunStates(made).now().limits == [
        "The generator is the limit, not the ACS: worker 0 used 97 % of its core (more workers)."
    ]


def test_one_that_is_not_says_nothing() -> None:
    made = master()
    made.begin()
    made.run.reports.take("one", snapshot())
    assert RunStates(made).now().limits == []


def seconds(*planned: float) -> TimelineReport:
    line = Timeline()
    for at in planned:
        line.planned(at)
    return line.to_wire(final=True)


def test_curves_go_on_where_they_were() -> None:
    made = master()
    made.begin()
    run_states = RunStates(made)
    made.run.reports.take("one", snapshot(timeline=seconds(0, 1, 99)))
    assert run_states.curves()["informs_planned"] == [1, 1, *[0] * 97, 1]
    made.run.reports.take("one", snapshot(timeline=seconds(98, 99, 99, 100)))
    news = run_states.curves(98)
    assert (news["first"], news["informs_planned"]) == (98, [1, 2, 1])
    whole = made.run.timeline().summary(made.run.marks)
    assert run_states.curves() == {"first": 0, **whole}


def test_curves_begin_anew_with_a_run_or_a_longer_step() -> None:
    made = master()
    made.begin()
    run_states = RunStates(made)
    made.run.reports.take("one", snapshot(timeline=seconds(0, 99)))
    run_states.curves()
    made.run.reports.take("one", snapshot(timeline=seconds(0, 99, 700)))
    curves: Any = run_states.curves()
    assert (curves["step"], len(curves["at"])) == (2.0, 351)
    made.begin()
    made.run.reports.take("one", snapshot(run=2, timeline=seconds(0, 1)))
    assert run_states.curves()["informs_planned"] == [1, 1]
    assert run_states.curves(500)["informs_planned"] == []


def test_before_the_first_report_there_is_no_rate() -> None:
    made = master()
    made.begin()
    assert RunStates(made).now().window["rates"]["sessions"] is None


def test_the_first_rates_are_of_all_workers() -> None:
    made = master()
    made.begin()
    made.run.reports.look({"one": 10, "two": 10})
    run_states = RunStates(made)
    made.run.reports.take("one", snapshot(at=3.0))
    assert run_states.now().window["rates"]["sessions"] is None
    made.run.reports.take("two", snapshot(at=4.0))
    assert run_states.now().window["rates"]["sessions"] == pytest.approx(100 / 3 + 100 / 4, 0.01)


def test_what_lies_before_the_window_does_not_count() -> None:
    made = master()
    made.begin()
    run_states = RunStates(made)
    total = results(0)
    for at in range(3, 61, 3):
        total.merge(storm(at))
        made.run.reports.take("one", snapshot(made=Results.from_wire(total.to_wire()), at=at))
        if at not in (30, 60):
            continue  # nobody looks
        window = run_states.now().window
        assert window["seconds"] <= WINDOW_SECONDS + 3
        if at == 30:  # in the storm
            assert window["failed"] > 0
            assert (window["from_plan_ms"]["p99"] or 0) > 1000
    assert run_states.now().summary["sessions"]["failed"] == 4
    assert (window["failed"], window["rates"]["sessions"]) == (0, 10)
    assert window["from_plan_ms"]["max"] == pytest.approx(2, rel=0.02)


def storm(at: int) -> Results:
    """What three seconds bring: 30 good sessions, but slow and failed ones from 21 to 30 s."""
    slow = 21 <= at <= 30
    made = results(29 if slow else 30, failed=int(slow))
    made.histograms["informs.from_plan"] = Histogram()
    made.histograms["informs.from_plan"].extend([5.0 if slow else 0.002] * 30)
    return made


def test_after_the_run_it_is_that_of_the_whole() -> None:
    made = master()
    made.begin()
    made.run.reports.take("one", snapshot(made=results(100, failed=3), at=10.0))
    made.run._began = 0.0
    window = RunStates(made).now().window
    assert (window["seconds"], window["failed"], window["rates"]["sessions"]) == (10.0, 3, 10.0)
