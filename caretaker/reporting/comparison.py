"""
Two runs side by side: ``python -m caretaker compare A.json B.json``.

``compare`` is a pure function of two summaries; ``as_text`` and ``as_html`` show what it returns.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from math import inf
from typing import Any

from caretaker.errors import InputError
from caretaker.reporting.charts import Chart, of_two
from caretaker.reporting.metrics import NEITHER, MetricKind, figure, kind, numbers
from caretaker.reporting.outcomes import RunOutcome
from caretaker.reporting.pages import NO_DATA, render, save
from caretaker.reporting.summary_file import read_summary
from caretaker.reporting.summary_types import Summary

GOT_WORSE = 3
"""The exit code of ``--fail-on-worse``: that of a broken service level."""

FLOORS = {"ms": 0.1, "%": 1.0, "MB": 1.0}
"""By unit: what is noise however small the numbers are that it is a part of."""

WORSE, BETTER, OTHER, SAME = VERDICTS = ("worse", "better", "other", "same")
"""What a change may be; other: neither worse nor better, or only one run has data."""


@dataclass(frozen=True)
class Change:
    """
    One metric of both runs.

    Args:
        a, b: its numbers; None for no data.
        relative: the change as a part of a, infinite from 0; None without data of both.
        verdict: one of ``VERDICTS``.
    """

    metric: str
    unit: str
    a: float | None
    b: float | None
    relative: float | None
    verdict: str

    @property
    def absolute(self) -> float | None:
        """The change in the metric's unit; None without data of both."""
        return None if self.a is None or self.b is None else self.b - self.a


@dataclass(frozen=True)
class Comparison:
    """
    Two runs side by side.

    Args:
        changes: every metric of either, what got worse first, and by how much.
        settings: what differs, by option; None when one of the runs has not recorded them.
        broken: service levels that hold in the first run and not in the second.
        threshold: the relative change that counts as none.
    """

    changes: tuple[Change, ...]
    settings: dict[str, tuple[Any, Any]] | None
    broken: tuple[str, ...]
    threshold: float

    def of(self, verdict: str) -> list[Change]:
        """The changes of one verdict."""
        return [change for change in self.changes if change.verdict == verdict]

    @property
    def got_worse(self) -> bool:
        """Whether anything did."""
        return bool(self.broken or self.of(WORSE))


def compare(a: Summary, b: Summary, threshold: float = 0.1) -> Comparison:
    """
    Compare two summaries.

    Args:
        a: of the first run, to which the second is compared.
        b: of the second.
        threshold: relative changes up to this are noise.
    """
    in_a, in_b = numbers(a), numbers(b)
    changes = [_change(metric, in_a, in_b, threshold) for metric in {**in_a, **in_b}]
    changes.sort(key=lambda change: (VERDICTS.index(change.verdict), -_size(change)))
    return Comparison(tuple(changes), _settings(a, b), _newly_broken(a, b), threshold)


def _size(change: Change) -> float:
    return abs(change.relative or 0)


def _change(
    metric: str, in_a: Mapping[str, float | None], in_b: Mapping[str, float | None], noise: float
) -> Change:
    try:
        metric_kind = kind(metric)
    except KeyError:  # of a scenario or a plugin that the table does not know
        metric_kind = MetricKind()
        in_a, in_b = {metric: None, **in_a}, {metric: None, **in_b}
    a, b = figure(metric, in_a), figure(metric, in_b)
    if a is None or b is None:
        return Change(metric, metric_kind.unit, a, b, None, SAME if a == b else OTHER)
    relative = (b - a) / abs(a) if a else inf * (b - a) if b else 0.0
    return Change(
        metric, metric_kind.unit, a, b, relative, _verdict(metric_kind, b - a, relative, noise)
    )


def _verdict(metric_kind: MetricKind, absolute: float, relative: float, noise: float) -> str:
    if abs(relative) <= noise or abs(absolute) < FLOORS.get(metric_kind.unit, 0):
        return SAME
    if metric_kind.worse == NEITHER:
        return OTHER
    return WORSE if absolute * metric_kind.worse > 0 else BETTER


def _settings(a: Summary, b: Summary) -> dict[str, tuple[Any, Any]] | None:
    if "settings" not in a or "settings" not in b:
        return None
    of_a, of_b = a["settings"], b["settings"]
    both = {name: (of_a.get(name), of_b.get(name)) for name in {**of_a, **of_b}}
    return {name: pair for name, pair in both.items() if pair[0] != pair[1]}


def _newly_broken(a: Summary, b: Summary) -> tuple[str, ...]:
    held = _levels(a, RunOutcome.HELD)
    return tuple(level for level in _levels(b, RunOutcome.BROKEN) if level in held)


def _levels(summary: Summary, outcome: RunOutcome) -> list[str]:
    verdicts = summary.get("service_levels", ())
    return [verdict["level"] for verdict in verdicts if verdict["outcome"] == outcome]


def check_versions(a: Summary, b: Summary) -> None:
    """
    See that two summaries mean the same by the same names.

    Raises:
        InputError: they are of different minor versions of Caretaker.
    """
    versions = [summary["version"] for summary in (a, b) if "version" in summary]
    if len({tuple(version.split(".")[:2]) for version in versions}) > 1:
        what = f"the runs are of Caretaker {versions[0]} and {versions[1]}"
        raise InputError(f"{what}, whose figures may differ in meaning; run both with one version")


# -- showing --------------------------------------------------------------------------------------


def as_text(comparison: Comparison, names: Sequence[str]) -> str:
    """
    A comparison for a terminal.

    Args:
        comparison: what ``compare`` has made.
        names: of the two runs.
    """
    return "\n".join(_lines(comparison, names))


_TITLES = {WORSE: "Worse", BETTER: "Better", OTHER: "Changed, neither worse nor better"}


def _lines(comparison: Comparison, names: Sequence[str]) -> Iterator[str]:
    yield f"A: {names[0]}\nB: {names[1]}"
    if comparison.settings is None:
        yield "Settings: not recorded in both"
    elif comparison.settings:
        yield "Settings that differ"
        for name, (a, b) in comparison.settings.items():
            yield f"  {name}: {a} -> {b}"
    for level in comparison.broken:
        yield f"Service level broken in B only: {level}"
    for verdict, title in _TITLES.items():
        changes = comparison.of(verdict)
        if changes:
            yield f"{title} ({len(changes)})"
            yield from map(_line, changes)
    yield f"The same within {comparison.threshold * 100:g} %: {len(comparison.of(SAME))}"


def _line(change: Change) -> str:
    a, b = with_unit(change.a, change.unit), with_unit(change.b, change.unit)
    return f"  {change.metric:<46} {a:>14} -> {b:<14} {relative(change)}".rstrip()


def with_unit(number: float | None, unit: str, sign: str = "") -> str:
    """A number with its unit; ratios need none. ``sign`` is ``+`` for a change."""
    if number is None:
        return NO_DATA
    digits = f"{number:{sign}.6g}" if abs(number) < 1e6 else f"{number:{sign}.0f}"
    return digits if unit in ("", "ratio") else f"{digits} {unit}"


def relative(change: Change) -> str:
    """The relative change in percent; nothing where there is none."""
    if change.relative is None or abs(change.relative) == inf:
        return ""
    return f"{change.relative * 100:+.1f} %"


def as_html(comparison: Comparison, names: Sequence[str], charts: Sequence[Chart] = ()) -> str:
    """
    A comparison as a page that needs no network.

    Args:
        comparison: what ``compare`` has made.
        names: of the two runs.
        charts: of both, laid over each other.
    """
    titles = {**_TITLES, SAME: f"The same within {comparison.threshold * 100:g} %"}
    return render(
        "comparison.html", charts, comparison=comparison, names=names, titles=titles,
        with_unit=with_unit, relative=relative,
    )  # fmt: skip


# -- the command ----------------------------------------------------------------------------------


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Add the command's arguments."""
    parser.add_argument("a", metavar="A.json", help="the summary of the first run")
    parser.add_argument("b", metavar="B.json", help="... of the run to compare with it")
    parser.add_argument(
        "--threshold",
        type=_percent,
        default=0.1,
        metavar="PERCENT",
        help="changes up to this are noise (default: 10)",
    )
    parser.add_argument("--report", metavar="FILE.html", help="write a page of it, too")
    parser.add_argument(
        "--fail-on-worse",
        action="store_true",
        help=f"exit code {GOT_WORSE} when something got worse",
    )


def _percent(text: str) -> float:
    try:
        value = float(text.strip().removesuffix("%"))
    except ValueError:
        value = -1.0
    if not 0 <= value <= 1000:
        cure = "write percent, like 10"
        raise argparse.ArgumentTypeError(f"{text!r} is not a number from 0 to 1000; {cure}")
    return value / 100


def run(options: argparse.Namespace) -> int:
    """
    Compare two files, and print what differs.

    Raises:
        InputError: a file can't be read or written, or the two can't be compared.
    """
    a, b = read_summary(options.a), read_summary(options.b)
    check_versions(a, b)
    comparison = compare(a, b, options.threshold)
    names = [_name(options.a, a), _name(options.b, b)]
    print(as_text(comparison, names))  # noqa: T201  # a command prints
    if options.report is not None:
        save("--report", options.report, as_html(comparison, names, of_two(a, b)))
    return GOT_WORSE if options.fail_on_worse and comparison.got_worse else 0


def _name(path: str, summary: Summary) -> str:
    scenario = f"{summary['scenario']['name']}, " if "scenario" in summary else ""
    return f"{path} ({scenario}{summary['fleet']['cpes']} CPEs, {summary['seconds']} s)"
