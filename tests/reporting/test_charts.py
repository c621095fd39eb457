"""Charts: what of a summary is drawn, and how two runs are laid over each other."""

from __future__ import annotations

import json
from typing import Any

import pytest
from helpers.summaries import scenario, summary, summary_of, with_timeline

from caretaker.reporting.charts import (
    CDF_TITLE,
    CURVES,
    MOST_POINTS,
    PLANS,
    Chart,
    marks_of,
    of_run,
    of_two,
    step_of,
)
from caretaker.stats.results import Results
from caretaker.stats.timeline import Timeline

INFORMS, SESSIONS, FROM_PLAN, TO_INFORM, CPES, CRS = (plan.title for plan in PLANS)


def chart(charts: list[Chart], title: str) -> Chart:
    return next(each for each in charts if each.title == title)


def lines(found: Chart) -> dict[str, list[float | None]]:
    return {line.label: line.values for line in found.series}


def test_every_line_is_a_column_of_the_timeline() -> None:
    timeline = Timeline().summary()
    for plan in PLANS:
        for line in plan.lines:
            column: Any = timeline
            for name in line.path.split("."):
                column = column[name]
            assert column == []
        assert plan.compared


def test_counts_are_rates_and_gauges_and_times_are_as_they_are() -> None:
    found = of_run(with_timeline(step=2.0, informs=[10, 20], cpes_on=[5, 6]))
    assert lines(chart(found, INFORMS)) == {"written": [5, 10]}
    assert lines(chart(found, CPES)) == {"with power": [5, 6]}
    found = of_run(with_timeline(to_inform_ms={"p50": [1.5, None], "max": [2, None]}))
    assert lines(chart(found, TO_INFORM)) == {"p50": [1.5, None], "max": [2, None]}
    assert chart(found, TO_INFORM).log


def test_failures_are_told_apart_by_whose_fault_they_are() -> None:
    found = with_timeline(failed_by={"acs": [0, 3], "ours": [0, 0], "generator": [1, 0]})
    assert lines(chart(of_run(found), SESSIONS)) == {
        "failed: ACS": [0, 3],
        "failed: generator's limit": [1, 0],
    }


def test_a_run_without_a_timeline_has_empty_charts() -> None:
    without = summary_of(Results())
    assert [each.series for each in of_run(without)] == [()] * (len(PLANS) + 1)
    assert of_two(without, without)[0].series == ()


def test_a_long_timeline_is_thinned_out() -> None:
    size = 2 * MOST_POINTS
    found = with_timeline(
        informs=[1, 3] * MOST_POINTS,
        cpes_on=list(range(size)),
        to_inform_ms={"p99": [None, 7.0] * MOST_POINTS},
    )
    charts = of_run(found)
    assert len(chart(charts, INFORMS).x) == MOST_POINTS
    assert set(lines(chart(charts, INFORMS))["written"]) == {2}  # 4 in 2 seconds
    assert lines(chart(charts, CPES))["with power"][:2] == [1, 3]
    assert set(lines(chart(charts, TO_INFORM))["p99"]) == {7.0}
    assert step_of(found) == 2
    assert step_of(summary()) == 1


def test_marks_are_what_was_done_and_what_was_reached_in_order() -> None:
    found = with_timeline(
        marks=[{"at": 5, "text": "power cut"}, {"at": float("inf"), "text": "never"}]
    )
    found["scenario"] = scenario(marks=[{"at": 9.5, "text": "steady"}, {"at": 1, "text": "<i>"}])
    marks = marks_of(found)
    assert [mark["text"] for mark in marks] == ["<i>", "power cut", "steady"]
    assert of_run(found)[0].marks == marks


def test_the_spread_of_connection_requests() -> None:
    found = summary()
    found["connection_requests"]["to_inform_cdf"] = [[1.0, 0.25], [8.0, 1.0]]
    drawn = chart(of_run(found), CDF_TITLE)
    assert drawn.x == [1.0, 8.0]
    assert lines(drawn) == {"Connection Requests": [25, 100]}
    assert drawn.x_log


def test_curves_of_scenarios_have_a_title() -> None:
    curves = {"first_converged": [[3, 0.5], [0, 0.0]], "of_a_plugin": [[1, 2]]}
    drawn = of_run(summary() | {"scenario": scenario(curves=curves)})[-2:]
    assert drawn[0].title == CURVES["converged"][0]
    assert (drawn[0].x, drawn[0].series[0].values) == ([0, 3], [0, 50])
    assert drawn[1].title == "of a plugin"


def test_two_runs_of_different_steps_and_lengths_lie_over_each_other() -> None:
    a = with_timeline(step=1.0, informs=[2, 4, 6, 8, 10, 12])
    b = with_timeline(step=2.0, informs=[8, 12])
    found = chart(of_two(a, b), INFORMS)
    assert list(found.x) == [0, 2, 4]
    assert lines(found) == {"A: written": [3, 7, 11], "B: written": [4, 6, None]}


def test_two_spreads_are_compared_at_all_their_places() -> None:
    a, b = summary(), summary()
    a["connection_requests"]["to_inform_cdf"] = [[1.0, 0.5], [4.0, 1.0]]
    b["connection_requests"]["to_inform_cdf"] = [[2.0, 1.0]]
    found = chart(of_two(a, b), CDF_TITLE)
    assert found.x == [1, 2, 4]
    assert lines(found) == {"A": [50, 50, 100], "B": [0, 100, 100]}


@pytest.mark.parametrize("odd", [float("nan"), float("inf"), "7", True, {}, [1]])
def test_what_is_no_number_is_none_so_that_it_is_json(odd: Any) -> None:
    found = of_run(with_timeline(informs=[1, odd, 3]))
    assert lines(chart(found, INFORMS))["written"] == [1, None, 3]
    for each in found:
        json.dumps(each.to_json(), allow_nan=False)


def test_a_line_that_lies_on_another_one_is_dashed_so_that_both_show() -> None:
    same, other = [1, 2, 3, 0], [1, 2, 0, 4]
    made = with_timeline(crs_received=[2, 4, 6, 0], crs_accepted=same, crs_delivered=same)
    lines = {one.label: one.dashed for one in chart_of(made, "Connection Requests per second")}
    assert lines == {"received": False, "accepted": False, "delivered": True}
    made = with_timeline(crs_received=[2, 4, 6, 0], crs_accepted=same, crs_delivered=other)
    assert not any(one.dashed for one in chart_of(made, "Connection Requests per second")[:2])


def chart_of(made: Any, title: str) -> Any:
    (chart,) = (each for each in of_run(made) if each.title == title)
    return chart.series
