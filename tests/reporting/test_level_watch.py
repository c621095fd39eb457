"""The service levels of a run that goes on: which are broken, and since when."""

from __future__ import annotations

from typing import Any

import pytest
from helpers.summaries import summary

from caretaker.reporting.level_watch import BrokenLevel, LevelWatch
from caretaker.reporting.service_levels import ServiceLevel

FAILED, LATE = "sessions.failed_ratio < 0.1", "tasks.failed < 1"


def watch(*levels: str) -> LevelWatch:
    return LevelWatch([ServiceLevel.parse(level) for level in levels])


@pytest.mark.parametrize(
    ("text", "is_breach"),
    [
        ("sessions.failed_ratio < 0.001", True),
        ("sessions.failed == 0", True),
        ("sessions.per_second > 1000", True),
        ("sessions.failed < 2", False),
        ("exchanges.Fault.ms.p99 < 1", False),  # no data yet
        ("sessions.succeeded > 1000", False),  # may still come
        ("sessions.succeeded >= 1000", False),
        ("sessions.succeeded == 1000", False),
        ("sessions.succeeded == 50", True),
        ("sessions.succeeded > 100", False),
    ],
)
def test_what_a_run_that_goes_on_has_broken(text: str, is_breach: bool) -> None:
    assert (watch(text).look(summary(failed=1), 12.34) is not None) is is_breach


def test_the_first_level_in_their_order_is_told_with_what_was_measured() -> None:
    broken = watch(LATE, FAILED).look(summary(10, failed=10), 12.34)
    assert str(broken) == "sessions.failed_ratio < 0.1 is broken after 12.3 s (actual 0.5)"


def test_a_level_that_is_broken_at_the_end_tells_since_when() -> None:
    watching = watch(FAILED)
    for at, failed in ((1.0, 10), (2.0, 0), (3.04, 20), (4.0, 30)):
        watching.look(summary(10, failed=failed), at)
    (verdict,) = watching.verdicts(summary(10, failed=40))
    assert verdict == {"level": FAILED, "actual": 0.8, "outcome": "broken", "broken_at": 3.0}
    (verdict,) = watching.verdicts(summary())
    assert verdict == {"level": FAILED, "actual": 0, "outcome": "held"}


def test_the_level_that_ended_a_run_stays_broken() -> None:
    watching = watch(LATE, FAILED)
    broken = watching.look(summary(10, failed=10), 12.34)
    assert isinstance(broken, BrokenLevel)
    watching.end_by(broken)
    assert watching.verdicts(summary()) == [
        {"level": LATE, "actual": 0, "outcome": "held"},
        {"level": FAILED, "actual": 0.5, "outcome": "broken", "broken_at": 12.3},
    ]


def test_what_the_generator_alone_may_have_added_breaks_no_level() -> None:
    late: Any = summary()
    late["informs"]["from_plan_ms"] = {"p50": 1.0, "p95": 1.0, "p99": 500.0, "max": 500.0}
    watching = watch("informs.from_plan_ms.p99 < 200")
    assert watching.look(late, 1.0) is not None
    late["generator"]["lateness_ms"] = {"p50": 1.0, "p99": 400.0, "max": 400.0}
    assert watching.look(late, 2.0) is None
    (verdict,) = watching.verdicts(late)
    assert (verdict["outcome"], "broken_at" in verdict) == ("not shown", False)
