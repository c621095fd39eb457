"""What a run says of the error of its own times."""

from __future__ import annotations

from caretaker.reporting.measurement_error import BUCKET_ERROR, measurement_error, stated
from caretaker.stats.histogram import Histogram
from caretaker.stats.results import Results


def test_the_error_is_of_this_run_alone() -> None:
    results = Results()
    results.time("generator.loop_lag", 0.002)
    results.time("generator.lateness", 0.001)
    error = measurement_error(results, 0.5)
    assert error == {"relative": round(BUCKET_ERROR, 4), "p50_ms": 5.5, "p99_ms": 5.5}
    said = stated(error, limited=False)
    assert said == "Times are exact to 0.5 % + 5.5 ms (p50), 5.5 ms (p99)."


def test_no_error_is_stated_where_the_generator_was_the_limit() -> None:
    assert "the generator was the limit" in stated(measurement_error(Results(), 0.5), limited=True)


def test_a_run_without_sessions_has_its_loop_lag() -> None:
    results = Results()
    results.time("generator.loop_lag", 0.002)
    assert measurement_error(results, None)["p99_ms"] == 4.0


def test_nothing_measured_is_no_error_of_zero() -> None:
    error = measurement_error(Results(), None)
    assert (error["p50_ms"], error["p99_ms"]) == (None, None)
    assert "not known" in stated(error, limited=False)


def test_no_time_is_farther_from_its_bucket_than_is_said() -> None:
    for number in range(1, 5000):
        times = Histogram()
        times.extend([number / 1e4] * 3 + [1.0, 1e-5])
        told = times.percentile(50)
        assert told is not None
        assert abs(told * 1e4 / number - 1) <= BUCKET_ERROR + 1e-9
