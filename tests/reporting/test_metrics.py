"""Metrics: the vocabulary of service levels and comparisons, held against the summary."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from helpers.summaries import everything, summary

from caretaker.reporting.metrics import METRIC_KINDS, UNITS, figure, kind, numbers, proposals
from caretaker.reporting.summary import summarize

OF_SCENARIOS = ("informs.from_plan_ms.", "scenario.kpis.")
"""What only runs with a timeline or a scenario have."""


def pattern_of(metric: str) -> str:
    return next(pattern for pattern, each in METRIC_KINDS.items() if each is kind(metric))


def test_every_number_of_a_summary_has_its_kind() -> None:
    found = numbers(everything())
    assert len(found) > 90
    for metric in found:
        assert kind(metric).unit in UNITS


def test_every_kind_is_of_a_number_of_the_summary() -> None:
    found = numbers(everything())
    for pattern in METRIC_KINDS:
        expression = re.escape(pattern).replace(r"\*", ".+")
        there = any(re.fullmatch(expression, metric) for metric in found)
        assert there or pattern.startswith(OF_SCENARIOS), pattern


def test_units_follow_the_names() -> None:
    """Milliseconds, ratios, percent and megabytes say so in their names, rates too."""
    units = {"_ms": "ms", ".ms.": "ms", "_ratio": "ratio", "_percent": "%", "_mb": "MB"}
    units |= {"per_second": "/s", "seconds": "s"}
    for pattern, each in METRIC_KINDS.items():
        wanted = [unit for part, unit in units.items() if part in pattern]
        wanted += ["s"] if pattern.endswith("_s") else []
        assert each.unit == (wanted[0] if wanted else ""), pattern


@pytest.mark.parametrize(
    ("metric", "number"),
    [
        ("sessions.succeeded", 100),
        ("sessions.failed_ratio", 0),
        ("sessions.per_second", 10),
        ("informs.by_event.6 CONNECTION REQUEST", 100),
        ("exchanges.Inform.ms.max", 1),
        ("exchanges.Inform.count", 100),
        ("generator.cpu_percent.mean.0", 50),
        ("generator.cpu_ms_per_session", 50),
        ("fleet.by_worker.0", 10),
        ("seconds", 10),
        # Counts of what never was: none.
        ("informs.by_event.2 PERIODIC", 0),
        ("informs.by_event.X 00D09E Stolen", 0),
        ("sessions.reasons.connection refused", 0),
        ("transfers.faults.9010", 0),
        ("exchanges.Fault.count", 0),
        # Measurements of what never was: no data.
        ("exchanges.Fault.ms.p99", None),
        ("exchanges.Fault.failed_ratio", None),
        ("generator.rss_mb.7", None),
        ("transfers.failed_ratio", None),
        ("scenario.kpis.time_to_steady_state_seconds", None),
    ],
)
def test_a_metric_is_the_path_of_a_number(metric: str, number: float | None) -> None:
    assert figure(metric, numbers(summary())) == number


def test_times_of_which_none_was_counted_are_no_data() -> None:
    found = numbers(summarize([], 1.0))
    times = [metric for metric in found if "_ms." in metric]
    assert len(times) > 20
    assert all(found[metric] is None for metric in times)
    assert found["sessions.failed_ratio"] is None
    assert found["sessions.failed"] == 0


def test_settings_timelines_and_words_are_no_metrics() -> None:
    more = {"settings": {"cr_rate": 5}, "timeline": {"step": 1.0}, "version": "1"}
    assert numbers(summary() | more) == numbers(summary())
    assert "connection_requests.books_balance" not in numbers(summary())


@pytest.mark.parametrize(
    "metric",
    [
        "",
        "sessions",
        "sessions.",
        "sessions.faild",
        "sessions.reasons.",
        "informs.by_event.2 PERIODC",
        "exchanges.Infrom.ms.p99",
        "exchanges.Inform.ms.p98",
        "sessions.blame.mine",
        "generator.rss_mb.first",
        "transfers.faults.many",
    ],
)
def test_what_no_summary_has_is_no_metric(metric: str) -> None:
    with pytest.raises(KeyError):
        kind(metric)


@pytest.mark.parametrize(
    ("wrong", "right"),
    [
        ("sesions.failed", "sessions.failed"),
        ("failed_ratio", "sessions.failed_ratio"),
        ("to_inform_ms.p99", "connection_requests.to_inform_ms.p99"),
        ("exchanges.Infrom.ms.p99", "exchanges.Inform.ms.p99"),
        ("informs.by_event.2 PERIODC", "informs.by_event.2 PERIODIC"),
    ],
)
def test_the_nearest_names_are_proposed(wrong: str, right: str) -> None:
    assert right in proposals(wrong, numbers(summarize([], 1.0)))


def test_nothing_is_proposed_for_what_is_no_name() -> None:
    assert proposals("sessions.failed" * 20, numbers(summarize([], 1.0))) == []


def test_the_most_particular_kind_counts() -> None:
    assert pattern_of("sessions.duration_ms.max") == "sessions.duration_ms.max"
    assert pattern_of("scenario.kpis.time_to_steady_state_s") == "scenario.kpis.*_s"


def test_all_of_them_are_documented(root: Path) -> None:
    text = (root / "docs" / "summary.md").read_text()
    for pattern in METRIC_KINDS:
        if not pattern.startswith(OF_SCENARIOS):
            name = pattern.split(".*")[0].removesuffix(".max").rpartition(".")[2]
            assert f"`{name}`" in text, pattern
