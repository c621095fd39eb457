"""The logic of the calibration: what an ACS that knows the truth does, and how it is compared."""

from __future__ import annotations

from collections import Counter
from typing import Any

import pytest
from helpers.summaries import summary

from benchmarks.calibration import Comparison, counts, freeze, losses, table, times
from benchmarks.known_acs import ENDINGS, KINDS, Truth, percentile
from caretaker.cwmp import decode
from caretaker.cwmp import messages as m


def truth(**changes: Any) -> Truth:
    """Of an ACS that answered 100 Informs after a millisecond each."""
    made: Any = {"informs": 100, "endings": {"answered": 100}, "sessions": 100,
                 "p50": 1.0, "p99": 1.0, **changes}  # fmt: skip
    return made  # type: ignore[no-any-return]


def test_percentiles_of_the_truth_are_exact() -> None:
    assert [percentile([*range(1, 101)], percent) for percent in (50, 99, 100)] == [50, 99, 100]
    assert (percentile([7.0], 99), percentile([], 50)) == (7.0, 0.0)


def test_each_kind_of_acs_does_what_its_name_says() -> None:
    fates = {kind: Counter(map(fate, range(1, 101))) for kind, fate in KINDS.items()}
    assert fates["constant"] == {(0.02, "answered"): 100}
    assert fates["bimodal"] == {(0.005, "answered"): 95, (0.2, "answered"): 5}
    assert fates["lossy"] == {
        (0.005, "answered"): 96, (0.005, "HTTP 500"): 2, (0.005, "closed"): 2,
    }  # fmt: skip
    assert fates["freezing"] == {(0.005, "answered"): 100}


def test_its_answer_is_one_that_a_cpe_takes() -> None:
    head, _, body = ENDINGS["answered"].partition(b"\r\n\r\n")
    assert head.endswith(b"Content-Length: %d" % len(body))
    assert isinstance(decode(body).message, m.InformResponse)
    assert decode(body).id == "1"


def test_a_time_may_be_off_by_the_error_that_its_run_states() -> None:
    made = summary()
    made["generator"]["error"] = {"relative": 0.01, "p50_ms": 2.0, "p99_ms": 4.0}
    found = times(made, truth(p50=100.0, p99=200.0))
    reported = made["exchanges"]["Inform"]["ms"]
    assert found["Inform to InformResponse, p50"] == (reported["p50"], 100.0, 3.0)
    assert found["Inform to InformResponse, p99"] == (reported["p99"], 200.0, 6.0)
    assert found["Informs"] == (100, 100, 0)


def test_failures_are_compared_by_their_reason() -> None:
    made = summary(90)
    made["sessions"]["reasons"] = {"HTTP 500": 6, "connection closed without an answer": 4}
    made["sessions"]["failed"] = 10
    endings = {"answered": 90, "HTTP 500": 6, "closed": 4}
    found = losses(made, truth(informs=100, sessions=90, endings=endings))
    assert [found[name][:2] for name in ("HTTP 500", "connection closed without an answer",
                                         "failed sessions", "sessions")] == [
        (6, 6), (4, 4), (10, 10), (90, 90),
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("value", "stated", "least_only", "within"),
    [
        (101.0, 2.0, False, True),
        (103.0, 2.0, False, False),
        (97.0, 2.0, False, False),
        (150.0, 2.0, True, True),
        (97.0, 2.0, True, False),
        (100.0, 0.0, False, True),
    ],
)
def test_within(value: float, stated: float, least_only: bool, within: bool) -> None:
    made = Comparison("it", "ms", [value], "true", [100.0], stated=[stated], least_only=least_only)
    assert made.within == [within]


def test_a_comparison_is_shown_by_its_worst_run() -> None:
    made = Comparison("it", "ms", [10.1, 13.0], "true", [10.0, 10.0], stated=[2.0, 2.5])
    assert table([made]).splitlines()[1].split() == [
        "it", "ms", "10", "13", "3", "2.5", "1", "of", "2", "runs",
    ]  # fmt: skip
    assert made.to_json()["within"] == [True, False]


def test_a_freeze_must_be_seen_whole_but_for_one_step() -> None:
    made = summary()
    made["informs"]["from_plan_ms"]["max"] = 4995.0
    reported, true, step = freeze(made, truth())["plan to InformResponse, max"]
    assert (reported, true, step) == (4995.0, 5000.0, 10.0)
    assert set(counts(made, truth())) == {"Informs", "sessions"}
