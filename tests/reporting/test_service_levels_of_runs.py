"""Service levels: what is one, what holds, and what ends a run."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from helpers.summaries import everything, summary
from hypothesis import given
from hypothesis import strategies as st

from caretaker.errors import InputError
from caretaker.reporting.metrics import numbers
from caretaker.reporting.service_levels import (
    OPERATORS,
    ServiceLevel,
    margin_used,
    read_levels,
    verdicts,
)
from caretaker.reporting.summary import summarize

parse = ServiceLevel.parse

METRICS = st.sampled_from(sorted(numbers(summarize([], 1.0)))) | st.sampled_from(
    ["exchanges.Inform.ms.p99", "informs.by_event.2 PERIODIC", "sessions.reasons.HTTP 500 < 5"]
)
REASONS = st.text(min_size=1).map(lambda text: f"sessions.reasons.{text}")
LEVELS = st.builds(
    ServiceLevel,
    METRICS | REASONS.filter(lambda text: text == text.strip() and "\n" not in text),
    st.sampled_from(sorted(OPERATORS)),
    st.floats(allow_nan=False, allow_infinity=False),
)


@given(LEVELS)
def test_what_is_written_is_read_again(level: ServiceLevel) -> None:
    assert parse(str(level)) == level


@given(st.text() | st.text("sesion.failed_rt<>=01e%m ").map(lambda text: f"sessions.{text}"))
def test_any_text_is_a_level_or_an_error_of_one_line(text: str) -> None:
    try:
        level = parse(text)
    except InputError as error:
        assert len(str(error).splitlines()) == 1
    else:
        assert parse(str(level)) == level


@pytest.mark.parametrize(
    ("text", "level"),
    [
        ("sessions.failed<1", ("sessions.failed", "<", 1)),
        ("  sessions.failed  <=  1.5  ", ("sessions.failed", "<=", 1.5)),
        ("sessions.per_second >= 1e3", ("sessions.per_second", ">=", 1000)),
        ("sessions.per_second > 20 /s", ("sessions.per_second", ">", 20)),
        ("sessions.failed == 0", ("sessions.failed", "==", 0)),
        ("sessions.failed_ratio < 0.1 %", ("sessions.failed_ratio", "<", 0.001)),
        ("sessions.failed_ratio < 1e-14", ("sessions.failed_ratio", "<", 1e-14)),
        ("tasks.latency_ms.p99 < .5 s", ("tasks.latency_ms.p99", "<", 500)),
        ("tasks.latency_ms.p99 < 500ms", ("tasks.latency_ms.p99", "<", 500)),
        ("generator.cpu_percent.max.0 < 90%", ("generator.cpu_percent.max.0", "<", 90)),
        ("generator.rss_mb.0 < 2 GB", ("generator.rss_mb.0", "<", 2000)),
        ("informs.by_event.2 PERIODIC > 3", ("informs.by_event.2 PERIODIC", ">", 3)),
        ("exchanges.(empty).ms.p99 < 5", ("exchanges.(empty).ms.p99", "<", 5)),
    ],
)
def test_a_level(text: str, level: tuple[str, str, float]) -> None:
    assert parse(text) == level


@pytest.mark.parametrize(
    ("text", "complaint"),
    [
        ("", "'' is no service level; write METRIC < NUMBER, like"),
        ("sessions.failed", "is no service level"),
        ("sessions.failed < many", "is no service level"),
        ("sessions.failed < nan", "is no service level"),
        ("sessions.failed < 1 < 2", "no metric 'sessions.failed < 1'; did you mean"),
        ("sessions.failed = 1", "is no service level"),
        ("sessions.failed != 1", "is no service level"),
        ("< 5", "is no service level"),
        ("sessions.failed < 1e999", "1e999 is too large"),
        ("sessions.failed < 5 ms", "sessions.failed has no unit 'ms'; it is a plain number"),
        ("tasks.latency_ms.p99 < 5 h", "has no unit 'h'; it takes ms or s"),
        ("sesions.failed < 5", "no metric 'sesions.failed'; did you mean sessions.failed or"),
        ("connection_requests.books_balance == 1", "no metric 'connection_requests.books_bal"),
        ("qqqqqqqq < 5", "no metric 'qqqqqqqq'; docs/summary.md lists them"),
    ],
)
def test_what_is_no_level_says_why(text: str, complaint: str) -> None:
    with pytest.raises(InputError) as error:
        parse(text)
    assert complaint in str(error.value)


def test_every_number_of_a_summary_can_be_asked_for() -> None:
    for metric in numbers(everything()):
        assert parse(f"{metric} < 1").metric == metric


@pytest.mark.parametrize(
    ("text", "actual", "holds"),
    [
        ("sessions.failed < 1", 1, False),
        ("sessions.failed <= 1", 1, True),
        ("sessions.failed > 0", 1, True),
        ("sessions.failed >= 1", 1, True),
        ("sessions.failed == 1", 1, True),
        ("sessions.failed_ratio < 0.001", 0.009900990, False),
        ("sessions.reasons.no answer in time < 1", 1, False),
        ("sessions.reasons.connection refused == 0", 0, True),
        ("exchanges.Inform.ms.p99 < 5", 1.0, True),
        ("generator.lateness_ms.max < 0.5", 1.0, False),
    ],
)
def test_a_verdict(text: str, actual: float, holds: bool) -> None:
    (verdict,) = verdicts([parse(text)], summary(failed=1))
    assert verdict["level"] == text
    assert verdict["actual"] == pytest.approx(actual, rel=0.02)
    assert verdict["outcome"] == ("held" if holds else "broken")


@pytest.mark.parametrize(
    "metric",
    [
        "connection_requests.to_inform_ms.p99",
        "transfers.failed_ratio",
        "exchanges.Fault.ms.p50",
        "generator.rss_mb.7",
        "scenario.kpis.recovery_seconds",
    ],
)
@pytest.mark.parametrize("operator", ["<", ">="])
def test_without_data_a_level_is_not_shown(metric: str, operator: str) -> None:
    verdict = {"level": f"{metric} {operator} 0", "actual": None, "outcome": "not shown"}
    assert verdicts([parse(f"{metric} {operator} 0")], summary(0)) == [verdict]


def test_levels_come_from_the_lines_of_a_file(tmp_path: Path) -> None:
    file = tmp_path / "levels"
    file.write_text("# ours\n\n  sessions.failed < 1\nsessions.shed<5\n")
    found = [str(level) for level in read_levels(str(file))]
    assert found == ["sessions.failed < 1", "sessions.shed < 5"]


@pytest.mark.parametrize(
    ("content", "complaint"),
    [
        (b"\nsessions.failed\n", ":2: 'sessions.failed' is no service level"),
        (b"# nothing\n", ": no service level in it"),
        (b"\xff\n", ": not a text file in UTF-8"),
        (None, ": No such file"),
    ],
)
def test_a_file_that_has_none(tmp_path: Path, content: bytes | None, complaint: str) -> None:
    file = tmp_path / "levels"
    if content is not None:
        file.write_bytes(content)
    with pytest.raises(InputError) as error:
        read_levels(str(file))
    assert str(error.value).startswith(f"{file}{complaint}")


@pytest.mark.parametrize(
    ("text", "used"),
    [
        ("sessions.failed < 200", 0.5),
        ("sessions.failed <= 50", 2.0),
        ("sessions.failed > 50", 0.5),
        ("sessions.failed >= 200", 2.0),
        ("sessions.failed == 100", None),
        ("sessions.failed < 0", None),
        ("not a level", None),
    ],
)
def test_how_much_of_its_bound_a_level_has_used(text: str, used: float | None) -> None:
    assert margin_used({"level": text, "actual": 100, "outcome": "held"}) == used
    assert margin_used({"level": text, "actual": None, "outcome": "not shown"}) is None


@pytest.mark.parametrize(
    ("text", "outcome"),
    [
        ("informs.from_plan_ms.p99 < 450", "not shown"),
        ("informs.from_plan_ms.p99 < 99", "broken"),
        ("sessions.failed < 100", "broken"),  # no time
        ("generator.loop_lag_ms.p99 < 400", "broken"),  # of the generator itself
    ],
)
def test_a_generator_at_its_limit_excuses_what_it_added_to_times(text: str, outcome: str) -> None:
    assert parse(text).outcome(500, added_ms=400) == outcome
    assert parse(text).outcome(500) == "broken"
    assert parse(text).outcome(10_000, added_ms=400) == "broken"


@pytest.mark.parametrize(
    ("text", "actual", "outcome"),
    [
        ("sessions.per_second > 100", 9.5, "not shown"),
        ("sessions.succeeded >= 100", 9, "not shown"),
        ("sessions.succeeded == 100", 9, "not shown"),
        ("sessions.failed == 0", 9, "broken"),
        ("sessions.failed < 5", 9, "broken"),
        ("tasks.done_ratio > 0.9", 0.5, "broken"),
    ],
)
def test_a_run_that_did_less_than_it_was_to_do_shows_nothing_of_what_is_too_low(
    text: str, actual: float, outcome: str
) -> None:
    assert parse(text).outcome(actual, did_less=True) == outcome
    assert parse(text).outcome(actual) == "broken"
    assert not parse("sessions.per_second > 100").is_breached(9.5, added_ms=200.0)


@pytest.mark.parametrize("early", [{"interrupted": True}, {"users_not_started": 5}])
def test_a_run_that_ended_early_did_less(early: dict[str, Any]) -> None:
    (verdict,) = verdicts([parse("sessions.succeeded > 1000")], summary() | early)
    assert verdict["outcome"] == "not shown"
