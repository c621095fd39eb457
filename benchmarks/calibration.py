"""
Whether load tests report what is true: against ACSs that know it, in processes of their own.

* delays of 20 ms, and of 5 ms with each 20th of 200 ms: p50, p99, and the number of Informs;
* the same at 70 % of a core, and over two workers;
* each 50th Inform answered with 500, and each 50th not at all: how many, and why;
* a freeze of 5 s: the longest time from the plan.

The error that is stated is that of the run's own summary (``generator.error``). A count has none.
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from subprocess import PIPE
from typing import Any

from benchmarks.figures import Figure, Options, columns, short
from benchmarks.known_acs import FREEZE_SECONDS, Truth
from benchmarks.processes import ROOT, environment
from benchmarks.whole_runs import load_test
from caretaker.reporting.generator_limits import GeneratorFigures, generator_limits

LOAD = 0.7
"""Of a core, where one is to be busy."""
RATE = 100
"""Informs per second elsewhere."""
_TRIAL_RATE = 1500
_INTERVAL = 2
_CPES_PER_USER = 100


@dataclass(frozen=True)
class Comparison(Figure):
    """
    A figure that a load test has reported, beside the true one.

    Args:
        stated: the error that each run states for its value, in the same unit.
        least_only: whether a value above the true one is right, too.
    """

    stated: Sequence[float] = ()
    least_only: bool = False

    @property
    def within(self) -> list[bool]:
        """For each run, whether the reported value is within its stated error of the true one."""
        runs = zip(self.values, self.reference_values, self.stated, strict=True)
        return [
            true - value <= error and (self.least_only or value - true <= error)
            for value, true, error in runs
        ]

    @property
    def worst(self) -> tuple[float, float, float]:
        """Value, true value and stated error of the run that is farthest off."""
        runs = zip(self.values, self.reference_values, self.stated, strict=True)
        return max(runs, key=lambda run: abs(run[0] - run[1]) - run[2])

    def to_json(self) -> dict[str, Any]:
        """The figure as plain data, for ``--json``."""
        return {**super().to_json(), "stated": list(self.stated), "within": self.within}


def table(comparisons: Sequence[Comparison]) -> str:
    """The comparisons as lines of text, each by its worst run."""
    head = ("figure", "unit", "true", "reported", "difference", "stated error", "within")
    return columns([head, *map(_row, comparisons)])


def _row(comparison: Comparison) -> tuple[str, ...]:
    value, true, error = comparison.worst
    within = f"{sum(comparison.within)} of {len(comparison.within)} runs"
    numbers = (short(true), short(value), short(value - true), short(error))
    return (comparison.name, comparison.unit, *numbers, within)


# -- what one run shows ---------------------------------------------------------------------------

Found = dict[str, tuple[float, float, float]]
"""Of one run by figure: reported, true, stated error."""


def times(summary: Any, truth: Truth) -> Found:
    """
    The times of Informs, from their POST and from their plan, and how many there were.

    Only how many, where the generator was the limit: such a run states no error.
    """
    if generator_limits(GeneratorFigures.of_run(summary)):
        return {"of a generator at its limit, Informs": counts(summary, truth)["Informs"]}
    error = summary["generator"]["error"]
    found: Found = {}
    for name, reported in (
        ("Inform to InformResponse", summary["exchanges"]["Inform"]["ms"]),
        ("plan to InformResponse", summary["informs"]["from_plan_ms"]),
    ):
        for percent, true in (("p50", truth["p50"]), ("p99", truth["p99"])):
            stated = error["relative"] * true + error[f"{percent}_ms"]
            found[f"{name}, {percent}"] = (reported[percent], true, stated)
    return {**found, **counts(summary, truth)}


def counts(summary: Any, truth: Truth) -> Found:
    """How many Informs and good sessions there were."""
    return {
        "Informs": (summary["informs"]["total"], truth["informs"], 0),
        "sessions": (summary["sessions"]["succeeded"], truth["sessions"], 0),
    }


REASONS = {"HTTP 500": "HTTP 500", "closed": "connection closed without an answer"}
"""What a load test says of an Inform, by how the ACS has ended it."""


def losses(summary: Any, truth: Truth) -> Found:
    """How many Informs failed, by reason."""
    reasons = summary["sessions"]["reasons"]
    failed: Found = {
        reason: (reasons.get(reason, 0), truth["endings"].get(ending, 0), 0)
        for ending, reason in REASONS.items()
    }
    lost = sum(truth["endings"].get(ending, 0) for ending in REASONS)
    every: Found = {"failed sessions": (summary["sessions"]["failed"], lost, 0)}
    return {**counts(summary, truth), **failed, **every}


def freeze(summary: Any, truth: Truth) -> Found:
    """The longest time from the plan: of an Inform that was planned when the freeze began."""
    step = 1000 / RATE
    longest = summary["informs"]["from_plan_ms"]["max"]
    return {
        "plan to InformResponse, max": (longest, 1000 * FREEZE_SECONDS, step),
        **counts(summary, truth),
    }


# -- running --------------------------------------------------------------------------------------


def run(options: Options) -> list[Figure]:
    """Measure; each run takes two minutes."""
    found: dict[str, list[tuple[float, float, float]]] = {}
    for _ in range(options.runs):
        for name, one in _runs(options):
            for figure, numbers in one.items():
                found.setdefault(f"{name}: {figure}", []).append(numbers)
    return [_comparison(name, runs) for name, runs in found.items()]


def _runs(options: Options) -> Iterator[tuple[str, Found]]:
    seconds = max(4.0, 4 * options.seconds)
    yield "20 ms", times(*_measured("constant", RATE, seconds))
    yield "5 or 200 ms", times(*_measured("bimodal", RATE, seconds))
    trial = _TRIAL_RATE * options.scale
    used = _cpu(_measured("constant", trial, 4.0)[0])
    busy, truth = _measured("constant", trial * LOAD / used, seconds)
    yield f"20 ms, core {100 * LOAD:.0f} % busy", times(busy, truth)
    yield "5 or 200 ms, two workers", times(*_measured("bimodal", 2 * RATE, seconds, workers=2))
    yield "each 50th lost", losses(*_measured("lossy", 2 * RATE, seconds))
    yield "freeze", freeze(*_measured("freezing", RATE, max(12.0, seconds)))


def _cpu(summary: Any) -> float:
    """Which part of a core its worker has used."""
    return float(summary["generator"]["cpu_percent"]["mean"]["0"]) / 100


def _measured(kind: str, rate: float, seconds: float, workers: int = 0) -> tuple[Any, Truth]:
    """The summary of a load test, and what its ACS knows."""
    command = [sys.executable, "-m", "benchmarks.known_acs", kind]
    with subprocess.Popen(  # noqa: S603
        command, stdin=PIPE, stdout=PIPE, text=True, cwd=ROOT, env=environment()
    ) as acs:
        assert acs.stdin is not None
        assert acs.stdout is not None
        users = max(1, round(rate * _INTERVAL / _CPES_PER_USER))
        try:
            summary = load_test(
                *("--host", acs.stdout.readline().strip(), "--processes", str(workers)),
                "--no-check",
                *("--cr-driver", "off", "--cr-rate", "0", "--start", "running"),
                *("--users", str(users), "--spawn-rate", str(users)),
                *("--cpes-per-user", str(_CPES_PER_USER), "--inform-interval", str(_INTERVAL)),
                *("--run-time", f"{seconds:.0f}s"),
            )
            acs.stdin.close()
            truth: Truth = json.loads(acs.stdout.read())
        finally:
            acs.terminate()
    return summary, truth


def _comparison(name: str, runs: Sequence[tuple[float, float, float]]) -> Comparison:
    values, true, stated = zip(*runs, strict=True)
    unit = "ms" if "Response" in name else ""
    least_only = name.startswith("freeze: plan")
    return Comparison(name, unit, values, "true", true, stated=stated, least_only=least_only)
