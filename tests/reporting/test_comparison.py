"""Two runs side by side: what got worse, what did not, and what can't be compared."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.summaries import everything, scenario, summary

from caretaker.reporting.comparison import BETTER, OTHER, SAME, WORSE, Change, compare
from caretaker.reporting.outcomes import RunOutcome
from caretaker.reporting.summary_types import Summary


def of(a: Summary, b: Summary, metric: str, threshold: float = 0.1) -> Change:
    return next(change for change in compare(a, b, threshold).changes if change.metric == metric)


def with_number(path: str, number: Any) -> Any:
    """A summary with one number changed."""
    found = summary()
    if path.startswith("scenario."):
        found["scenario"] = scenario()
    *sections, name = path.split(".")
    section = found
    for each in sections:
        section = section.setdefault(each, {})
    section[name] = number
    return found


@pytest.mark.parametrize(
    ("path", "a", "b", "verdict"),
    [
        ("tasks.latency_ms.p99", 10.0, 12.0, WORSE),
        ("tasks.latency_ms.p99", 12.0, 10.0, BETTER),
        ("tasks.latency_ms.p99", 10.0, 10.9, SAME),
        ("tasks.latency_ms.max", 10.0, 99.0, OTHER),
        ("generator.lateness_ms.p50", 0.02, 0.04, SAME),  # too little to matter
        ("generator.lateness_ms.p99", 1.0, 2.0, WORSE),
        ("generator.cpu_ms_per_session", 1.0, 2.0, WORSE),
        ("sessions.per_second", 100.0, 50.0, WORSE),
        ("sessions.per_second", 50.0, 100.0, BETTER),
        ("sessions.failed_ratio", 0.0, 0.001, WORSE),
        ("sessions.failed_ratio", 0.001, 0.0, BETTER),
        ("sessions.failed_ratio", None, 0.5, OTHER),
        ("sessions.failed_ratio", None, None, SAME),
        ("sessions.succeeded", 100, 50, OTHER),
        ("tasks.done_ratio", 1.0, 0.5, WORSE),
        ("fleet.workers_lost", 0, 1, WORSE),
        ("sessions.blame.ours", 0, 1, WORSE),
        ("scenario.kpis.recovery_s", 10.0, 20.0, WORSE),
        ("scenario.kpis.capacity_per_second", 10.0, 20.0, BETTER),
        ("scenario.kpis.something", 10.0, 20.0, OTHER),
        ("plugin.something", 10.0, 20.0, OTHER),
    ],
)
def test_what_a_change_is(path: str, a: Any, b: Any, verdict: str) -> None:
    assert of(with_number(path, a), with_number(path, b), path).verdict == verdict


def test_the_threshold_is_the_users() -> None:
    a, b = (with_number("tasks.latency_ms.p99", number) for number in (10.0, 12.0))
    assert of(a, b, "tasks.latency_ms.p99", 0.2).verdict == SAME
    assert of(a, b, "tasks.latency_ms.p99", 0.1999).verdict == WORSE


def test_a_count_that_only_one_run_has_was_none_in_the_other() -> None:
    change = of(summary(), summary(failed=3), "sessions.reasons.no answer in time")
    assert (change.a, change.b, change.absolute) == (0, 3, 3)


def test_a_run_is_as_good_as_itself() -> None:
    found = compare(everything(), everything(), 0)
    assert {change.verdict for change in found.changes} == {SAME}
    assert not found.got_worse


def test_what_got_worse_most_comes_first() -> None:
    b = with_number("tasks.latency_ms.p99", 500.0)
    b["sessions"]["per_second"] = 5.0
    b["sessions"]["failed_ratio"] = 0.1
    found = compare(summary(), b)
    assert [change.metric for change in found.changes[:3]] == [
        "sessions.failed_ratio",
        "tasks.latency_ms.p99",
        "sessions.per_second",
    ]
    verdicts = [change.verdict for change in found.changes]
    assert verdicts == sorted(verdicts, key=(WORSE, BETTER, OTHER, SAME).index)


def test_settings_that_differ_are_told() -> None:
    a = summary() | {"settings": {"--cr-rate": 5, "--seed": 0}}
    b = summary() | {"settings": {"--cr-rate": 9, "--seed": 0, "--profile": "x"}}
    assert compare(a, b).settings == {"--cr-rate": (5, 9), "--profile": (None, "x")}
    assert compare(a, summary()).settings is None


def test_a_level_that_is_broken_now_is_worse() -> None:
    a, b = summary(), summary()
    for found, outcome in ((a, "held"), (b, "broken")):
        found["service_levels"] = [{"level": "x < 5", "actual": 1, "outcome": outcome}]
    assert compare(a, b).broken == ("x < 5",)
    assert compare(a, b).got_worse
    assert compare(b, a).broken == ()


def test_ports_and_files_are_no_settings_of_a_run() -> None:
    here = {"--cr-port": 1, "--summary-json": "a", "--runs": "x", "--record": "x", "--tls-ca": "a"}
    there = {"--cr-port": 2, "--summary-json": "b", "--runs": "y", "--record": None}
    assert compare(summary() | {"settings": here}, summary() | {"settings": there}).settings == {}


def test_the_ports_of_the_embedded_acs_are_random() -> None:
    a, b = (
        summary() | {"settings": {"--host": f"http://127.0.0.1:{port}/"}, "embedded_acs": True}
        for port in (1, 2)
    )
    assert compare(a, b).settings == {}
    a["embedded_acs"] = b["embedded_acs"] = False
    assert list(compare(a, b).settings or ()) == ["--host"]


def test_the_generator_is_no_worse_acs() -> None:
    found = compare(summary(), with_number("generator.cpu_ms_per_session", 900.0))
    assert not found.got_worse
    (change,) = found.of(WORSE, of_generator=True)
    assert change.metric == "generator.cpu_ms_per_session"


def slow(**sections: Any) -> Any:
    return with_number("tasks.latency_ms.p99", 900.0) | sections


LIMITED = {
    "generator": with_number("generator.loop_lag_ms", {"p99": 500.0, "max": 900.0})["generator"]
}
BROKEN = {"service_levels": [{"level": "x < 5", "actual": 9, "outcome": "broken"}]}


@pytest.mark.parametrize(
    ("sections", "outcome"),
    [
        ({}, RunOutcome.BROKEN),
        ({"interrupted": True}, RunOutcome.BROKEN),
        (LIMITED, RunOutcome.NOT_SHOWN),  # its times have those of the generator in them
        (LIMITED | BROKEN, RunOutcome.BROKEN),  # a level knows what the generator added
    ],
)
def test_what_got_worse_is_the_acs_unless_the_generator_was_the_limit(
    sections: dict[str, Any], outcome: RunOutcome
) -> None:
    a = summary() | {"service_levels": [{"level": "x < 5", "actual": 1, "outcome": "held"}]}
    assert compare(a, slow(**sections)).outcome == outcome


def test_runs_that_show_nothing_prove_nothing() -> None:
    assert compare(summary(), summary()).outcome == RunOutcome.HELD
    assert compare(summary() | {"interrupted": True}, summary()).outcome == RunOutcome.NOT_SHOWN
